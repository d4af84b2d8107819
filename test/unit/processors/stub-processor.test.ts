import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { DEFAULT_STUB_DELAYS_MS, StubProcessor } from '../../../src/processors/stub-processor.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

async function stagedFile(): Promise<string> {
  const file = path.join(await scratchFolder(), 'staged');
  await writeFile(file, Buffer.alloc(200_000, 1));
  return file;
}

function attempt(stub: StubProcessor, file: string, clock: ManualClock, signal: AbortSignal) {
  const job = claimedJob();
  const media = { path: file, bytes: 200_000, sha256: null };
  return { job, outcome: stub.process(job, media, { clock, timeoutMs: 600_000 }, signal) };
}

const never = new AbortController().signal;
/** The deadline's timer and the stub's own. */
const delaying = (clock: ManualClock) => vi.waitFor(() => expect(clock.pendingTimers).toBe(2));

describe('a stub', () => {
  test.each(['image', 'audio', 'video', 'document', 'sticker'] as const)(
    'for %s reads the file, takes its time and names what it got',
    async (kind) => {
      const clock = new ManualClock();
      const { job, outcome } = attempt(new StubProcessor(kind, clock, {}), await stagedFile(), clock, never);
      await delaying(clock);
      clock.advance(DEFAULT_STUB_DELAYS_MS[kind] - 1);
      expect(clock.pendingTimers).toBe(2);
      clock.advance(1);
      expect(await outcome).toEqual({
        kind: 'completed',
        result: {
          kind: 'words',
          words: `Transcripted ${kind} multimedia message with guid='${job.guid}'`,
        },
      });
    },
  );

  test('takes 5 s for an image, 10 s for audio and 60 s for a video unless configured', () => {
    expect(DEFAULT_STUB_DELAYS_MS).toMatchObject({ image: 5_000, audio: 10_000, video: 60_000 });
  });

  test('takes as long as it is configured to', async () => {
    const clock = new ManualClock();
    const stub = new StubProcessor('video', clock, { delayMs: 7 });
    const { outcome } = attempt(stub, await stagedFile(), clock, never);
    await delaying(clock);
    clock.advance(7);
    expect((await outcome).kind).toBe('completed');
  });

  test('stops waiting when its signal aborts', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const { outcome } = attempt(
      new StubProcessor('video', clock, {}),
      await stagedFile(),
      clock,
      stop.signal,
    );
    await delaying(clock);
    stop.abort();
    expect(await outcome).toEqual({ kind: 'aborted' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('fails when its file is not there', async () => {
    const clock = new ManualClock();
    const stub = new StubProcessor('image', clock, {});
    const { outcome } = attempt(stub, path.join(await scratchFolder(), 'missing'), clock, never);
    expect(await outcome).toMatchObject({ result: { kind: 'failure', error: { code: 'failed' } } });
  });
});
