import { expect, test } from 'vitest';
import type { DownloadOutcome } from '../../../src/gateway/download-outcome.ts';
import { settled, SlotBench, STAGED } from '../../support/slot-bench.ts';

const NEVER = new AbortController().signal;
const SETTINGS = { maxConcurrentDownloads: 3, maxSlowDownloads: 3, slowDownloadMs: 1_000 };

test('S2, S3: what hangs goes on beside the others as soon as somebody waits for its slot', async () => {
  const bench = new SlotBench(SETTINGS);
  bench.begin('a', 'one');
  bench.begin('a', 'two');
  bench.begin('b', 'one');
  bench.begin('c', 'quick');
  await settled();
  expect(bench.running).toEqual(['a/one', 'a/two', 'b/one']);
  await bench.pass(999);
  expect(bench.running).not.toContain('c/quick');
  await bench.pass(1);
  expect(bench.running).toEqual(['a/one', 'a/two', 'b/one', 'c/quick']);
  expect(bench.interrupted).toEqual([]);
});

test('S5: where nobody waits, a slow one keeps its slot, and leaves it to the next who comes at once', async () => {
  const bench = new SlotBench({ ...SETTINGS, maxConcurrentDownloads: 2, maxSlowDownloads: 1 });
  bench.begin('a', 'hangs');
  bench.begin('b', 'hangs');
  await bench.pass(3_600_000);
  expect([bench.running, bench.interrupted]).toEqual([['a/hangs', 'b/hangs'], []]);
  bench.begin('c', 'quick');
  await settled();
  expect([bench.running, bench.interrupted]).toEqual([['a/hangs', 'b/hangs', 'c/quick'], []]);
});

test('S2, S4: with the slow lane full too, a slow one is interrupted once, and begins anew in its turn', async () => {
  const bench = new SlotBench({ ...SETTINGS, maxConcurrentDownloads: 1, maxSlowDownloads: 1 });
  bench.begin('a', 'hangs');
  await bench.pass(1_000);
  bench.begin('b', 'hangs');
  await bench.pass(1_000);
  bench.begin('c', 'quick');
  await settled();
  expect([bench.running, bench.interrupted]).toEqual([['a/hangs', 'c/quick'], ['b/hangs']]);
  await bench.end('c/quick');
  await bench.pass(3_600_000);
  expect(bench.running).toEqual(['a/hangs']);
  await bench.end('a/hangs');
  bench.begin('d', 'quick');
  await settled();
  expect(bench.running).toEqual(['b/hangs', 'd/quick']);
  await bench.end('b/hangs');
  expect(bench.outcomes['b/hangs']).toMatchObject({ kind: 'staged' });
  expect(bench.interrupted).toEqual(['b/hangs']);
});

test('S2: no more are interrupted than are waited for', async () => {
  const bench = new SlotBench({ ...SETTINGS, maxSlowDownloads: 1 });
  for (const bot of ['a', 'b', 'c', 'd']) bench.begin(bot, 'hangs');
  await bench.pass(1_000);
  await bench.pass(1_000);
  expect(bench.running).toEqual(['a/hangs', 'b/hangs', 'c/hangs', 'd/hangs']);
  bench.begin('e', 'quick');
  await settled();
  expect(bench.interrupted).toEqual(['b/hangs']);
  expect(bench.running).toEqual(['a/hangs', 'c/hangs', 'd/hangs', 'e/quick']);
});

test('S3: the next attempt at what was slow asks for no quick slot', async () => {
  const bench = new SlotBench({ ...SETTINGS, maxConcurrentDownloads: 1 });
  const again = bench.begin('a', 'hangs');
  await bench.pass(1_000);
  await bench.end('a/hangs');
  again();
  bench.begin('b', 'quick');
  await settled();
  expect(bench.running).toEqual(['a/hangs', 'b/quick']);
});

test('P2: a bot whose downloads are many has all slots but one, quick ones and slow ones', async () => {
  const bench = new SlotBench(SETTINGS);
  for (let nth = 0; nth < 10; nth += 1) bench.begin('a', `chat ${nth}`);
  await bench.pass(1_000);
  await bench.pass(1_000);
  bench.begin('b', 'quick');
  await settled();
  expect(bench.running.filter((name) => name.startsWith('a/'))).toHaveLength(4);
  expect(bench.running).toContain('b/quick');
});

test('paused, nothing begins and nothing is interrupted; then all goes on', async () => {
  const bench = new SlotBench({ ...SETTINGS, maxConcurrentDownloads: 1, maxSlowDownloads: 1 });
  bench.begin('a', 'hangs');
  await bench.pass(1_000);
  bench.slots.paused = true;
  bench.begin('b', 'quick');
  await bench.pass(10_000);
  expect([bench.running, bench.slots.waiting]).toEqual([['a/hangs'], 1]);
  bench.slots.paused = false;
  await settled();
  expect(bench.running).toEqual(['a/hangs', 'b/quick']);
});

test('withdrawn while it waits, a download never begins; withdrawn while it runs, it is not begun anew', async () => {
  const bench = new SlotBench({ ...SETTINGS, maxConcurrentDownloads: 1 });
  bench.begin('a', 'hangs');
  bench.begin('b', 'waits');
  await settled();
  bench.withdraw('b/waits');
  bench.withdraw('a/hangs');
  await settled();
  expect(bench.outcomes).toMatchObject({
    'a/hangs': { reason: 'aborted' },
    'b/waits': { reason: 'aborted' },
  });
  expect([bench.running, bench.begun]).toEqual([[], ['a/hangs']]);
  expect(bench.clock.pendingTimers).toBe(0);
});

test('what ends well although it was interrupted has ended', async () => {
  const bench = new SlotBench({ ...SETTINGS, maxConcurrentDownloads: 1, maxSlowDownloads: 1 });
  bench.begin('a', 'hangs');
  await bench.pass(1_000);
  const signals: AbortSignal[] = [];
  const download = Promise.withResolvers<DownloadOutcome>();
  const outcome = bench.slots.run({ botId: 'b', chat: 'deaf' }, NEVER, (signal) => {
    signals.push(signal);
    return download.promise;
  });
  await bench.pass(1_000);
  bench.begin('c', 'quick');
  download.resolve(STAGED);
  expect([await outcome, signals.map(({ aborted }) => aborted)]).toEqual([STAGED, [true]]);
});
