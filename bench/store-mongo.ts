/**
 * The MongoDB store beside the plainest use of the driver on the same server: one document, and a transaction of three
 * inserts. `DRAGOMAN_DEEP=1` adds a backlog of a million jobs.
 */
import type { Document } from 'mongodb';
import { newGuid } from '../src/base/ids.ts';
import type { Store } from '../src/store/store.ts';
import { MONGODB_URL, openStoreOn, SKIPPED, TestDatabase } from '../test/support/mongo-subject.ts';
import { acceptMedia, keyOf, placeholderMessage, PROVIDER } from '../test/support/store-records.ts';
import { measure, printTable, row, type Row } from './measure.ts';
import { acceptOneText, Chat, claimAndComplete, jobLife, textLife } from './store-lives.ts';

const IN_FLIGHT = 64;
const ROUNDS = 3;
const BOTS = 8;
/** One bot has all jobs but these. */
const QUIET_BOT_EVERY = 1_000;
const FILL_STEP = 5_000;
const PLAIN_TRANSACTION = 'three inserts in a transaction, one at a time';

async function chatsOf(store: Store, prefix: string): Promise<readonly Chat[]> {
  const keys = Array.from({ length: IN_FLIGHT }, (_, n) => keyOf(`${prefix}-${n}`, `${prefix}-${n % BOTS}`));
  await Promise.all(
    keys.map(({ botId, correspondentId }) => store.resolveCorrespondent(botId, PROVIDER, [correspondentId])),
  );
  return keys.map((key) => new Chat(key));
}

/** `act`, one at a time and with each of `lanes` at once. */
function bothWays<T>(
  name: string,
  operations: number,
  lanes: readonly T[],
  act: (lane: T) => Promise<unknown>,
): Row<unknown>[] {
  const within = (lanesUsed: readonly T[], total: number) => async (): Promise<void> => {
    let begun = 0;
    await Promise.all(
      lanesUsed.map(async (lane) => {
        while (begun < total) {
          begun += 1;
          await act(lane);
        }
      }),
    );
  };
  const few = Math.ceil(operations / 5);
  return [
    row({
      name: `${name}, one at a time`,
      operations: few,
      prepare: () => null,
      run: within(lanes.slice(0, 1), few),
    }),
    row({
      name: `${name}, ${lanes.length} in flight`,
      operations,
      prepare: () => null,
      run: within(lanes, operations),
    }),
  ];
}

const record = (): Document => ({ guid: newGuid(), text: 'x'.repeat(500) });

function plainRows({ client }: TestDatabase): Row<unknown>[] {
  const options = { writeConcern: { w: 'majority' } } as const;
  const [one, two, three] = ['one', 'two', 'three'].map((name) => client.db().collection(`plain_${name}`));
  if (!one || !two || !three) throw new Error('three collections');
  const lanes = Array.from({ length: IN_FLIGHT }, (_, n) => n);
  return [
    ...bothWays('one insert', 1_000, lanes, () => one.insertOne(record(), options)),
    ...bothWays('three inserts in a transaction', 500, lanes, () =>
      client.withSession((session) =>
        session.withTransaction(async () => {
          for (const each of [one, two, three]) await each.insertOne(record(), { session });
        }, options),
      ),
    ),
  ];
}

/** Copies of one job, all but one in a thousand of them its own bot's. Accepting them one by one would take longer. */
async function fillBacklog(database: TestDatabase, store: Store, jobs: number): Promise<void> {
  const collections = database.client.db();
  for (const bot of ['heavy', 'quiet']) {
    const key = keyOf('chat', bot);
    await store.resolveCorrespondent(bot, PROVIDER, [key.correspondentId]);
    await store.accept(acceptMedia(key, placeholderMessage(1)));
  }
  const active = collections.collection('media_processing_jobs');
  const [heavy, quiet] = await Promise.all(
    ['heavy', 'quiet'].map((bot) => active.findOne({ bot_id: bot }, { projection: { _id: 0 } })),
  );
  for (let n = 2; n < jobs; n += FILL_STEP) {
    const copies = Array.from({ length: Math.min(FILL_STEP, jobs - n) }, (_, offset) => ({
      ...((n + offset) % QUIET_BOT_EVERY === 0 ? quiet : heavy),
      guid: newGuid(),
      correspondent_id: `chat-${(n + offset) % 200}`,
      round: 1 + Math.floor((n + offset) / 200),
      seq: n + offset,
    }));
    await active.insertMany(copies, { ordered: false });
  }
}

async function measureBacklog(jobs: number): Promise<void> {
  const database = new TestDatabase();
  const store = await openStoreOn(database.url);
  await fillBacklog(database, store, jobs);
  const lanes = Array.from({ length: 8 }, (_, n) => n);
  const rows = bothWays(`claim + complete, ${jobs} jobs`, 100, lanes, () => claimAndComplete(store));
  printTable(await measure(rows, ROUNDS));
  await store.close();
  await database.drop();
}

export async function run(): Promise<void> {
  if (MONGODB_URL === undefined) {
    console.log(SKIPPED);
    return;
  }
  const database = new TestDatabase();
  const store = await openStoreOn(database.url);
  const [texts, media] = [await chatsOf(store, 'texts'), await chatsOf(store, 'media')];
  const rows = [
    ...plainRows(database),
    ...bothWays('accept a text', 500, texts, (chat) => acceptOneText(store, chat)),
    ...bothWays('life of a text', 300, texts, (chat) => textLife(store, chat)),
    ...bothWays('life of a job', 150, media, (chat) => jobLife(store, chat)),
  ];
  printTable(await measure(rows, ROUNDS), PLAIN_TRANSACTION);
  await store.close();
  await database.drop();
  const backlogs = process.env['DRAGOMAN_DEEP'] === '1' ? [1_000, 100_000, 1_000_000] : [1_000, 100_000];
  for (const jobs of backlogs) await measureBacklog(jobs);
}
