import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OneMediaFault } from '../../src/simulator/media-fault.ts';
import type { SentMessage } from '../../src/simulator/person.ts';
import { MediaStage, type Phone, PHONES, SHORT_DEADLINES } from '../support/media-stage.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
/** Small: what has no end is to reach it before a deadline. */
const MAX_FILE_BYTES = 64 * 1024;
/** Roomier: an attempt that finds no fault must not fail because the machine is busy. */
const SETTINGS = {
  ...SHORT_DEADLINES,
  maxFileBytes: MAX_FILE_BYTES,
  idleTimeoutMs: DEEP ? 10_000 : 5_000,
  downloadTimeoutMs: DEEP ? 20_000 : 8_000,
};
const CIPHERTEXT_BYTES = 4_096;

const position = fc.nat({ max: CIPHERTEXT_BYTES - 1 });
const fault: fc.Arbitrary<OneMediaFault> = fc.oneof(
  fc.constantFrom(403, 404, 410, 429, 500, 503).map((code) => ({ kind: 'status' as const, status: code })),
  position.map((afterBytes) => ({ kind: 'reset' as const, afterBytes })),
  position.map((afterBytes) => ({ kind: 'stall' as const, afterBytes })),
  position.map((afterBytes) => ({ kind: 'truncate' as const, afterBytes })),
  position.map((atByte) => ({ kind: 'flip_bit' as const, atByte })),
  fc.constantFrom<OneMediaFault>(
    { kind: 'drip', bytesPerSecond: 50 },
    { kind: 'empty' },
    { kind: 'content_length', bytes: 10 },
    { kind: 'content_length', bytes: 2 ** 40 },
    { kind: 'endless' },
    { kind: 'redirect', location: '/v/elsewhere' },
  ),
);

interface Schedule {
  /** What each request for the file meets; null, and after the last: nothing. */
  readonly faults: readonly (OneMediaFault | null)[];
  readonly phone: Phone;
}

const schedule: fc.Arbitrary<Schedule> = fc.record({
  faults: fc.array(fc.option(fault, { freq: 4 }), { minLength: 1, maxLength: 3 }),
  phone: fc.constantFrom(...PHONES),
});

/** What three attempts must come to; the phone's new upload has no fault. */
function isStaged({ faults, phone }: Schedule): boolean {
  for (const attempt of [1, 2, 3]) {
    const met = faults[attempt - 1] ?? null;
    if (met === null) return true;
    if (met.kind === 'endless') return false;
    if (met.kind === 'content_length' && met.bytes > MAX_FILE_BYTES) return false;
    const isGone = met.kind === 'status' && [403, 404, 410].includes(met.status);
    if (isGone && phone === 'answers' && attempt < 3) return true;
  }
  return false;
}

test('every medium ends once, staged if and only if an attempt gets it whole', async () => {
  const stage = await MediaStage.start(SETTINGS);
  const everything: SentMessage[] = [];
  let round = 0;
  const play = async (schedules: readonly Schedule[]): Promise<void> => {
    round += 1;
    const sent = await Promise.all(
      schedules.map(({ faults, phone }, index) =>
        stage.simulator.say(
          `person ${round}/${index}`,
          { image: CIPHERTEXT_BYTES, fault: [...faults] },
          { bot: stage.numberOf(phone) },
        ),
      ),
    );
    everything.push(...sent);
    for (const [index, message] of sent.entries()) {
      const { end } = await stage.storyOf(message);
      const played = schedules[index];
      if (played === undefined) throw new Error('expected a schedule for each message');
      expect(end.type, JSON.stringify({ ...played, end })).toBe(
        isStaged(played) ? 'media.staged' : 'media.corrupt',
      );
    }
  };
  const some = fc.array(schedule, { minLength: 50, maxLength: 50, size: 'max' });
  await fc.assert(fc.asyncProperty(some, play), { numRuns: DEEP ? 10 : 1, endOnFailure: true });
  expect(await stage.problems(everything)).toEqual([]);
});
