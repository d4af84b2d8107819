import { describe, expect, test } from 'vitest';
import { storedCompletion } from '../../../src/actors/completion.ts';
import { DragomanError } from '../../../src/base/errors.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import { Settlements } from '../../../src/system/settlements.ts';
import { settle } from '../../support/actor-kit.ts';
import { botBench, OPEN } from '../../support/bot-bench.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { BOT, mediaFrame } from '../../support/inbound-frames.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { placeholderMessage, stagedMedia } from '../../support/store-records.ts';

test('T2, T3: a result that is heard of twice is on its way once, and then may come again', async () => {
  const released: string[] = [];
  const letGo = Promise.withResolvers<void>();
  const settlements = new Settlements({
    store: openMemoryStore({ clock: new ManualClock(), newClaimToken: newGuid }),
    bots: new Map(),
    async releaseFile({ guid }) {
      released.push(guid);
      await letGo.promise;
    },
    log: silentLogger,
  });
  const completion = storedCompletion(claimedJob());
  const retried = claimedJob({ guid: completion.guid, placeholder: placeholderMessage(2, completion.guid) });
  void settlements.begin(completion);
  void settlements.begin(completion);
  void settlements.begin(storedCompletion(claimedJob()));
  void settlements.begin(storedCompletion(retried));
  expect(released).toHaveLength(3);
  letGo.resolve();
  await settlements.settled();
  void settlements.begin(completion);
  expect(released).toHaveLength(4);
});

test('T2: a result that is heard of again after it came to its place is not settled once more', async () => {
  const { bot, inbound, store, clock, services, log } = await botBench();
  const frame = mediaFrame('ann', 'listen');
  await bot.ask('status', OPEN);
  await settle();
  await inbound(frame);
  await store.stage(frame.mediaGuid, stagedMedia('audio'), clock.now());
  const job = await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 30_000, cappedBots: [] });
  if (job === null) throw new Error('expected a job');
  await store.complete(job, { kind: 'words', words: 'a song' }, clock.now());
  const stored = await store.jobByGuid(job.guid);
  if (stored === null) throw new Error('expected a result');
  const settlements = new Settlements({
    store: services.store,
    bots: new Map([[BOT, { ref: bot }]]),
    releaseFile: async () => {},
    log,
  });
  expect(await settlements.begin(storedCompletion(stored))).toBe(true);
  expect(await settlements.begin(storedCompletion(stored))).toBe(false);
});

describe('T4: a worker beside the chats', () => {
  const words = { kind: 'words', words: 'a song' } as const;

  async function withJob() {
    const bench = await botBench();
    const { bot, inbound, store, clock, services, log } = bench;
    const frame = mediaFrame('ann', 'listen');
    await bot.ask('status', OPEN);
    await settle();
    await inbound(frame);
    await store.stage(frame.mediaGuid, stagedMedia('audio'), clock.now());
    const job = await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 30_000, cappedBots: [] });
    if (job === null) throw new Error('expected a job');
    const ledgerWith = (ref: Pick<typeof bot, 'ask'> | null) =>
      new Settlements({
        store: services.store,
        bots: new Map(ref === null ? [] : [[BOT, { ref }]]),
        releaseFile: async () => {},
        log,
      }).ledger;
    return { ...bench, job, ledgerWith, complete: () => ledgerWith(bot).complete(job, words, clock.now()) };
  }

  test('has the chat take its words in the transaction that ends the job', async () => {
    const { complete, faults, journalOf, job, store } = await withJob();
    expect(await complete()).toBe('settled');
    expect(faults.calls).toContain('completeAndSettle');
    expect(faults.calls).not.toContain('complete');
    expect(await journalOf('ann')).toEqual(['[a song] listen']);
    expect(await store.jobByGuid(job.guid)).toBeNull();
  });

  test('leaves a result on its job when the bot is not there', async () => {
    const { ledgerWith, clock, job, store } = await withJob();
    expect(await ledgerWith(null).complete(job, words, clock.now())).toBe('completed');
    expect(await store.jobByGuid(job.guid)).toMatchObject({ status: 'completed', result: 'a song' });
  });

  test('leaves a result on its job when its chat fails', async () => {
    const { complete, faults, job, store } = await withJob();
    faults.fail('completeAndSettle', 'bug');
    expect(await complete()).toBe('completed');
    expect(await store.jobByGuid(job.guid)).toMatchObject({ status: 'completed', result: 'a song' });
  });

  test('is told when the store is away, for it has to come again', async () => {
    const { complete, faults, job, store } = await withJob();
    faults.fail('completeAndSettle', 'before');
    await expect(complete()).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.jobByGuid(job.guid)).toMatchObject({ status: 'processing' });
    expect(await complete()).toBe('settled');
  });

  test('is told of a stale token', async () => {
    const { complete, store, clock, job, journalOf } = await withJob();
    await store.release(job, clock.now());
    expect(await complete()).toBe('stale');
    expect(await journalOf('ann')).toEqual(['listen']);
  });

  test.for([
    ['words', words, '[a song] listen'],
    [
      'a failure',
      { kind: 'failure', words: 'no song', error: { code: 'failed', reason: 'noise', stack: null } },
      '[no song] listen',
    ],
  ] as const)('does not take %s for lost whose settling it did not hear of', async ([, result, text]) => {
    const { bot, ledgerWith, job, clock, journalOf } = await withJob();
    const lateBot: Pick<typeof bot, 'ask'> = {
      async ask(topic, payload, options) {
        await bot.ask(topic, payload, options);
        throw new DragomanError('deadline_exceeded', 'late');
      },
    };
    expect(await ledgerWith(lateBot).complete(job, result, clock.now())).toBe('settled');
    expect(await journalOf('ann')).toEqual([text]);
  });
});
