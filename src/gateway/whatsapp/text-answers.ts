import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  type WASocket,
} from '@whiskeysockets/baileys';
import type { Answer } from '../session.ts';

/**
 * Tells what becomes of texts, by message id: what WhatsApp's server answers, and that it has one for which somebody's
 * receipt comes. Most receipts are for texts that were answered long ago.
 */
export function hearAnswers(
  ws: WASocket['ws'],
  heard: (providerMessageId: string, answer: Answer) => void,
): void {
  ws.on('CB:ack,class:message', ({ attrs }: BinaryNode) => {
    if (attrs['id'] !== undefined) heard(attrs['id'], answerBy(attrs['error']));
  });
  ws.on('CB:receipt', (receipt: BinaryNode) => {
    for (const id of idsIn(receipt)) heard(id, { kind: 'sent' });
  });
}

function idsIn(receipt: BinaryNode): readonly string[] {
  const more = getBinaryNodeChildren(getBinaryNodeChild(receipt, 'list'), 'item');
  return [receipt, ...more].flatMap(({ attrs }) => attrs['id'] ?? []);
}

function answerBy(code: string | undefined): Answer {
  if (code === undefined) return { kind: 'sent' };
  const meaning = REFUSALS[code];
  return { kind: 'refused', reason: `WhatsApp refused it with code ${code}${meaning ? `: ${meaning}` : ''}` };
}

/** What is known of the codes that WhatsApp refuses a message with. */
const REFUSALS: Readonly<Record<string, string>> = {
  463: 'the account may not begin a chat with this person now',
  479: 'it takes the message for malformed, mostly by a stale session of a device',
};
