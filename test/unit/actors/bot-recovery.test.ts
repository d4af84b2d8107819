import { describe, expect, test } from 'vitest';
import { recoverBot } from '../../../src/actors/bot-recovery.ts';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import { chatBench } from '../../support/chat-bench.ts';
import { BOT } from '../../support/inbound-frames.ts';
import { interceptStore } from '../../support/intercepted-store.ts';
import { acceptMedia, jobError, placeholderMessage } from '../../support/store-records.ts';

describe('a recovery that runs while jobs move', () => {
  test('does not take a place for orphaned whose job it missed on its way', async () => {
    const { chat, services, store, key, clock, log } = await chatBench();
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    let reads = 0;
    const moving = interceptStore(store, async (operation, run) => {
      // Holding was read, active was not: the job goes from the one to the other.
      if (operation === 'jobsOfBot' && (reads += 1) === 2) await store.holdJobs(BOT, clock.now());
      return run();
    });
    const open = (_key: CorrespondentKey) => Promise.resolve(chat);
    await recoverBot({ botId: BOT, services: { ...services, store: moving }, clock, log, open });
    expect(await chat.ask('wake', undefined)).toEqual([placeholder]);
    expect(await store.jobByGuid(placeholder.mediaProcessingId)).toMatchObject({ collection: 'active' });
  });

  test('leaves a failed job alone that is retried while its former place is repaired', async () => {
    const { chat, services, store, key, clock, log, journalOf } = await chatBench();
    const placeholder = placeholderMessage(1);
    const guid = placeholder.mediaProcessingId;
    await store.accept(acceptMedia(key, placeholder));
    const retried = interceptStore(store, async (operation, run) => {
      if (operation !== 'jobsAmong') return run();
      // What is seen is a failed job, whose placeholder was there when the chat woke.
      await chat.ask('settle', { guid, place: 1, words: 'no words', error: jobError() });
      const seen = await run();
      expect(await chat.ask('retry', guid)).toMatchObject({ kind: 'retried', id: 2 });
      return seen;
    });
    const open = () => Promise.resolve(chat);
    await recoverBot({ botId: BOT, services: { ...services, store: retried }, clock, log, open });
    expect(await journalOf('ann')).toEqual(['[no words] a caption', 'a caption']);
    expect(await store.jobByGuid(guid)).toMatchObject({ collection: 'active', status: 'pending' });
  });

  test('settles a result that became durable unheard until just before it promoted', async () => {
    const { chat, services, store, key, clock, log, journalOf, released } = await chatBench();
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    const claim = await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 60_000, cappedBots: [] });
    if (claim === null) throw new Error('expected a job');
    const finishing = interceptStore(store, async (operation, run) => {
      const result = { kind: 'words', words: 'words' } as const;
      if (operation === 'promoteJobs') await store.complete(claim, result, clock.now());
      return run();
    });
    const open = () => Promise.resolve(chat);
    await recoverBot({ botId: BOT, services: { ...services, store: finishing }, clock, log, open });
    expect(await journalOf('ann')).toEqual(['[words] a caption']);
    expect(await store.jobByGuid(claim.guid)).toBeNull();
    expect(released).toEqual([claim.guid]);
  });

  test('ends a job that killed its last worker, where promoting alone would have it tried again', async () => {
    const { chat, services, store, key, clock, log } = await chatBench();
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    const leaseMs = 1_000;
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await store.reviveJobs(clock.now(), 3);
      await store.claim({ pool: 'audio', now: clock.now(), leaseMs, cappedBots: [] });
      clock.advance(leaseMs);
    }
    await store.holdJobs(BOT, clock.now());
    await recoverBot({ botId: BOT, services, clock, log, open: () => Promise.resolve(chat) });
    expect(await store.jobByGuid(placeholder.mediaProcessingId)).toMatchObject({
      collection: 'failed',
      error: { code: 'worker_died' },
    });
  });

  test('tells its steps by name, with what each did', async () => {
    const { chat, services, store, key, clock, log } = await chatBench();
    await store.accept(acceptMedia(key, placeholderMessage(1), { collection: 'holding' }));
    await recoverBot({ botId: BOT, services, clock, log, open: () => Promise.resolve(chat) });
    const [told] = log.lines.filter(({ message }) => message === 'bot recovered');
    const counts = { rehydrate: 1, inject: 0, repair: 0, revive: 0, promote: 1, reap: 0 };
    expect(told?.fields).toMatchObject({
      bot_id: BOT,
      steps: Object.entries(counts).map(([step, count]) => ({
        step,
        count,
        duration_ms: expect.any(Number),
      })),
    });
  });

  test('run twice changes nothing the second time', async () => {
    const { chat, services, store, key, clock, log, journalOf } = await chatBench();
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder, { collection: 'holding' }));
    const recover = () => recoverBot({ botId: BOT, services, clock, log, open: () => Promise.resolve(chat) });
    await recover();
    const [job, journal] = [await store.jobByGuid(placeholder.mediaProcessingId), await journalOf('ann')];
    await recover();
    expect(await store.jobByGuid(placeholder.mediaProcessingId)).toEqual(job);
    expect(await journalOf('ann')).toEqual(journal);
  });
});
