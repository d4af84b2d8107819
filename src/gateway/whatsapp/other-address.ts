import { isJidGroup, jidDecode, jidEncode, type SignalKeyStore } from '@whiskeysockets/baileys';
import { type Account, isOwn, type StanzaAttributes } from './identity.ts';

/** Baileys keeps a phone number's LID under the number, and a LID's number under the LID and this. */
const REVERSE = '_reverse';

/**
 * The attributes with the other address of the chat's correspondent, or of whoever wrote in a group, LID or phone
 * number, where the stanza leaves it out and Baileys has learnt it from elsewhere: without it, one person's messages
 * would lead to two chats, and one message would not be known by its other name.
 * Rejects when the key store cannot be read.
 */
export async function withOtherAddress(
  attributes: StanzaAttributes,
  account: Account,
  keys: Pick<SignalKeyStore, 'get'>,
): Promise<StanzaAttributes> {
  const [role, jid] = correspondentIn(attributes, account);
  if (
    jid === undefined ||
    attributes[`${role}_pn`] !== undefined ||
    attributes[`${role}_lid`] !== undefined
  ) {
    return attributes;
  }
  const { user = '', server } = jidDecode(jid) ?? {};
  if (server === 'lid') {
    const phone = await mapped(keys, user + REVERSE);
    if (phone !== null) return { ...attributes, [`${role}_pn`]: jidEncode(phone, 's.whatsapp.net') };
  }
  if (server === 's.whatsapp.net') {
    const lid = await mapped(keys, user);
    if (lid !== null) return { ...attributes, [`${role}_lid`]: jidEncode(lid, 'lid') };
  }
  return attributes;
}

function correspondentIn(
  { from = '', participant, recipient }: StanzaAttributes,
  account: Account,
): readonly ['sender' | 'recipient' | 'participant', string | undefined] {
  if (isJidGroup(from)) return ['participant', participant];
  return isOwn(account, from) ? ['recipient', recipient] : ['sender', from];
}

async function mapped(keys: Pick<SignalKeyStore, 'get'>, name: string): Promise<string | null> {
  const found = await keys.get('lid-mapping', [name]);
  return found[name] ?? null;
}
