import { describe, expect, test } from 'vitest';
import type { Completion } from '../../../src/actors/completion.ts';
import { workerPoolActor } from '../../../src/actors/worker-pool.ts';
import { newGuid } from '../../../src/base/ids.ts';
import type { PoolConfig } from '../../../src/jobs/pools.ts';
import { DEFAULT_RETRY } from '../../../src/jobs/retry.ts';
import type { ProcessMedia } from '../../../src/processors/media.ts';
import { ledgerOf } from '../../../src/processors/job-ledger.ts';
import { DEFAULT_JOB_TIMES, type JobRun } from '../../../src/processors/run-job.ts';
import { gate, settle } from '../../support/actor-kit.ts';
import { actorBench } from '../../support/chat-bench.ts';
import { FunctionProcessor } from '../../support/function-processor.ts';
import { storeAway } from '../../support/intercepted-store.ts';
import { acceptMedia, placeholderMessage, PROVIDER, stagedMedia } from '../../support/store-records.ts';

type Work = ProcessMedia['processMedia'];

/** Pools of two audio workers and one for video, over a memory store that can be made to fail. */
async function bench(work: Work, leaseMs: number = DEFAULT_JOB_TIMES.leaseMs) {
  const kit = await actorBench();
  const { system, clock, store, services, log } = kit;
  const completed: Completion[] = [];
  const unsaved: string[] = [];
  const removed: string[] = [];
  const disk = { hangs: false };
  const pools = [
    { name: 'audio', workers: 2 },
    { name: 'video', workers: 1 },
  ].map(({ name, workers }): PoolConfig => ({
    name,
    workers,
    mimeTypes: [],
    timeoutMs: 1_000,
    processor: name,
  }));
  const run: JobRun = {
    processor: new FunctionProcessor(work),
    ledger: ledgerOf(services.store),
    filesOf: () => ({
      pathOf: (guid) => guid,
      async remove(guid) {
        if (disk.hangs) await new Promise(() => {});
        removed.push(guid);
      },
    }),
    clock,
    log,
    random: () => 0.5,
    times: { ...DEFAULT_JOB_TIMES, timeoutMs: 300_000, leaseMs, heartbeatMs: leaseMs / 3 },
    retry: DEFAULT_RETRY,
  };
  const listeners: ((pool: string) => void)[] = [];
  const tell = (pool: string): void => {
    for (const listener of listeners) listener(pool);
  };
  const spawnPool = () =>
    system.spawn(workerPoolActor, 'workers', {
      pools,
      botIds: () => [],
      store: { ...services.store, onClaimable: (listener) => void listeners.push(listener) },
      leaseMs,
      maxAttempts: 3,
      runOf: () => run,
      completed: (completion) => completed.push(completion),
      unsaved: (botId) => unsaved.push(botId),
    });
  /** A job that may be claimed; nobody is told of it. */
  const addJob = async (botId = 'alpha', pool = 'audio') => {
    const { correspondentId } = await store.resolveCorrespondent(botId, PROVIDER, [newGuid()]);
    const key = { botId, providerName: PROVIDER, correspondentId };
    const placeholder = placeholderMessage(1);
    const start = { kind: 'staged', media: stagedMedia(pool) } as const;
    await store.accept(acceptMedia(key, placeholder, { start }));
    return placeholder.mediaProcessingId;
  };
  return { ...kit, spawnPool, addJob, tell, completed, unsaved, removed, disk };
}

const speak: Work = () => Promise.resolve('words');

describe('a worker pool', () => {
  test('does what waits when it starts, and tells when words are durable', async () => {
    const { spawnPool, addJob, completed, store, removed } = await bench(speak);
    const guid = await addJob();
    await spawnPool();
    await settle();
    expect(completed).toMatchObject([{ guid, words: 'words', error: null }]);
    expect(await store.jobByGuid(guid)).toMatchObject({ status: 'completed', result: 'words' });
    expect(removed).toEqual([guid]);
  });

  test('does at once what it is told of, in the pool it is told', async () => {
    const { spawnPool, tell, addJob, completed } = await bench(speak);
    const pool = await spawnPool();
    await settle();
    await addJob('alpha', 'audio');
    const video = await addJob('alpha', 'video');
    tell('video');
    await settle();
    expect(completed.map(({ guid }) => guid)).toEqual([video]);
    pool.tell('wake', undefined);
    await settle();
    expect(completed).toHaveLength(2);
  });

  test('D3: a wake during a claim is not lost', async () => {
    const { spawnPool, tell, addJob, completed, faults } = await bench(speak);
    await spawnPool();
    await settle();
    faults.hold('claim');
    tell('audio');
    await settle();
    tell('audio');
    await settle();
    faults.release('claim');
    await addJob();
    await settle();
    expect(completed).toHaveLength(1);
  });

  test('W3: a job that nobody was told of is found within ten seconds', async () => {
    const { spawnPool, addJob, completed, clock } = await bench(speak);
    await spawnPool();
    await settle();
    await addJob();
    clock.advance(10_000);
    await settle();
    expect(completed).toHaveLength(1);
  });

  test('D2, W1: keeps every worker busy, each with one job', async () => {
    const over = gate();
    let running = 0;
    let most = 0;
    const { spawnPool, addJob, completed } = await bench(async () => {
      running += 1;
      most = Math.max(most, running);
      await over.passed;
      running -= 1;
      return 'words';
    });
    for (let nth = 0; nth < 9; nth += 1) await addJob();
    await spawnPool();
    await settle();
    expect(most).toBe(2);
    over.open();
    await settle();
    expect(completed).toHaveLength(9);
    expect(most).toBe(2);
  });

  test('leaves a worker to another bot while one has long jobs', async () => {
    const started: string[] = [];
    const { spawnPool, tell, addJob } = await bench((_file, _type, { botId }, signal) => {
      started.push(botId);
      if (botId === 'quick') return Promise.resolve('words');
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await addJob('quick');
    for (let nth = 0; nth < 4; nth += 1) await addJob('slow');
    await spawnPool();
    await settle();
    expect(started.toSorted()).toEqual(['quick', 'slow']);
    await addJob('quick');
    tell('audio');
    await settle();
    expect(started.toSorted()).toEqual(['quick', 'quick', 'slow']);
  });

  test('D4: gives a bot the last worker as soon as no other was active for a minute', async () => {
    const started: string[] = [];
    const { spawnPool, addJob, clock } = await bench((_file, _type, { botId }) => {
      started.push(botId);
      return botId === 'quick' ? Promise.resolve('words') : new Promise(() => {});
    });
    await addJob('quick');
    for (let nth = 0; nth < 2; nth += 1) await addJob('slow');
    await spawnPool();
    for (let second = 0; second < 60; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    await settle();
    expect(started.toSorted()).toEqual(['quick', 'slow']);
    clock.advance(1);
    await settle();
    expect(started.toSorted()).toEqual(['quick', 'slow', 'slow']);
  });

  test('claims again after the store was away', async () => {
    const { spawnPool, addJob, completed, faults, clock } = await bench(speak);
    faults.fail('claim', 'before', 'before', 'before');
    await spawnPool();
    await addJob();
    for (let second = 0; second < 4; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    await settle();
    expect(completed).toHaveLength(1);
  });

  test('takes a job back whose worker died with its claim', async () => {
    const { spawnPool, addJob, completed, store, clock } = await bench(speak);
    await addJob();
    await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 8_000, cappedBots: [] });
    await spawnPool();
    await settle();
    clock.advance(7_999);
    await settle();
    expect(completed).toEqual([]);
    clock.advance(1);
    await settle();
    expect(completed).toHaveLength(1);
  });

  test('tries again when a back-off is over, and gives up after the last attempt', async () => {
    let attempts = 0;
    const { spawnPool, addJob, completed, clock } = await bench(() => {
      attempts += 1;
      return Promise.reject(Object.assign(new Error('busy'), { status: 503 }));
    });
    await addJob();
    await spawnPool();
    for (let second = 0; second < 30; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    expect(attempts).toBe(3);
    expect(completed).toMatchObject([{ words: 'Media processing failed', error: { code: 'failed' } }]);
  });

  test('tells of a job that every attempt killed', async () => {
    const { spawnPool, addJob, completed, store, clock } = await bench(speak);
    const guid = await addJob();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 1, cappedBots: [] });
      clock.advance(1);
      if (attempt < 2) await store.reviveJobs(clock.now(), 3);
    }
    await spawnPool();
    await settle();
    expect(completed).toMatchObject([{ guid, error: { code: 'worker_died' } }]);
  });

  test.each([3_600_000, 86_400_000])(
    'settles a job once though the clock jumps by %i ms while it is in hand',
    async (jumpMs) => {
      const over = gate();
      const { spawnPool, addJob, completed, store, clock } = await bench(
        async (_file, _type, _context, signal) => {
          await over.passed;
          signal.throwIfAborted();
          return 'words';
        },
      );
      const guid = await addJob();
      await spawnPool();
      await settle();
      clock.advance(jumpMs);
      await settle();
      over.open();
      for (let second = 0; second < 40; second += 1) {
        await settle();
        clock.advance(1_000);
      }
      expect(completed.map((completion) => completion.guid)).toEqual([guid]);
      expect(await store.jobByGuid(guid)).toMatchObject({ status: 'completed' });
    },
  );

  test('W4: having slept through its own leases it takes no job from its workers', async () => {
    const over = gate();
    const { spawnPool, addJob, completed, store, clock, log } = await bench(async () => {
      await over.passed;
      return 'words';
    });
    const guids = [await addJob(), await addJob()];
    await spawnPool();
    for (let second = 0; second < 19; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    await settle();
    clock.sleep(25_000);
    for (let second = 0; second < 20; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    expect(log.at('warn')).toEqual(['this process slept: leases are looked at later']);
    for (const guid of guids) {
      expect(await store.jobByGuid(guid)).toMatchObject({ status: 'processing', attempts: 0 });
    }
    over.open();
    await settle();
    expect(completed.map(({ guid }) => guid).toSorted()).toEqual(guids.toSorted());
  });

  test('W4: not even where a heartbeat was on its way when it fell asleep', async () => {
    const { spawnPool, addJob, store, clock, faults } = await bench(() => new Promise(() => {}));
    const guid = await addJob();
    await spawnPool();
    await settle();
    faults.hold('heartbeat');
    clock.advance(10_000);
    await settle();
    clock.sleep(35_000);
    faults.release('heartbeat');
    for (let second = 0; second < 20; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    expect(await store.jobByGuid(guid)).toMatchObject({ status: 'processing', attempts: 0 });
  });

  test('W4: nor where leases are short', async () => {
    const { spawnPool, addJob, tell, store, clock, faults } = await bench(() => new Promise(() => {}), 3_000);
    await spawnPool();
    await settle();
    const guid = await addJob();
    tell('audio');
    await settle();
    for (let second = 0; second < 6; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    faults.hold('heartbeat');
    clock.advance(1_000);
    await settle();
    clock.sleep(3_500);
    await settle();
    faults.release('heartbeat');
    await settle();
    expect(await store.jobByGuid(guid)).toMatchObject({ status: 'processing', attempts: 0 });
  });

  test('W2: late whenever it looks, as on a machine that is too busy, it gives back what others held all the same', async () => {
    const { spawnPool, addJob, completed, store, clock } = await bench(speak);
    await addJob();
    await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 30_000, cappedBots: [] });
    await spawnPool();
    for (let look = 0; look < 5; look += 1) {
      await settle();
      clock.sleep(30_000);
    }
    await settle();
    expect(completed).toHaveLength(1);
  });

  test('W4: and gives back what others held, a little later', async () => {
    const { spawnPool, addJob, completed, store, clock } = await bench(speak);
    await addJob();
    await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 30_000, cappedBots: [] });
    await spawnPool();
    await settle();
    clock.sleep(60_000);
    await settle();
    expect(completed).toEqual([]);
    clock.advance(15_000);
    await settle();
    expect(completed).toHaveLength(1);
  });

  test('W2: looks again as soon as a back-off is over', async () => {
    let attempts = 0;
    const { spawnPool, addJob, completed, clock } = await bench(() => {
      attempts += 1;
      if (attempts === 1) return Promise.reject(Object.assign(new Error('busy'), { status: 503 }));
      return Promise.resolve('words');
    });
    await addJob();
    await spawnPool();
    await settle();
    clock.advance(3_749);
    await settle();
    expect(attempts).toBe(1);
    clock.advance(1);
    await settle();
    expect(completed).toHaveLength(1);
  });

  test('W2: does not look over and over at what stays due, as where the clocks of hosts differ', async () => {
    const { spawnPool, clock, services } = await bench(speak);
    let looked = 0;
    services.store.reviveJobs = async (now) => {
      looked += 1;
      return { pools: [], poisoned: [], nextDueAt: now - 5_000 };
    };
    await spawnPool();
    for (let step = 0; step < 100; step += 1) {
      await settle();
      clock.advance(10);
    }
    expect(looked).toBe(20);
  });

  test('D5: drained, it has no timer, whatever waited for one', async () => {
    const { spawnPool, clock, faults } = await bench(speak);
    faults.fail('claim', 'before', 'before', 'before', 'before');
    const pool = await spawnPool();
    await settle();
    expect(clock.pendingTimers).toBeGreaterThan(2);
    await pool.ask('drain', undefined);
    expect(clock.pendingTimers).toBe(0);
  });

  test.for(['reviveJobs', 'claim'] as const)(
    'D5: drained while %s was on its way and failed, it does not come back to it',
    async (operation) => {
      const { spawnPool, tell, clock, faults } = await bench(speak);
      const pool = await spawnPool();
      await settle();
      faults.hold(operation);
      clock.advance(10_000);
      tell('audio');
      await settle();
      faults.fail(operation, 'before', 'before');
      const drained = pool.ask('drain', undefined);
      await settle();
      faults.release(operation);
      await drained;
      await settle();
      expect(clock.pendingTimers).toBe(0);
    },
  );

  test('tells the bot when a result may be durable without anybody having heard of it', async () => {
    const { spawnPool, addJob, completed, unsaved, services, clock } = await bench(speak);
    services.store.complete = () => Promise.reject(storeAway('complete'));
    await addJob('beta');
    await spawnPool();
    for (let second = 0; second < 65 && unsaved.length === 0; second += 1) {
      await settle();
      clock.advance(1_000);
    }
    expect(unsaved).toEqual(['beta']);
    expect(completed).toEqual([]);
  });

  test('goes on with the other jobs when one hits a bug in its worker', async () => {
    const { spawnPool, addJob, completed, faults, log } = await bench(speak);
    faults.fail('complete', 'bug');
    for (let nth = 0; nth < 3; nth += 1) await addJob();
    await spawnPool();
    await settle();
    expect(completed).toHaveLength(2);
    expect(log.at('error')).toContain('a worker failed');
  });

  test('replaces a worker that hangs, and tells the bot, whose result may be durable', async () => {
    const { spawnPool, tell, addJob, completed, unsaved, clock, system, disk } = await bench(speak);
    disk.hangs = true;
    await addJob('alpha', 'video');
    await spawnPool();
    for (let minute = 0; minute < 4; minute += 1) {
      await settle();
      clock.advance(60_000);
    }
    await settle();
    disk.hangs = false;
    expect(unsaved).toEqual(['alpha']);
    const video = await addJob('alpha', 'video');
    tell('video');
    await settle();
    expect(completed.map(({ guid }) => guid)).toEqual([video]);
    const workers = system.inspect().children.find(({ kind }) => kind === 'worker-pool')?.children ?? [];
    expect(workers).toHaveLength(3);
  });

  test('D5: drained, it has given back what was in hand, uncounted, and claims nothing more', async () => {
    const { spawnPool, addJob, completed, store, clock, system } = await bench(
      (_file, _type, _context, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    const guids = [await addJob(), await addJob(), await addJob()];
    const pool = await spawnPool();
    await settle();
    await pool.ask('drain', undefined);
    pool.tell('wake', undefined);
    clock.advance(60_000);
    await settle();
    for (const guid of guids) {
      expect(await store.jobByGuid(guid)).toMatchObject({ status: 'pending', attempts: 0, claimToken: null });
    }
    expect(completed).toEqual([]);
    await system.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('D5: a job whose claim was on its way when it drained is given back', async () => {
    const { spawnPool, tell, addJob, store, faults } = await bench(
      (_file, _type, _context, signal) =>
        new Promise((_resolve, reject) => {
          if (signal.aborted) reject(signal.reason);
          else signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    const pool = await spawnPool();
    await settle();
    const guid = await addJob();
    faults.hold('claim');
    tell('audio');
    await settle();
    const drained = pool.ask('drain', undefined);
    await settle();
    faults.release('claim');
    await drained;
    expect(await store.jobByGuid(guid)).toMatchObject({ status: 'pending', attempts: 0 });
  });
});
