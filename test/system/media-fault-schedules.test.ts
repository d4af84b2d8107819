import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MediaFault, OneMediaFault } from '../../src/simulator/media-fault.ts';
import type { SentMessage } from '../../src/simulator/person.ts';
import type { MediaKind } from '../../src/queue/media-kind.ts';
import type { Content } from '../../src/simulator/content.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { uploaded } from '../support/crafted-media.ts';
import { type MediaEnd, MediaStage, type Phone, PHONES, SHORT_DEADLINES } from '../support/media-stage.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
/** Small: what has no end is to reach it before a deadline. */
const MAX_FILE_BYTES = 64 * 1024;
/** Roomier: an attempt that finds no fault must not fail because the machine is busy. */
const SETTINGS = {
  ...SHORT_DEADLINES,
  maxFileBytes: MAX_FILE_BYTES,
  reuploadTimeoutMs: 5_000,
  idleTimeoutMs: DEEP ? 10_000 : 5_000,
  downloadTimeoutMs: DEEP ? 20_000 : 8_000,
};
const PLAIN_BYTES = 4_096;

const position = fc.nat({ max: PLAIN_BYTES - 1 });
const oneFault: fc.Arbitrary<OneMediaFault> = fc.oneof(
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

/** How a person says each kind of medium: bytes that nobody else has, so that a wrong file is told from the right one. */
const KINDS = {
  image: (fault) => ({ image: PLAIN_BYTES, fault }),
  sticker: (fault) => ({ sticker: PLAIN_BYTES, fault }),
  video: (fault) => ({ video: PLAIN_BYTES, fault }),
  'voice note': (fault) => ({ voice: PLAIN_BYTES, fault }),
  document: (fault) => ({ document: PLAIN_BYTES, fault }),
  audio: async (fault, simulator) => ({
    message: { audioMessage: await uploaded(simulator, randomBytes(PLAIN_BYTES), 'audio', fault) },
  }),
  'round video': async (fault, simulator) => ({
    message: { ptvMessage: await uploaded(simulator, randomBytes(PLAIN_BYTES), 'ptv', fault) },
  }),
} satisfies Readonly<Record<string, (fault: MediaFault, simulator: Simulator) => Content | Promise<Content>>>;
type Kind = keyof typeof KINDS;

/** What the bots' workers are told of the kinds that go by another name there. */
const MEDIA_KINDS: Readonly<Record<Kind, MediaKind>> = {
  image: 'image',
  sticker: 'sticker',
  video: 'video',
  'round video': 'video',
  'voice note': 'audio',
  audio: 'audio',
  document: 'document',
};

interface Schedule {
  readonly kind: Kind;
  /** What each request for the file meets; null, and after the last: nothing. */
  readonly faults: readonly (OneMediaFault | null)[];
  readonly phone: Phone;
}

const schedule: fc.Arbitrary<Schedule> = fc.record({
  kind: fc.constantFrom('image', 'sticker', 'video', 'voice note', 'document', 'audio', 'round video'),
  faults: fc.array(fc.option(oneFault, { freq: 4 }), { minLength: 1, maxLength: 3 }),
  phone: fc.constantFrom(...PHONES),
});

const isGone = (met: OneMediaFault | null | undefined): boolean =>
  met?.kind === 'status' && [403, 404, 410].includes(met.status);

/**
 * What three attempts may come to; the phone's new upload has no fault. A phone that answers late may do so just when it
 * was asked for the second time.
 */
function endsOf({ faults, phone }: Schedule): readonly MediaEnd['type'][] {
  for (const attempt of [1, 2, 3]) {
    const met = faults[attempt - 1] ?? null;
    if (met === null) return ['media.staged'];
    if (met.kind === 'endless') break;
    if (met.kind === 'content_length' && met.bytes > MAX_FILE_BYTES) break;
    if (isGone(met) && phone === 'answers' && attempt < 3) return ['media.staged'];
  }
  const isAskedTwice = isGone(faults[0]) && isGone(faults[1]);
  return phone === 'answers late' && isAskedTwice ? ['media.staged', 'media.corrupt'] : ['media.corrupt'];
}

async function sayTo(
  stage: MediaStage,
  from: string,
  { kind, faults, phone }: Schedule,
): Promise<SentMessage> {
  const content = await KINDS[kind]([...faults], stage.simulator);
  return stage.simulator.say(from, content, { bot: stage.numberOf(phone) });
}

test('every medium of every kind ends once, staged if and only if an attempt gets it whole', async () => {
  const stage = await MediaStage.start(SETTINGS);
  const everything: SentMessage[] = [];
  let round = 0;
  const play = async (schedules: readonly Schedule[]): Promise<void> => {
    round += 1;
    const sent = await Promise.all(
      schedules.map((each, index) => sayTo(stage, `person ${round}/${index}`, each)),
    );
    everything.push(...sent);
    for (const [index, message] of sent.entries()) {
      const { end } = await stage.storyOf(message);
      const played = schedules[index];
      if (played === undefined) throw new Error('expected a schedule for each message');
      const story = JSON.stringify({ ...played, end });
      expect(endsOf(played), story).toContain(end.type);
      if (end.type === 'media.corrupt') expect(end.media_kind, story).toBe(MEDIA_KINDS[played.kind]);
    }
  };
  const some = fc.array(schedule, { minLength: 50, maxLength: 50, size: 'max' });
  await fc.assert(fc.asyncProperty(some, play), { numRuns: DEEP ? 10 : 1, endOnFailure: true });
  expect(await stage.problems(everything)).toEqual([]);
});
