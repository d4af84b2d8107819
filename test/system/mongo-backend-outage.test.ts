import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isRetryable } from '../../src/base/errors.ts';
import { openMongoStore } from '../../src/store/mongo/open-mongo-store.ts';
import { MONGODB_URL, SKIPPED, TestDatabase, urlThrough } from '../support/mongo-subject.ts';
import { RecordingLogger } from '../support/recording-logger.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { togetherBench } from '../support/together-bench.ts';

const isDeep = process.env['DRAGOMAN_DEEP'] === '1';
/** The whole outage, at least: in a deep run longer than every lease. */
const OUTAGE_MS = isDeep ? 30_000 : 0;
const CALL_DEADLINE_MS = 1_000;
const PEOPLE = ['Ana', 'Ben', 'Cleo'] as const;
/** So that nobody sends more than a queue holds. */
const TALK_EVERY_MS = isDeep ? 1_000 : 200;
/** Longer than a busy machine takes. */
const SOON_MS = 60_000;

const LINK_FAILS = 'link fails: the gateway will send again what was not acked';
const DIALLED = 'backend connected';

if (MONGODB_URL === undefined) console.warn(`an outage of MongoDB under a backend: ${SKIPPED}`);

describe.skipIf(MONGODB_URL === undefined)('while MongoDB is away from a backend', () => {
  let database: TestDatabase;
  beforeAll(() => {
    database = new TestDatabase();
  });
  afterEach(() => database.empty());
  afterAll(() => database.drop());

  /** By chat in the order of places: what went into the history. */
  async function histories(): Promise<readonly (readonly string[])[]> {
    const entries = await database.client
      .db()
      .collection<{ readonly correspondent_id: string; readonly content: string }>('queues')
      .find({}, { sort: { correspondent_id: 1, id: 1 } })
      .toArray();
    const byChat = Map.groupBy(entries, (entry) => entry.correspondent_id);
    return Array.from(byChat.values(), (chat) => chat.map(({ content }) => content)).toSorted(
      ([one = ''], [other = '']) => (one < other ? -1 : 1),
    );
  }

  test.for(['refuse', 'hang'] as const)(
    'people talk on: links are closed and dialled again, callers are told to try again, and when it is back all of it ' +
      'is there once and in order (connections %s)',
    { timeout: 150_000 + 2 * OUTAGE_MS },
    async (outage) => {
      const proxy = await TcpProxy.before(new URL(database.url));
      onTestFinished(() => proxy.close());
      const log = new RecordingLogger();
      const bench = await togetherBench({
        log,
        openStore: (_config, clock, storeLog, ownership) =>
          openMongoStore({
            url: urlThrough(proxy.port, database.name),
            clock,
            log: storeLog,
            callDeadlineMs: CALL_DEADLINE_MS,
            ...(ownership && { ownership }),
          }),
        settings: { leaseMs: 2_000 },
      });
      const { gateway, backend } = bench.together;
      let rounds = 0;
      const talk = async (): Promise<void> => {
        rounds += 1;
        for (const person of PEOPLE) {
          await bench.simulator.say(person, { text: `${rounds}: ${person} says a word` });
          await bench.simulator.say(person, {
            image: 2_000,
            caption: `${rounds}: ${person} shows a picture`,
          });
        }
      };
      const told = async (): Promise<void> => {
        const expected = PEOPLE.map((person) =>
          Array.from({ length: rounds }, (_, index) => [
            `${index + 1}: ${person} says a word`,
            expect.stringMatching(
              new RegExp(`^\\[Transcripted image .*\\] ${index + 1}: ${person} shows a picture$`),
            ),
          ]).flat(),
        );
        await expect.poll(histories, { timeout: SOON_MS, interval: 100 }).toEqual(expected);
      };
      const count = (text: string): number =>
        log.lines.filter(({ message }) => message.includes(text)).length;

      await talk();
      await told();
      // Jobs, results and messages of every stage are on their way when it goes.
      await talk();
      const dialled = count(DIALLED);
      proxy[outage]();
      const until = performance.now() + OUTAGE_MS;
      const asked = backend.administration.pools.list().then(
        () => null,
        (error: unknown) => error,
      );
      while (performance.now() < until || count(LINK_FAILS) === 0 || count(DIALLED) === dialled) {
        await talk();
        await delay(TALK_EVERY_MS);
      }
      expect(isRetryable(await asked)).toBe(true);
      expect(gateway.snapshot().unackedFrames).toBeGreaterThan(0);

      proxy.heal();
      await talk();
      await told();
      await expect.poll(() => gateway.snapshot()).toMatchObject({ unackedFrames: 0, deadLetters: 0 });
      expect(await bench.together.store.countJobs()).toEqual([]);
    },
  );
});
