import { deflateSync } from 'node:zlib';
import { proto } from '@whiskeysockets/baileys';
import { addressOf, type Chat, chatJid } from './chat.ts';
import { type Content, compose, findMedium } from './content.ts';
import type { MediaFault } from './media-fault.ts';
import { uploadMedium } from './media-upload.ts';
import type { Person, Surroundings } from './person.ts';
import type { SeededRandom } from './seeded-random.ts';

const { RECENT } = proto.HistorySync.HistorySyncType;
const { HISTORY_SYNC_NOTIFICATION } = proto.Message.ProtocolMessage.Type;

/** A message that the account's phone keeps of the time before a bot was linked. */
export interface KeptMessage {
  readonly chat: Chat;
  readonly from: Person;
  readonly content: Content;
  /** When it was written, in ms since the epoch. */
  readonly writtenAt: number;
  /** Default: made up. */
  readonly id?: string | undefined;
}

export interface HistoryOptions {
  /** Which part of the history it is; default `RECENT`. */
  readonly syncType?: proto.HistorySync.HistorySyncType | undefined;
  /** What goes wrong with it at the media host. */
  readonly fault?: MediaFault | null | undefined;
}

type Phone = Pick<Surroundings, 'mediaHost' | 'reuploads'> & { readonly random: SeededRandom };

/**
 * Encrypts and uploads `kept` as the owner's phone does, by chat and the latest first. Resolves to the message that
 * announces it.
 */
export async function announceHistory(
  kept: readonly KeptMessage[],
  owner: Person,
  phone: Phone,
  { syncType = RECENT, fault = null }: HistoryOptions = {},
): Promise<proto.IMessage> {
  const messages = await Promise.all(
    kept.map(async (message) => ({ message, info: await infoOf(message, owner, phone) })),
  );
  const chats = Map.groupBy(messages, ({ message }) => chatJid(message.chat));
  const sync: proto.IHistorySync = {
    syncType,
    chunkOrder: 1,
    progress: 100,
    conversations: [...chats].map(([id, inChat]) => ({
      id,
      ...(inChat[0]?.message.chat.kind === 'group' && { name: inChat[0].message.chat.name }),
      messages: inChat
        .toSorted((one, other) => other.message.writtenAt - one.message.writtenAt)
        .map(({ info }) => ({ message: info })),
    })),
    phoneNumberToLidMappings: kept.map(({ from: { identity } }) => ({
      pnJid: identity.pn,
      lidJid: identity.lid,
    })),
  };
  const deflated = deflateSync(encode(sync));
  const { url: _url, ...file } = await uploadMedium(phone.mediaHost, deflated, 'md-msg-hist', fault);
  return {
    protocolMessage: {
      type: HISTORY_SYNC_NOTIFICATION,
      historySyncNotification: { ...file, syncType, chunkOrder: 1, progress: 100 },
    },
  };
}

const encode = (sync: proto.IHistorySync): Uint8Array =>
  proto.HistorySync.encode(proto.HistorySync.fromObject(sync)).finish();

async function infoOf(
  { chat, from, content, writtenAt, id }: KeptMessage,
  owner: Person,
  { mediaHost, reuploads, random }: Phone,
): Promise<proto.IWebMessageInfo> {
  const { message } = await compose(content, mediaHost, random);
  const fromMe = from === owner;
  const key = { remoteJid: chatJid(chat), fromMe, id: id ?? random.messageId() };
  const medium = findMedium(message);
  if (medium) reuploads.remember(key.id, medium);
  const participant = chat.kind === 'group' ? addressOf(from.identity, chat.addressing) : undefined;
  return {
    key: participant === undefined ? key : { ...key, participant },
    message,
    messageTimestamp: Math.floor(writtenAt / 1_000),
    ...(participant !== undefined && { participant }),
    ...(!fromMe && { pushName: from.name }),
  };
}
