import { type proto, toNumber } from '@whiskeysockets/baileys';
import type { Account, StanzaAttributes } from './identity.ts';

/** The attributes of the stanza that brought a message, as far as what a phone keeps of the message tells them. */
export function attributesOf(info: proto.IWebMessageInfo, account: Account): StanzaAttributes {
  const { remoteJid, fromMe, id, participant } = info.key ?? {};
  const own = account.jids[0];
  const author = participant ?? info.participant ?? (fromMe ? own : undefined);
  const written = {
    id: id ?? undefined,
    t: String(toNumber(info.messageTimestamp)),
    notify: info.pushName ?? undefined,
  };
  if (remoteJid?.endsWith('@g.us')) return { ...written, from: remoteJid, participant: author };
  if (fromMe) return { ...written, from: own, recipient: remoteJid ?? undefined };
  return { ...written, from: remoteJid ?? undefined };
}
