import { wordsOf } from './known-processor.ts';
import type { MediaWorks } from './media-works.ts';

/** Voice notes in many chats, and what the history makes of them. */

export interface Note {
  readonly botId: string;
  readonly chat: string;
  readonly text: string;
}

export interface Talk {
  readonly bots: readonly string[];
  readonly chatsPerBot: number;
  /** In all chats together, rounded up. */
  readonly notes: number;
}

/** Says everything, each chat in its own order and all chats at a time. */
export async function sayAll({ say }: MediaWorks, talk: Talk): Promise<readonly Note[]> {
  const chats = talk.bots.flatMap((botId) =>
    Array.from({ length: talk.chatsPerBot }, (_, n) => ({ botId, chat: `chat-${n}` })),
  );
  const perChat = Math.ceil(talk.notes / chats.length);
  const said = chats.map(async ({ botId, chat }) => {
    const notes: Note[] = [];
    for (let n = 0; n < perChat; n += 1) {
      const guid = await say(botId, chat, `note ${n}`);
      notes.push({ botId, chat, text: `[${wordsOf(guid)}] note ${n}` });
    }
    return notes;
  });
  return (await Promise.all(said)).flat();
}

/** What is in the history, chat by chat, in the order of places. */
export async function remembered(
  { store }: MediaWorks,
  { bots, notes: limit }: Talk,
): Promise<readonly Note[]> {
  const notes: Note[] = [];
  for (const botId of bots) {
    for (const key of await store.correspondents(botId)) {
      const entries = await store.history(key, { afterSeq: 0, limit });
      const inPlace = entries.map(({ message }) => message).toSorted((a, b) => a.id - b.id);
      notes.push(...inPlace.map(({ content }) => ({ botId, chat: key.correspondentId, text: content })));
    }
  }
  return notes;
}

export const byChat = (notes: readonly Note[]): Map<string, string[]> =>
  new Map(
    [...Map.groupBy(notes, ({ botId, chat }) => `${botId}/${chat}`)].map(([chat, of]) => [
      chat,
      of.map(({ text }) => text),
    ]),
  );
