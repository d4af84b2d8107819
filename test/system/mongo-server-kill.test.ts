import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isRetryable } from '../../src/base/errors.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import { chat } from '../contract/store/subject.ts';
import { MONGODB_URL, openStoreOn } from '../support/mongo-subject.ts';
import { OwnMongod } from '../support/own-mongod.ts';
import { acceptText, NOW, textMessage } from '../support/store-records.ts';

const ROUNDS = process.env['DRAGOMAN_DEEP'] === '1' ? 20 : 2;
const CHATS = 8;
const CALL_DEADLINE_MS = 5_000;
/** Acknowledged writes between two kills. */
const WRITES = 60;

const own = await OwnMongod.like(MONGODB_URL);
if (own === null) {
  console.warn('kill -9 of MongoDB: skipped: MONGODB_URL is not set, or its server is not on this machine');
}

/** Writes to its chats until it is told to stop, as their owner and its gateway do: what failed is sent again. */
class Writer {
  readonly #store: Store;
  readonly #keys: readonly CorrespondentKey[];
  /** By chat, the messages that the store said it has. */
  readonly acknowledged = new Map<CorrespondentKey, string[]>();
  failures = 0;
  #count = 0;
  #isStopped = false;
  readonly #bugs: unknown[] = [];

  constructor(store: Store, keys: readonly CorrespondentKey[]) {
    this.#store = store;
    this.#keys = keys;
    for (const key of keys) this.acknowledged.set(key, []);
  }

  async run(): Promise<void> {
    await Promise.all(this.#keys.map((key) => this.#writeTo(key)));
    if (this.#bugs.length > 0) throw new AggregateError(this.#bugs, 'the store failed otherwise than it may');
  }

  stop(): void {
    this.#isStopped = true;
  }

  async written(count: number): Promise<void> {
    const until = this.#count + count;
    while (this.#count < until && this.#bugs.length === 0) await delay(20);
  }

  /** A call has found no server for as long as it may look for one. */
  async failed(): Promise<void> {
    while (this.failures === 0 && this.#bugs.length === 0) await delay(20);
  }

  async #writeTo(key: CorrespondentKey): Promise<void> {
    const acknowledged = this.acknowledged.get(key) ?? [];
    for (let n = 1; !this.#isStopped;) {
      const providerMessageId = `p-${n}`;
      try {
        const { nextId, messages } = await this.#store.rehydrate(key);
        const message = textMessage(nextId, { providerMessageId });
        await this.#store.accept(acceptText(key, message));
        acknowledged.push(providerMessageId);
        n += 1;
        this.#count += 1;
        const [oldest] = messages;
        if (n % 3 === 0 && oldest?.mediaProcessingId === null) {
          await this.#store.ingest({ correspondent: key, messages: [textMessage(oldest.id)], now: NOW });
        }
      } catch (error) {
        if (!isRetryable(error)) {
          this.#bugs.push(error);
          return;
        }
        this.failures += 1;
      }
    }
  }
}

describe.skipIf(own === null)('kill -9 of the MongoDB server in the middle of writing', () => {
  test(`S1, S3: ${ROUNDS} times, what was acknowledged is there once, and the store works again without a restart`, async () => {
    if (own === null) return;
    try {
      const store = await openStoreOn(own.url('dragoman'), CALL_DEADLINE_MS);
      const keys = [];
      for (let n = 0; n < CHATS; n += 1) keys.push(await chat(store, `chat-${n}`));
      const writer = new Writer(store, keys);
      const writing = writer.run();
      for (let round = 0; round < ROUNDS; round += 1) {
        await writer.written(WRITES + round * 13);
        await own.kill();
        // One that is soon back is noticed by no call.
        if (round === 0) await writer.failed();
        await own.start();
      }
      await writer.written(WRITES);
      writer.stop();
      await writing;
      for (const [key, acknowledged] of writer.acknowledged) {
        const queued = (await store.rehydrate(key)).messages;
        const history = await store.history(key, { afterSeq: 0, limit: 100_000 });
        const there = [...history.map(({ message }) => message), ...queued];
        const ids = there.map(({ providerMessageId }) => providerMessageId);
        expect(new Set(ids).size).toBe(ids.length);
        expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([]);
        // At most the one that was under way when the writer stopped has come without being acknowledged.
        expect(ids.length - acknowledged.length).toBeLessThanOrEqual(1);
        expect(history.map(({ ingestSeq }) => ingestSeq)).toEqual(history.map((_, index) => index + 1));
      }
      await store.close();
    } finally {
      await own.dispose();
    }
  });
});
