import { rm } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { settle } from '../../support/actor-kit.ts';
import { BOT } from '../../support/inbound-frames.ts';
import { janitorBench } from '../../support/janitor-bench.ts';
import { acceptText, HOUR_MS, placeholderMessage, textMessage } from '../../support/store-records.ts';

const NOTHING = { staleJobs: 0, failedFiles: 0, orphanFiles: 0, prunedJobs: 0, prunedMessages: 0 };

describe('the janitor ends jobs that are stale', () => {
  test('as a failure that their bot’s owner settles', async () => {
    const { clock, janitor, job, store, expired } = await janitorBench();
    const guid = await job({ start: { kind: 'downloading' } });
    clock.advance(3 * HOUR_MS - 1);
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    clock.advance(1);
    expect(await janitor.ask('sweep', undefined)).toMatchObject({ staleJobs: 1 });
    expect(await store.jobByGuid(guid)).toMatchObject({ status: 'completed', error: { code: 'stale' } });
    const words = 'Media processing failed: stale placeholder cleanup';
    expect(expired).toMatchObject([{ guid, words, error: { code: 'stale' } }]);
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
  });

  test('J1: never one that is leased, or that a worker takes at the last moment', async () => {
    const { clock, janitor, job, store, faults } = await janitorBench();
    await job();
    const last = await job();
    clock.advance(9 * HOUR_MS);
    const claim = () => store.claim({ pool: 'audio', now: clock.now(), leaseMs: HOUR_MS, cappedBots: [] });
    await claim();
    faults.hold('expireJob');
    const swept = janitor.ask('sweep', undefined);
    await settle();
    expect((await claim())?.guid).toBe(last);
    faults.release('expireJob');
    expect(await swept).toEqual(NOTHING);
  });

  test('never of a connected bot while its pool gets on', async () => {
    const { clock, janitor, job } = await janitorBench();
    await job();
    clock.advance(2 * HOUR_MS);
    janitor.tell('completed', 'audio');
    await settle();
    clock.advance(2 * HOUR_MS);
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    clock.advance(HOUR_MS);
    expect(await janitor.ask('sweep', undefined)).toMatchObject({ staleJobs: 1 });
  });

  test('but none of 500 that were held over a night, nor one that their bot has taken up again', async () => {
    const { clock, janitor, job, file, bot, store } = await janitorBench();
    bot.isConnected = false;
    for (let n = 0; n < 500; n += 1) await file(await job({ collection: 'holding' }));
    for (let hour = 0; hour < 10; hour += 1) {
      clock.advance(HOUR_MS);
      expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    }
    await store.promoteJobs(BOT, clock.now());
    bot.isConnected = true;
    for (let hour = 0; hour < 8; hour += 1) {
      // Two workers at a time: the last of them wait for hours.
      janitor.tell('completed', 'audio');
      await settle();
      clock.advance(HOUR_MS);
      expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    }
  });

  test('but none of those that a gateway was downloading when it went away for a night', async () => {
    const { clock, janitor, job, file, bot, store } = await janitorBench();
    const late = await job({ start: { kind: 'downloading' } });
    const stored = await job({ start: { kind: 'downloading' } });
    await store.holdJobs(BOT, clock.now());
    bot.isConnected = false;
    for (let hour = 0; hour < 10; hour += 1) {
      clock.advance(HOUR_MS);
      expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    }
    await store.promoteJobs(BOT, clock.now());
    bot.isConnected = true;
    await file(stored);
    clock.advance(3 * HOUR_MS - 1);
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    clock.advance(1);
    expect(await janitor.ask('plan', undefined)).toMatchObject({
      staleJobs: [{ guid: late, status: 'downloading' }],
      staleJobCount: 1,
    });
  });

  test('J4: but none after an outage of eight days, while its bot has not come back yet', async () => {
    const { clock, janitor, job, bot, spawn } = await janitorBench();
    bot.isConnected = false;
    await job({ collection: 'holding', start: { kind: 'downloading' } });
    clock.advance(8 * 24 * HOUR_MS);
    expect(await janitor.ask('plan', undefined)).toMatchObject({ staleJobCount: 1 });
    const restarted = await spawn('restarted');
    clock.advance(2 * HOUR_MS);
    expect(await restarted.ask('plan', undefined)).toMatchObject({ staleJobCount: 0 });
  });

  test('J4: but none by the time for which the store was away', async () => {
    const { clock, janitor, job, faults } = await janitorBench();
    await job({ start: { kind: 'downloading' } });
    for (let hour = 0; hour < 5; hour += 1) {
      clock.advance(HOUR_MS);
      faults.fail('jobsOfBot', 'before');
      await expect(janitor.ask('sweep', undefined)).rejects.toMatchObject({ code: 'store_unavailable' });
    }
    clock.advance(2 * HOUR_MS);
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    clock.advance(HOUR_MS);
    expect(await janitor.ask('sweep', undefined)).toMatchObject({ staleJobs: 1 });
  });
});

test('J4: a sweep that fails though the store is there makes nothing younger, and no pool idle', async () => {
  const { clock, janitor, job, faults } = await janitorBench();
  await job({ start: { kind: 'downloading' } });
  await job();
  clock.advance(2 * HOUR_MS);
  janitor.tell('completed', 'audio');
  faults.fail('jobsOfBot', 'bug');
  await expect(janitor.ask('sweep', undefined)).rejects.toMatchObject({ code: 'actor_failed' });
  clock.advance(HOUR_MS);
  expect(await janitor.ask('sweep', undefined)).toMatchObject({ staleJobs: 1 });
});

describe('the janitor deletes files', () => {
  test('that nobody needs, and no others', async () => {
    const { clock, janitor, job, failedJob, file, gateway, names } = await janitorBench();
    const dead = await failedJob();
    clock.advance(20 * HOUR_MS);
    const needed = await job();
    const evidence = await failedJob();
    clock.advance(4 * HOUR_MS - 60_000);
    janitor.tell('completed', 'audio');
    const held = newGuid();
    gateway.held.add(held);
    const old = { hoursOld: 100 };
    const orphans = [await file(undefined, old), await file(undefined, { ...old, partial: true })];
    const kept = [
      await file(needed, old),
      `${await file(needed, { ...old, partial: true })}.part`,
      await file(evidence, old),
      await file(held, old),
      await file(undefined, { hoursOld: 3 }),
    ];
    await file(dead, old);
    clock.advance(60_000);
    const { files } = await janitor.ask('plan', undefined);
    const going = files.filter(({ fate }) => fate.kind === 'goes').map(({ guid }) => guid);
    expect(going.toSorted()).toEqual([...orphans, dead].toSorted());
    expect(await names()).toHaveLength(8);
    expect(await janitor.ask('sweep', undefined)).toMatchObject({ failedFiles: 1, orphanFiles: 2 });
    expect(await names()).toEqual(kept.toSorted());
  });

  test('J3: not that of a failed job that is retried after the file was looked at', async () => {
    const { clock, janitor, failedJob, file, folder, keyOf, names, store } = await janitorBench();
    const correspondent = await keyOf('ann');
    const dead = [await file(await failedJob()), await file(await failedJob())];
    clock.advance(24 * HOUR_MS);
    const remove = folder.remove.bind(folder);
    vi.spyOn(folder, 'remove').mockImplementationOnce(async (guid) => {
      const other = dead.find((each) => each !== guid) ?? guid;
      const placeholder = placeholderMessage(9, other);
      const changes = { mimeType: 'audio/ogg', pool: 'audio', collection: 'active' } as const;
      await store.retryFailedJob({ correspondent, placeholder, evictedIds: [], ...changes });
      await remove(guid);
    });
    expect(await janitor.ask('sweep', undefined)).toMatchObject({ failedFiles: 1 });
    const [needed] = await names();
    expect(await store.jobByGuid(needed ?? '')).toMatchObject({ collection: 'active' });
  });

  test('J6: and does the rest of its work while a folder is not there', async () => {
    const { clock, janitor, job, folder, log } = await janitorBench();
    await rm(folder.dir, { recursive: true });
    await job({ start: { kind: 'downloading' } });
    for (let hour = 0; hour < 2; hour += 1) {
      clock.advance(HOUR_MS);
      expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    }
    clock.advance(HOUR_MS);
    expect(await janitor.ask('sweep', undefined)).toMatchObject({ staleJobs: 1 });
    expect(log.at('warn')).toContain('the janitor leaves out what it may not use');
  });

  test.for(['isAway', 'unacked'] as const)('J3: none without a job while a gateway %s', async (problem) => {
    const { janitor, file, gateway, names } = await janitorBench();
    const orphan = await file(undefined, { hoursOld: 5 });
    Object.assign(gateway, { [problem]: problem === 'isAway' ? true : 1 });
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    expect(await names()).toEqual([orphan]);
  });

  test('J3: none whose frame is accepted between one look and the other', async () => {
    const { janitor, file, gateway, job, names } = await janitorBench();
    const guid = await file(undefined, { hoursOld: 5 });
    gateway.held.add(guid);
    gateway.unacked = 1;
    // The frame is acked: the gateway lets go of the file before it says what it holds.
    gateway.asked = async () => {
      if (!gateway.held.delete(guid)) return;
      gateway.unacked = 0;
      await job({}, guid);
    };
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    expect(gateway.held.size).toBe(0);
    expect(await names()).toEqual([guid]);
  });

  test('none of 400 that a gateway staged while the store was away for five hours', async () => {
    const { clock, janitor, job, file, gateway, faults, names } = await janitorBench();
    const announced = await job({ start: { kind: 'downloading' } });
    const staged = [await file(announced)];
    for (let n = 1; n < 400; n += 1) staged.push(await file());
    for (const guid of staged) gateway.held.add(guid);
    gateway.unacked = 800;
    for (let hour = 0; hour < 5; hour += 1) {
      clock.advance(HOUR_MS);
      faults.fail('jobsOfBot', 'before');
      await expect(janitor.ask('sweep', undefined)).rejects.toMatchObject({ code: 'store_unavailable' });
    }
    // The store is back, the gateway has not sent anything again yet; then half of it is acked.
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    for (const guid of staged.slice(0, 200)) {
      gateway.held.delete(guid);
      if (guid !== announced) await job({}, guid);
    }
    gateway.unacked = 400;
    expect(await janitor.ask('sweep', undefined)).toEqual(NOTHING);
    expect(await names()).toEqual(staged.toSorted());
  });
});

describe('what an earlier life left goes as soon as its gateway can say that nobody waits for it', () => {
  const LATER = { everyMs: 1_000 * HOUR_MS, firstAfterMs: 1_000 * HOUR_MS };
  /** A janitor that finds `left`, made before it. */
  async function afterKill() {
    const bench = await janitorBench();
    const left = await bench.file();
    const janitor = await bench.spawn('after the kill', LATER);
    const reclaim = (): Promise<void> => janitor.ask('reclaim', undefined);
    /** The janitor does one thing after another: whatever was due is done. */
    const looked = async (): Promise<void> => void (await janitor.ask('plan', undefined));
    return { ...bench, janitor, left, looked, reclaim };
  }

  test('however young its file is, and its gateway’s quota is free at once', async () => {
    const { clock, names, left, gateway } = await afterKill();
    expect(await names()).toEqual([left]);
    clock.advance(1_000);
    await expect.poll(names).toEqual([]);
    expect(gateway.released).toEqual([left]);
  });

  test('not what has its job, is evidence, is being downloaded, or is still to be announced', async () => {
    const { job, failedJob, file, gateway, left, names, reclaim } = await afterKill();
    const held = await file();
    gateway.held.add(held);
    const kept = [await file(await job()), await file(await failedJob()), held];
    const partial = await file(undefined, { partial: true });
    await reclaim();
    expect(await names()).toEqual([...kept, `${partial}.part`].toSorted());
    expect(gateway.released).toEqual([left]);
  });

  test('J3: not what is announced while its gateway is asked', async () => {
    const { gateway, job, left, names, reclaim } = await afterKill();
    gateway.held.add(left);
    gateway.asked = async () => {
      gateway.held.delete(left);
      await job({}, left);
    };
    await reclaim();
    await reclaim();
    expect(gateway.held.size).toBe(0);
    expect(await names()).toEqual([left]);
  });

  test('but not before a gateway that is away is back, and has sent its frames again', async () => {
    const { clock, gateway, janitor, left, names, reclaim } = await afterKill();
    Object.assign(gateway, { isAway: true, unacked: 1 });
    await reclaim();
    gateway.isAway = false;
    await reclaim();
    expect(await names()).toEqual([left]);
    gateway.unacked = 0;
    janitor.tell('gatewayCame', undefined);
    await settle();
    clock.advance(1_000);
    await expect.poll(names).toEqual([]);
  });

  test('by itself when its gateway has sent its frames again', async () => {
    const { clock, gateway, left, names } = await afterKill();
    const asked = vi.fn<() => Promise<void>>(async () => {});
    Object.assign(gateway, { unacked: 1, asked });
    clock.advance(1_000);
    await expect.poll(() => asked.mock.calls.length).toBe(1);
    await settle();
    expect(await names()).toEqual([left]);
    gateway.unacked = 0;
    clock.advance(1_000);
    await expect.poll(names).toEqual([]);
  });

  test('though the store was away at the first look', async () => {
    const { clock, faults, log, names } = await afterKill();
    faults.fail('jobsAmong', 'before');
    clock.advance(1_000);
    await expect.poll(() => log.at('warn')).toContain('what an earlier life left cannot be looked at');
    clock.advance(30_000);
    await expect.poll(names).toEqual([]);
  });

  test.for(['list', 'remove'] as const)('though its folder failed once (%s)', async (call) => {
    const { clock, folder, gateway, left, log, looked, names } = await afterKill();
    const failed = Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'once' });
    vi.spyOn(folder, call).mockRejectedValueOnce(failed);
    clock.advance(1_000);
    await looked();
    expect(log.at('warn')).toContain('the janitor leaves out what it may not use');
    expect(gateway.released).toEqual([]);
    for (let look = 0; look < 2; look += 1) {
      clock.advance(30_000);
      await looked();
    }
    expect(await names()).toEqual([]);
    expect(gateway.released).toEqual([left]);
  });

  test('and a gateway that stays busy is asked ever less often, until one comes', async () => {
    const { clock, gateway, janitor, looked, reclaim } = await afterKill();
    const asked = vi.fn<() => Promise<void>>(async () => {});
    Object.assign(gateway, { unacked: 1, asked });
    for (const pauseMs of [1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      asked.mockClear();
      clock.advance(pauseMs - 1);
      await looked();
      expect(asked).not.toHaveBeenCalled();
      clock.advance(1);
      await looked();
      expect(asked).toHaveBeenCalledTimes(1);
    }
    janitor.tell('gatewayCame', undefined);
    await reclaim();
    asked.mockClear();
    clock.advance(1_000);
    await looked();
    expect(asked).toHaveBeenCalledTimes(1);
  });

  test('and a folder or file that goes on failing is tried and warned of ever less often', async () => {
    const { clock, folder, log, looked, names } = await afterKill();
    const failed = Object.assign(new Error('EACCES: permission denied'), { syscall: 'rm' });
    const removing = vi.spyOn(folder, 'remove').mockRejectedValue(failed);
    const warnings = (): number =>
      log.at('warn').filter((told) => told === 'the janitor leaves out what it may not use').length;
    const HALF_MINUTE = 30_000;
    for (const [look, pauseMs] of [1_000, HALF_MINUTE, 2 * HALF_MINUTE, 4 * HALF_MINUTE].entries()) {
      clock.advance(pauseMs - 1);
      await looked();
      expect(warnings()).toBe(look);
      clock.advance(1);
      await looked();
      expect(warnings()).toBe(look + 1);
    }
    removing.mockRestore();
    clock.advance(8 * HALF_MINUTE);
    await looked();
    expect(await names()).toEqual([]);
  });

  test('where nothing fails, a gateway that does not answer is waited for no longer at last than at first', async () => {
    const { clock, gateway, looked, names } = await afterKill();
    gateway.isAway = true;
    for (const pauseMs of [1_000, 30_000, 30_000, 30_000, 30_000]) {
      clock.advance(pauseMs);
      await looked();
    }
    gateway.isAway = false;
    clock.advance(30_000);
    await looked();
    expect(await names()).toEqual([]);
  });

  test('no file that came after the first look', async () => {
    const { file, names, reclaim } = await afterKill();
    await reclaim();
    expect(await names()).toEqual([]);
    const later = await file();
    await reclaim();
    expect(await names()).toEqual([later]);
  });
});

describe('the janitor', () => {
  test('sweeps first when it is told to, then every hour, whatever went wrong', async () => {
    const { clock, log, faults } = await janitorBench({ everyMs: HOUR_MS, firstAfterMs: 60_000 });
    const swept = () => log.lines.filter(({ message }) => message === 'janitor swept').length;
    clock.advance(60_000);
    await expect.poll(swept).toBe(1);
    faults.fail('jobsOfBot', 'before');
    clock.advance(HOUR_MS);
    await expect.poll(() => log.at('warn')).toContain('the janitor stopped half way');
    clock.advance(HOUR_MS);
    await expect.poll(swept).toBe(2);
  });

  test('prunes the history of bots that do not keep it for ever', async () => {
    const { clock, janitor, store, keyOf } = await janitorBench({
      bots: () => Promise.resolve([{ id: BOT, isConnected: () => true, historyMs: 24 * HOUR_MS }]),
    });
    const key = await keyOf('ann');
    for (const id of [1, 2]) {
      const message = textMessage(id);
      await store.accept(acceptText(key, message));
      await store.ingest({ correspondent: key, messages: [message], now: clock.now() });
      clock.advance(20 * HOUR_MS);
    }
    expect(await janitor.ask('plan', undefined)).toMatchObject({
      history: [{ botId: BOT, before: clock.now() - 24 * HOUR_MS }],
    });
    expect(await janitor.ask('sweep', undefined)).toMatchObject({ prunedMessages: 1 });
    expect((await store.history(key, { afterSeq: 0, limit: 9 })).map(({ message }) => message.id)).toEqual([
      2,
    ]);
  });

  test('prunes the records of jobs that failed long ago, their files before them', async () => {
    const { clock, janitor, failedJob, file, names, store } = await janitorBench();
    const old = await file(await failedJob());
    clock.advance(HOUR_MS);
    const younger = await failedJob();
    clock.advance(90 * 24 * HOUR_MS - HOUR_MS);
    expect(await janitor.ask('plan', undefined)).toMatchObject({ oldFailedJobCount: 1 });
    expect(await store.jobByGuid(old)).not.toBeNull();
    expect(await janitor.ask('sweep', undefined)).toEqual({ ...NOTHING, failedFiles: 1, prunedJobs: 1 });
    expect(await names()).toEqual([]);
    expect(await store.jobByGuid(old)).toBeNull();
    expect(await store.jobByGuid(younger)).toMatchObject({ collection: 'failed' });
  });

  test('J5: a plan changes nothing', async () => {
    const { clock, janitor, job, file, names, store, expired } = await janitorBench();
    const guid = await job({ start: { kind: 'downloading' } });
    const orphan = await file(undefined, { hoursOld: 9 });
    clock.advance(3 * HOUR_MS);
    const plan = await janitor.ask('plan', undefined);
    expect(plan).toMatchObject({
      staleJobCount: 1,
      staleJobs: [{ guid, botId: BOT, status: 'downloading' }],
    });
    expect(plan.files).toMatchObject([{ guid: orphan, fate: { kind: 'goes', why: 'orphan' } }]);
    expect(expired).toEqual([]);
    expect(await names()).toEqual([orphan]);
    expect(await store.jobByGuid(guid)).toMatchObject({ status: 'downloading' });
  });
});
