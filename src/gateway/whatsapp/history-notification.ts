import { proto } from '@whiskeysockets/baileys';
import { type Account, isOwn, type StanzaAttributes } from './identity.ts';
import { decodeMessage } from './interpret.ts';
import { sentContent } from './unwrap.ts';

const { FULL, INITIAL_BOOTSTRAP, RECENT } = proto.HistorySync.HistorySyncType;

export type HistoryNotification = proto.Message.IHistorySyncNotification;

/** By which the account's phone announces a part of its history; null when the stanza is none, or of anybody else. */
export function historyIn(
  { category, from }: StanzaAttributes,
  plaintext: Uint8Array,
  account: Account,
): { readonly message: proto.IMessage; readonly notification: HistoryNotification } | null {
  if (category !== 'peer' || from === undefined || !isOwn(account, from)) return null;
  const message = decodeMessage(plaintext);
  const notification = sentContent(message)?.protocolMessage?.historySyncNotification;
  return message && notification ? { message, notification } : null;
}

/** Whether the part holds what people wrote lately. */
export const isRecent = ({ syncType }: HistoryNotification): boolean =>
  syncType === INITIAL_BOOTSTRAP || syncType === RECENT;

/** Whether the part is all that the phone has, for years back: nobody fetches that. */
export const isFull = ({ syncType }: HistoryNotification): boolean => syncType === FULL;

/** As a text to keep. */
export const encodeNotification = (notification: HistoryNotification): string =>
  Buffer.from(proto.Message.HistorySyncNotification.encode(notification).finish()).toString('base64');

export const decodeNotification = (text: string): HistoryNotification =>
  proto.Message.HistorySyncNotification.decode(Buffer.from(text, 'base64'));
