import { type BinaryNode, getBinaryNodeChild } from '@whiskeysockets/baileys';
import type { UndecryptableMessage } from '../session.ts';
import { type Account, addressOf, type StanzaAttributes } from './identity.ts';
import { wireOf } from './interpret.ts';

/** What a chat is told in place of a message whose content does not come. */
export const UNDECRYPTABLE_TEXT = '[Message could not be decrypted]';
const VIEW_ONCE_TEXT = '[View-once message that only the phone shows]';

/** Kinds that WhatsApp's own linked devices show nothing for. */
const NEVER_SHOWN: readonly string[] = ['bot_unavailable_fanout', 'hosted_unavailable_fanout'];

/** A stanza as a message whose content is missing; null when it is none that a person would miss. */
export function withoutContent(
  attributes: StanzaAttributes,
  text: string,
  account: Account,
): UndecryptableMessage | null {
  // What the account's devices tell each other.
  if (attributes['category'] === 'peer') return null;
  const addressing = addressOf(attributes, account);
  if (addressing.kind === 'ignored') return null;
  const { envelope } = addressing;
  return { key: envelope.key, wire: { ...wireOf(envelope), message: text } };
}

/** What to say of a stanza that came without any content; null when there is nothing to say. */
export function textInPlaceOf(stanza: BinaryNode): string | null {
  const unavailable = getBinaryNodeChild(stanza, 'unavailable')?.attrs['type'] ?? '';
  if (NEVER_SHOWN.includes(unavailable)) return null;
  return unavailable.startsWith('view_once') ? VIEW_ONCE_TEXT : UNDECRYPTABLE_TEXT;
}
