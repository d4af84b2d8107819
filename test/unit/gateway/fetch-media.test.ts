import { expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import {
  downloadFailed,
  type DownloadFailureReason,
  type DownloadOutcome,
} from '../../../src/gateway/download-outcome.ts';
import { fetchMedia, type MediaSource } from '../../../src/gateway/fetch-media.ts';
import type { MediaReference } from '../../../src/gateway/received.ts';
import { encryptMedia } from '../../support/encrypted-media.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { passTimeUntil } from '../../support/pass-time.ts';

const STAGED: DownloadOutcome = { kind: 'staged', bytes: 1, sha256: 'a'.repeat(64) };
const NEVER = new AbortController().signal;
const { reference } = encryptMedia(Buffer.from('x'));

/** Answers the attempts in turn, and notes when each came and for which path. */
function scriptedSource(clock: ManualClock, outcomes: DownloadOutcome[], reuploads: (string | null)[] = []) {
  const startedAt = clock.now();
  const attempts: { afterMs: number; path: string | null }[] = [];
  const source: MediaSource = {
    download(media: MediaReference) {
      attempts.push({ afterMs: clock.now() - startedAt, path: media.directPath });
      return Promise.resolve(outcomes.shift() ?? downloadFailed('network'));
    },
    reupload: () => Promise.resolve(reuploads.shift() ?? null),
  };
  return { source, attempts };
}

test('three attempts are made, 2 s and 4 s apart', async () => {
  const clock = new ManualClock();
  const { source, attempts } = scriptedSource(clock, []);
  const outcome = await passTimeUntil(
    fetchMedia(reference, source, { clock, random: () => 0.5 }, NEVER),
    clock,
  );
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'network' });
  expect(attempts.map(({ afterMs }) => afterMs)).toEqual([0, 2_000, 6_000]);
});

test.each([
  [0, [1_500, 3_000]],
  [1, [2_500, 5_000]],
])('pauses are jittered by a quarter either way: %d', async (random, expected) => {
  const clock = new ManualClock();
  const pauses: number[] = [];
  const listening: Clock = {
    now: () => clock.now(),
    schedule: (delayMs, task) => {
      pauses.push(delayMs);
      return clock.schedule(delayMs, task);
    },
  };
  const { source } = scriptedSource(clock, []);
  const timing = { clock: listening, random: () => random };
  await passTimeUntil(fetchMedia(reference, source, timing, NEVER), clock);
  expect(pauses).toEqual(expected);
});

test('the first attempt that works is the last', async () => {
  const clock = new ManualClock();
  const { source, attempts } = scriptedSource(clock, [downloadFailed('http'), STAGED]);
  expect(await passTimeUntil(fetchMedia(reference, source, { clock, random: () => 0 }, NEVER), clock)).toBe(
    STAGED,
  );
  expect(attempts).toHaveLength(2);
});

test.each<DownloadFailureReason>([
  'quota',
  'no_space',
  'too_large',
  'bad_reference',
  'bad_content',
  'aborted',
])('%s is not tried again', async (reason) => {
  const clock = new ManualClock();
  const { source, attempts } = scriptedSource(clock, [downloadFailed(reason)]);
  expect(await fetchMedia(reference, source, { clock, random: () => 0 }, NEVER)).toMatchObject({ reason });
  expect(attempts).toHaveLength(1);
});

test('a lack of file handles costs no attempt, however long it lasts', async () => {
  const clock = new ManualClock();
  const lacking = Array.from({ length: 10 }, () => downloadFailed('no_handles'));
  const { source, attempts } = scriptedSource(clock, [...lacking, downloadFailed('network'), STAGED]);
  expect(await passTimeUntil(fetchMedia(reference, source, { clock, random: () => 0 }, NEVER), clock)).toBe(
    STAGED,
  );
  expect(attempts).toHaveLength(12);
});

test('a medium that is gone is asked for again under the path of its new upload', async () => {
  const clock = new ManualClock();
  const { source, attempts } = scriptedSource(clock, [downloadFailed('gone'), STAGED], ['/again']);
  expect(await passTimeUntil(fetchMedia(reference, source, { clock, random: () => 0 }, NEVER), clock)).toBe(
    STAGED,
  );
  expect(attempts.map(({ path }) => path)).toEqual(['/file.enc', '/again']);
});

test('a phone that does not upload again costs no attempt: a host may forbid bursts only', async () => {
  const clock = new ManualClock();
  const { source, attempts } = scriptedSource(clock, [
    downloadFailed('gone'),
    downloadFailed('gone'),
    STAGED,
  ]);
  expect(await passTimeUntil(fetchMedia(reference, source, { clock, random: () => 0 }, NEVER), clock)).toBe(
    STAGED,
  );
  expect(attempts).toHaveLength(3);
});

test('withdrawn between two attempts, it ends at once', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const { source, attempts } = scriptedSource(clock, []);
  const fetching = fetchMedia(reference, source, { clock, random: () => 0 }, controller.signal);
  await new Promise(setImmediate);
  controller.abort();
  expect(await fetching).toMatchObject({ reason: 'aborted' });
  expect(attempts).toHaveLength(1);
  expect(clock.pendingTimers).toBe(0);
});
