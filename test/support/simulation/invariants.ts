import type { ActorSnapshot } from '../../../src/actors/kit/actor.ts';
import { keepsFile } from '../../../src/jobs/evidence.ts';
import type { CorrespondentKey, MediaProcessingJob } from '../../../src/jobs/job.ts';
import { isPlaceholder, isReady, type Message } from '../../../src/queue/message.ts';
import { chatName } from '../../../src/store/chat-name.ts';
import type { ChatContents } from '../memory-store/memory-chats.ts';
import type { MemoryDatabase } from '../memory-store/memory-database.ts';
import { type Ledger, numberOf } from './observed-store.ts';
import type { Scenario, ScriptedMessage } from './scenario.ts';
import type { SimulatedFolder } from './simulated-folder.ts';

/** An invariant that does not hold. */
export class Violation extends Error {
  readonly rule: string;

  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`);
    this.rule = rule;
  }
}

export interface InvariantsOptions {
  readonly scenario: Scenario;
  readonly database: MemoryDatabase;
  readonly ledger: Ledger;
  readonly folder: SimulatedFolder;
  /** Numbers of the messages that the gateway need not remember any more. */
  readonly acked: ReadonlySet<number>;
  /** The medium that a GUID names. */
  readonly media: ReadonlyMap<string, ScriptedMessage>;
}

const isLive = ({ collection }: MediaProcessingJob): boolean => collection !== 'failed';

/**
 * What must hold of the data after every single step (SPEC 3, 4, 7 and 8).
 *   acked       what was acked is in the journal, in the history, or was evicted and told
 *   once        each message has one place, in its journal or in its history
 *   order       ids, and the order of ingestion, are as the messages came
 *   ready only  nothing but ready messages is in the history
 *   limits      what waits in a journal is within the limits (what was evicted for that, `observeStore` looks at)
 *   twins       a placeholder is in a journal if and only if a live job has its GUID
 *   file        a job that is to be worked on has its file
 */
export class Invariants {
  readonly #options: InvariantsOptions;
  /** GUIDs whose journal entry was damaged on purpose. */
  readonly damaged = new Set<string>();

  readonly #names = new Map<CorrespondentKey, string>();

  constructor(options: InvariantsOptions) {
    this.#options = options;
  }

  check(): void {
    const { database, ledger, acked } = this.#options;
    const placed = new Set<number>(ledger.evicted.values());
    const placeholders = new Set<string>();
    for (const chat of database.chats.all()) this.#checkChat(chat, placed, placeholders);
    const lost = new Set(Array.from(this.damaged, (guid) => this.#options.media.get(guid)?.number));
    for (const number of acked) {
      if (!placed.has(number) && !lost.has(number))
        throw new Violation('acked', `message ${number} is nowhere`);
    }
    for (const job of database.jobs.all()) this.#checkJob(job, placeholders);
    for (const guid of placeholders) {
      if (!isLiveIn(database, guid)) throw new Violation('twins', `placeholder ${guid} has no job`);
    }
  }

  #checkChat(chat: ChatContents, placed: Set<number>, placeholders: Set<string>): void {
    const { history, nextId } = chat;
    const journal = [...chat.journal.values()];
    history.forEach(({ ingestSeq, message: { id, mediaProcessingId } }, index) => {
      if (ingestSeq !== index + 1) throw new Violation('order', `ingest seq ${ingestSeq} at place ${index}`);
      // The type says it, the data may not.
      if (mediaProcessingId !== null)
        throw new Violation('ready only', `placeholder ${id} is in the history`);
    });
    const all: Message[] = [...journal, ...history.map(({ message }) => message)].toSorted(
      (a, b) => a.id - b.id,
    );
    let lastNumber = 0;
    for (const [index, message] of all.entries()) {
      const number = numberOf(message.providerMessageId);
      const { id } = message;
      if (all[index - 1]?.id === id) throw new Violation('once', `id ${id} is there twice`);
      if (id >= nextId) throw new Violation('order', `id ${id} is to be given again`);
      if (placed.has(number)) throw new Violation('once', `message ${number} is there twice`);
      if (!this.#isLate(number)) {
        if (number < lastNumber)
          throw new Violation('order', `message ${number} stands behind ${lastNumber}`);
        lastNumber = number;
      }
      placed.add(number);
      if (isPlaceholder(message)) placeholders.add(message.mediaProcessingId);
    }
    this.#checkLimits(journal);
  }

  /** Whether its place was not kept from the moment it was written. */
  #isLate(number: number): boolean {
    return this.#options.scenario.messages[number - 1]?.medium?.announcedLate === true;
  }

  #checkLimits(journal: readonly Message[]): void {
    const { maxMessages, maxCharacters, maxPlaceholders } = this.#options.scenario.limits;
    const ready = journal.filter(isReady);
    const characters = ready.reduce((sum, { messageSize }) => sum + messageSize, 0);
    if (ready.length > maxMessages) throw new Violation('limits', `${ready.length} ready messages wait`);
    if (characters > maxCharacters) throw new Violation('limits', `${characters} characters wait`);
    // What recovery puts back counts towards no limit.
    if (this.damaged.size === 0 && journal.length - ready.length > maxPlaceholders) {
      throw new Violation('limits', `${journal.length - ready.length} placeholders`);
    }
  }

  #checkJob(job: MediaProcessingJob, placeholders: ReadonlySet<string>): void {
    const { folder } = this.#options;
    const { guid, status, mimeType } = job;
    if (!isLive(job)) return;
    if (!placeholders.has(guid) && !this.damaged.has(guid)) {
      throw new Violation('twins', `job ${guid} has no placeholder`);
    }
    const needsFile = status === 'pending' || status === 'processing' || status === 'waiting';
    if (needsFile && !mimeType.startsWith('media_corrupt_') && !folder.files.has(guid)) {
      throw new Violation('file', `the file of job ${guid}, ${status}, is gone`);
    }
  }

  /** The actors' memory is what is on the disk, whenever they have nothing in hand. */
  checkMemory(tree: ActorSnapshot): void {
    const { database } = this.#options;
    const chats = new Map(
      tree.children
        .filter(({ kind }) => kind === 'bot')
        .flatMap((bot) => bot.children.map((chat) => [chat.path, chat])),
    );
    for (const { key, journal } of database.chats.all()) {
      const chat = chats.get(`/${key.botId}/${this.#nameOf(key)}`);
      const inMemory = chat?.detail?.['ready'];
      if (chat === undefined || chat.depth > 0 || chat.busyMs !== null || inMemory === undefined) continue;
      const ready = [...journal.values()].filter(isReady).length;
      if (inMemory !== ready) {
        throw new Violation('memory', `${JSON.stringify(inMemory)} ready in memory, ${ready} on the disk`);
      }
    }
  }

  #nameOf(key: CorrespondentKey): string {
    const name = this.#names.get(key) ?? chatName(key);
    this.#names.set(key, name);
    return name;
  }

  /** Nothing that is ready waits for the history: what must hold after a stop with a store that works. */
  checkNothingReady(): void {
    const { scenario, database } = this.#options;
    for (const botId of scenario.bots) {
      for (const key of database.chats.withJournal(botId)) {
        const ready = [...database.chats.journal(key).values()].filter(isReady);
        if (ready.length > 0)
          throw new Violation('drain', `${ready.length} ready messages were left uningested`);
      }
    }
    const active = database.jobs.all().filter(({ collection }) => collection === 'active');
    if (active.length > 0) throw new Violation('drain', `${active.length} jobs were left active`);
  }

  /** Whether nothing is on its way any more. */
  get isAtRest(): boolean {
    const { scenario, database } = this.#options;
    return (
      scenario.bots.every((botId) => database.chats.withJournal(botId).length === 0) &&
      !database.jobs.all().some(isLive)
    );
  }

  /** The history is the one that no mishap would have left. */
  checkHistory(): void {
    const poisoned = this.#poisonedNumbers();
    const { scenario, database, ledger, folder, acked } = this.#options;
    const evicted = new Set(ledger.evicted.values());
    const contents = new Map<number, Message>();
    for (const botId of scenario.bots) {
      for (const record of database.chats.records(botId)) {
        for (const { message } of database.chats.history(record)) {
          contents.set(numberOf(message.providerMessageId), message);
        }
      }
    }
    for (const scripted of scenario.messages) {
      if (!acked.has(scripted.number))
        throw new Violation('liveness', `message ${scripted.number} is not acked`);
      if (evicted.has(scripted.number)) continue;
      const message = contents.get(scripted.number);
      if (message === undefined)
        throw new Violation('liveness', `message ${scripted.number} is not in the history`);
      this.#checkContent(scripted, message, poisoned.has(scripted.number));
    }
    for (const guid of folder.files.keys()) {
      if (isJanitors(guid, ledger)) continue;
      const job = database.jobs.get(guid);
      if (job === null || !keepsFile(job.error)) throw new Violation('files', `file ${guid} has no job`);
    }
  }

  /** Of the media whose workers died over them once too often. */
  #poisonedNumbers(): ReadonlySet<number | undefined> {
    const { ledger, media } = this.#options;
    return new Set(Array.from(ledger.poisoned, (guid) => media.get(guid)?.number));
  }

  #checkContent(scripted: ScriptedMessage, { content }: Message, isPoisoned: boolean): void {
    const { scenario, ledger } = this.#options;
    const { limits } = scenario;
    const isCut = content.length >= limits.maxCharacters;
    const { number, medium, content: written } = scripted;
    const fits =
      medium === null
        ? content === written
        : wordsOf(scripted, { isPoisoned, isOverCap: ledger.overCap.has(number) }).test(content);
    if (!fits && !isCut) throw new Violation('content', `message ${number} became ${content}`);
  }
}

function isLiveIn(database: MemoryDatabase, guid: string): boolean {
  const job = database.jobs.get(guid);
  return job !== null && isLive(job);
}

interface MediumMishaps {
  readonly isPoisoned: boolean;
  readonly isOverCap: boolean;
}

/** What a medium may have become: what its fate says, unless it was one too many, or its workers died over it. */
function wordsOf({ number, medium, content }: ScriptedMessage, mishaps: MediumMishaps): RegExp {
  const { isPoisoned, isOverCap } = mishaps;
  const words = {
    words: `w\\.${number}\\.\\d+`,
    retried: `w\\.${number}\\.\\d+`,
    corrupt: 'Corrupted audio media could not be downloaded',
    fails: FAILED,
    slow: 'Processing timed out',
  }[medium?.fate ?? 'words'];
  const possible = isOverCap ? 'Unprocessed audio media: too many pending' : words;
  const all = isPoisoned ? `${possible}|${FAILED}` : possible;
  return new RegExp(`^\\[(${all})\\] ${content.replaceAll('.', '\\.')}$`);
}

const FAILED = 'Media processing failed';

/** Whether nobody may have been left to delete the file of a job that was settled by its worker. */
function isJanitors(guid: string, { settledBy, killedOwners, unheard }: Ledger): boolean {
  const owner = settledBy.get(guid);
  return unheard.has(guid) || (owner !== undefined && killedOwners.has(owner));
}
