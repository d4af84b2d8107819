import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { CorrespondentRecord } from '../../../src/store/chat-store.ts';
import type { HistoryEntry } from '../../../src/store/message-store.ts';
import type { Store } from '../../../src/store/store.ts';
import type { BotProgram } from './bot-program.ts';
import { FAILS } from './moody-documents.ts';
import type { Planted } from './plants.ts';
import { isLabelled, type Said, type Talk } from './talk.ts';
import type { Texts } from './texts.ts';

/** What is not as it would be had no process died. */
export interface Damage {
  /** Messages that are not in the history, are there twice, are not in their place, or are not what they should be. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly misplaced: readonly string[];
  readonly wrong: readonly string[];
  /** Chats whose history is not, entry by entry and in its order, what a bot's program was given. */
  readonly undelivered: readonly string[];
  /** Journal entries, live jobs, failed jobs and staged files. */
  readonly leftovers: readonly string[];
}

export interface Remains {
  readonly folder: string;
  readonly store: Store;
  readonly talk: Talk;
  readonly texts: Texts;
  readonly program: BotProgram;
  readonly planted: readonly Planted[];
}

const WHOLE = { afterSeq: 0, limit: 100_000 };
const STUB_NAMES = {
  image: 'image',
  video: 'video',
  voice: 'audio',
  document: 'document',
  sticker: 'sticker',
};

/** Compares what processes left behind with what was said. */
export async function compare({ folder, store, talk, texts, program, planted }: Remains): Promise<Damage> {
  const said = new Map(talk.said.map((line) => [line.providerMessageId, line]));
  const lineOf = ({ message }: HistoryEntry): Said | undefined => said.get(message.providerMessageId ?? '');
  const [doubled, misplaced, wrong, undelivered]: [string[], string[], string[], string[]] = [[], [], [], []];
  const seen = new Set<string>();
  const look = (chat: CorrespondentRecord, entries: readonly HistoryEntry[]): void => {
    let last = 0;
    for (const entry of inPlace(entries)) {
      if (entry.message.source === 'bot') {
        texts.seen(entry.message);
        continue;
      }
      const line = lineOf(entry);
      wrong.push(...faultsOf(entry, line));
      // A failed job that is tried again has a message of its own.
      if (line === undefined || entry.message.correctsId !== null) continue;
      if (seen.has(line.label)) doubled.push(line.label);
      seen.add(line.label);
      if (line.place < last) misplaced.push(line.label);
      last = line.place;
    }
    if (chat.aliases.includes(talk.forgettableJid ?? '')) return;
    const delivered = program.deliveriesOf(chat.correspondentId);
    if (JSON.stringify(entries.map(asDelivered)) !== JSON.stringify(delivered)) {
      undelivered.push(`${chat.correspondentId}: ${delivered.length} of ${entries.length}`);
    }
  };
  for (const chat of await store.correspondents('main')) {
    const isPlanted = planted.some(({ key }) => key.correspondentId === chat.correspondentId);
    if (!isPlanted) look(chat, await store.history(chat, WHOLE));
  }
  for (const plant of planted) wrong.push(...(await faultsOfPlant(store, plant)));
  wrong.push(...texts.faults());
  const lost = talk.said.filter((line) => talk.mustStay(line) && !seen.has(line.label));
  const leftovers = await leftoversIn(folder, store);
  return { lost: lost.map(({ label }) => label), doubled, misplaced, wrong, undelivered, leftovers };
}

const inPlace = (entries: readonly HistoryEntry[]): readonly HistoryEntry[] =>
  entries.toSorted((one, other) => one.message.id - other.message.id);

const asDelivered = ({ ingestSeq, message: { id, content } }: HistoryEntry) => ({ ingestSeq, id, content });

function faultsOf({ message }: HistoryEntry, line: Said | undefined): readonly string[] {
  if (line === undefined) return [`nobody said ${message.content}`];
  const quoted = message.quoted?.providerMessageId ?? null;
  return [
    ...(contentOf(line).test(message.content) ? [] : [`${line.label} is ${message.content}`]),
    ...(quoted === line.answers ? [] : [`${line.label} answers ${quoted}, not ${line.answers}`]),
  ];
}

function contentOf(line: Said): RegExp {
  const caption = isLabelled(line) ? ` ${line.label}` : '';
  if (line.kind === 'text') return new RegExp(`^${line.label}$`);
  if (line.kind === 'document' && line.fileName === FAILS) {
    return new RegExp(`^\\[Media processing failed\\]${caption}$`);
  }
  const name = STUB_NAMES[line.kind];
  return new RegExp(`^\\[Transcripted ${name} multimedia message with guid='[0-9a-f-]{36}'\\]${caption}$`);
}

async function faultsOfPlant(store: Store, { key, expected }: Planted): Promise<readonly string[]> {
  const contents = inPlace(await store.history(key, WHOLE)).map(({ message }) => message.content);
  const isSound =
    contents.length === expected.length && contents.every((content, index) => expected[index]?.test(content));
  return isSound ? [] : [`${key.correspondentId}: ${JSON.stringify(contents)}, not ${expected.join()}`];
}

async function leftoversIn(folder: string, store: Store): Promise<string[]> {
  const bots = await store.bots();
  const waiting = await Promise.all(bots.map(({ botId }) => store.chatsWithJournal(botId)));
  return [
    ...waiting.flat().map(() => 'a journal entry'),
    ...(await store.countJobs()).map(
      ({ collection, status, count }) => `${count} jobs ${collection} ${status}`,
    ),
    ...(await stagedFiles(folder)).map((name) => `the file ${name}`),
  ];
}

/** Files in the staging folder that are named after a medium. */
export const stagedFiles = async (folder: string): Promise<readonly string[]> =>
  (await readdir(path.join(folder, 'staging'))).filter((name) => /^[0-9a-f]{8}-/.test(name));
