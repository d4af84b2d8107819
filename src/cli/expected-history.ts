import type { SentMessage } from '../simulator/person.ts';
import type { HistoryEntry } from '../store/message-store.ts';

/** A message that has to be in the history. */
export interface Expectation {
  readonly providerMessageId: string;
  readonly matches: (content: string) => boolean;
  readonly described: string;
}

/** What the history must hold of what people sent, by chat, in sending order. */
export function expectationsOf(
  sent: readonly SentMessage[],
  isDamaged: (message: SentMessage) => boolean,
): Map<string, readonly Expectation[]> {
  const byChat = Map.groupBy(sent, ({ chat }) => chat);
  return new Map(
    [...byChat].map(([chat, messages]) => [
      chat,
      messages.map((message) => expectation(message, isDamaged(message))),
    ]),
  );
}

/** Compares a chat's history, in the order of its places, with what is expected of it. */
export function compareHistory(
  chat: string,
  entries: readonly HistoryEntry[],
  expected: readonly Expectation[],
): readonly string[] {
  const messages = entries.map(({ message }) => message).toSorted((a, b) => a.id - b.id);
  const problems =
    messages.length === expected.length
      ? []
      : [`${chat}: expected ${expected.length} messages, got ${messages.length}`];
  for (const [place, { providerMessageId, matches, described }] of expected.entries()) {
    const message = messages[place];
    if (message?.providerMessageId !== providerMessageId) {
      problems.push(`${chat}: another message than was sent stands in place ${place}`);
    } else if (!matches(message.content)) {
      problems.push(`${chat}: expected ${described} in place ${place}, got "${message.content}"`);
    }
  }
  return problems;
}

function expectation({ messageId, kind, words }: SentMessage, damaged: boolean): Expectation {
  if (kind === 'text') {
    return {
      providerMessageId: messageId,
      matches: (content) => content === words,
      described: 'the text as sent',
    };
  }
  const opening = damaged ? '[Corrupted ' : '[Transcripted ';
  return {
    providerMessageId: messageId,
    matches: (content) => content.startsWith(opening) && content.endsWith(words),
    described: `${opening}…] and the caption`,
  };
}
