import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  isJidGroup,
  type proto,
} from '@whiskeysockets/baileys';
import type { LinkedDevice } from './account.ts';
import { wordsOf } from './content.ts';
import type { Directory } from './directory.ts';
import { decodeJid } from './identity.ts';
import type { Person } from './person.ts';
import type { Sealed } from './signal-party.ts';

/** What one person gets of a message that a bot sent. */
export interface Parcel {
  readonly reader: Person;
  readonly sealed: readonly Sealed[];
}

export interface ReadMessage {
  readonly text: string | null;
  readonly quotedId: string | null;
  readonly quotedAuthor: string | null;
  readonly decrypted: boolean;
}

/** Who gets which ciphertexts of a bot's stanza. Copies for the account's own devices are left out. */
export function parcelsOf(stanza: BinaryNode, device: LinkedDevice, directory: Directory): Parcel[] {
  const chat = stanza.attrs['to'] ?? '';
  const forEach = new Map<Person, Sealed[]>();
  const add = (jid: string, sealed: readonly Sealed[]): void => {
    const reader = directory.personOf(jid);
    const isPhone = decodeJid(jid).device === 0;
    if (!reader || reader === device.account.owner || !isPhone || sealed.length === 0) return;
    forEach.set(reader, [...(forEach.get(reader) ?? []), ...sealed]);
  };

  for (const to of getBinaryNodeChildren(getBinaryNodeChild(stanza, 'participants'), 'to')) {
    add(to.attrs['jid'] ?? '', sealedIn(to));
  }
  const forAll = sealedIn(stanza);
  const group = isJidGroup(chat) ? directory.groupOf(chat) : null;
  const onlyFor = stanza.attrs['participant'] ?? (group ? null : chat);
  if (onlyFor) add(onlyFor, forAll);
  else group?.members.forEach(({ identity }) => add(identity.pn, forAll));
  return [...forEach].map(([reader, sealed]) => ({ reader, sealed }));
}

/** Decrypts a parcel; a sender key in it is learnt on the way. */
export async function readParcel(
  { reader, sealed }: Parcel,
  device: LinkedDevice,
  chat: string,
): Promise<ReadMessage> {
  let text: string | null = null;
  let quoted: Quoted = { quotedId: null, quotedAuthor: null };
  try {
    for (const part of sealed) {
      const message = await reader.party.open(device.lid, part, chat);
      text = wordsOf(message) ?? text;
      quoted = quotedBy(message) ?? quoted;
    }
    return { text, ...quoted, decrypted: true };
  } catch {
    return { text: null, quotedId: null, quotedAuthor: null, decrypted: false };
  }
}

type Quoted = Pick<ReadMessage, 'quotedId' | 'quotedAuthor'>;

function quotedBy(message: proto.IMessage): Quoted | null {
  const { stanzaId, participant } = message.extendedTextMessage?.contextInfo ?? {};
  return stanzaId ? { quotedId: stanzaId, quotedAuthor: participant ?? null } : null;
}

const sealedIn = (node: BinaryNode): Sealed[] =>
  getBinaryNodeChildren(node, 'enc').flatMap(({ attrs: { type }, content }) =>
    (type === 'msg' || type === 'pkmsg' || type === 'skmsg') && content instanceof Uint8Array
      ? [{ type, ciphertext: content }]
      : [],
  );
