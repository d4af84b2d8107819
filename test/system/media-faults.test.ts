import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MediaKind } from '../../src/queue/media-kind.ts';
import type { Content } from '../../src/simulator/content.ts';
import type { MediaFault, OneMediaFault } from '../../src/simulator/media-fault.ts';
import { makeSampleMedia } from '../../src/simulator/sample-media.ts';
import { uploaded, wrappings } from '../support/crafted-media.ts';
import { MediaStage, type Phone, PHONES, SHORT_DEADLINES } from '../support/media-stage.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const FILE_BYTES = 20_000;
const MAX_FILE_BYTES = SHORT_DEADLINES.maxFileBytes ?? 0;

/** Everything that was announced ended once; what is staged has the right bytes, and nothing else is in the folder. */
async function expectNothingLeft(stage: MediaStage, sha256ById: ReadonlyMap<string, string | null>) {
  const staged: Record<string, string | null> = {};
  for (const { message } of stage.backend.ofType('inbound')) {
    const { media_processing_id: guid, provider_message_id: id } = message;
    if (guid === undefined) continue;
    const ends = stage.endsOf(guid);
    expect(ends, id).toHaveLength(1);
    if (ends[0]?.type === 'media.staged') staged[guid] = sha256ById.get(id) ?? null;
  }
  expect(await stage.files()).toEqual(staged);
  expect(stage.gateway.snapshot()).toMatchObject({ runningDownloads: 0, waitingDownloads: 0 });
}

describe('media that arrive', () => {
  test('every type comes with its bytes, its caption and its file name', async () => {
    const stage = await MediaStage.start();
    const { simulator } = stage;
    const say = (content: Content) => simulator.say('Ana', content);
    const picture = Uint8Array.from(makeSampleMedia('image').bytes);
    const round = await uploaded(simulator, makeSampleMedia('video').bytes, 'ptv');
    const audio = await uploaded(simulator, Buffer.from('ID3 music'), 'audio');
    const sent = [
      await say({ image: FILE_BYTES, caption: 'a picture' }),
      await say({ video: FILE_BYTES, caption: 'a video' }),
      await say({ message: { ptvMessage: { ...round, mimetype: 'video/mp4' } } }),
      await say({ message: { audioMessage: { ...audio, mimetype: 'audio/mpeg' } } }),
      await say({ voice: FILE_BYTES }),
      await say({ document: FILE_BYTES, fileName: '../../etc/passwd' }),
      await say({ document: FILE_BYTES, fileName: 'plan.pdf', caption: 'the plan' }),
      await say({ sticker: 0 }),
      await say({ image: picture, mimeType: 'image/png' }),
    ];
    const stories = await Promise.all(sent.map((message) => stage.storyOf(message)));
    const told = stories.map(({ announced: { message, mime_type, original_filename = null }, end }) => [
      end.type,
      mime_type,
      message,
      original_filename,
    ]);
    expect(told).toEqual([
      ['media.staged', 'image/jpeg', 'a picture', null],
      ['media.staged', 'video/mp4', 'a video', null],
      ['media.staged', 'video/mp4', '', null],
      ['media.staged', 'audio/mpeg', '', null],
      ['media.staged', 'audio/ogg; codecs=opus', '', null],
      ['media.staged', 'application/pdf', '', '../../etc/passwd'],
      ['media.staged', 'application/pdf', 'the plan', 'plan.pdf'],
      ['media.staged', 'image/webp', '', null],
      ['media.staged', 'image/png', '', null],
    ]);
    await expectNothingLeft(stage, new Map(sent.map(({ messageId, sha256 }) => [messageId, sha256])));
  });

  test('what a medium is wrapped in makes no difference', async () => {
    const stage = await MediaStage.start();
    const { simulator } = stage;
    const wrapped = wrappings(await uploaded(simulator, Buffer.from('a picture in a wrapper')));
    const sent = await Promise.all(
      Object.entries(wrapped).map(([name, message]) => simulator.say(name, { message })),
    );
    // What the owner wrote is wrapped once more, for the account's other devices.
    const own = await simulator
      .account()
      .owner.send(simulator.directChat('Ana'), { message: wrapped['ephemeral'] ?? {} });
    for (const message of [...sent, own]) {
      const { announced, end } = await stage.storyOf(message);
      expect(announced.mime_type, message.from).toBe('image/jpeg');
      expect(end.type, message.from).toBe('media.staged');
    }
    await expectNothingLeft(
      stage,
      new Map([...sent, own].map(({ messageId, sha256 }) => [messageId, sha256])),
    );
  });
});

describe('media that do not', () => {
  interface Case {
    readonly fault: MediaFault;
    /** Default: it answers. */
    readonly phone?: Phone;
    /** Left out: it is staged. */
    readonly reason?: RegExp;
  }
  const status = (code: number, more: object = {}): OneMediaFault => ({
    kind: 'status',
    status: code,
    ...more,
  });

  const CASES: Readonly<Record<string, Case>> = {
    none: { fault: [null] },
    '404, the phone has it': { fault: status(404) },
    '410, the phone has it': { fault: status(410) },
    '403, the phone has it': { fault: status(403) },
    '404, the phone says not found': { fault: status(404), phone: 'refuses', reason: /^gone/ },
    '410, the phone is offline': { fault: status(410), phone: 'is offline', reason: /^gone/ },
    '404 once, the phone is offline': { fault: [status(404)], phone: 'is offline' },
    '429 once': { fault: [status(429, { retryAfterSeconds: 1 })] },
    '429': { fault: status(429), reason: /^http: status 429/ },
    '500 twice': { fault: [status(500), status(500)] },
    '500': { fault: status(500), reason: /^http: status 500/ },
    'a reset mid-body, once': { fault: [{ kind: 'reset' }] },
    'a reset mid-body': { fault: { kind: 'reset' }, reason: /^network/ },
    'a reset before any byte': { fault: { kind: 'reset', afterBytes: 0 }, reason: /^network/ },
    'a stall, once': { fault: [{ kind: 'stall' }] },
    'a stall': { fault: { kind: 'stall' }, reason: /^idle/ },
    'a stall before any byte': { fault: { kind: 'stall', afterBytes: 0 }, reason: /^idle/ },
    'a slow drip': { fault: { kind: 'drip', bytesPerSecond: 100 }, reason: /^timeout/ },
    'a drip that is fast enough': { fault: { kind: 'drip', bytesPerSecond: 40_000 } },
    'a truncation': { fault: { kind: 'truncate', afterBytes: 12_345 }, reason: /^truncated/ },
    'a truncation between blocks': {
      fault: { kind: 'truncate', afterBytes: 4_096 + 10 },
      reason: /^bad_mac/,
    },
    'a truncation, once': { fault: [{ kind: 'truncate', afterBytes: 1 }] },
    'a bit flip': { fault: { kind: 'flip_bit' }, reason: /^bad_mac/ },
    'a bit flip, once': { fault: [{ kind: 'flip_bit', atByte: 0 }] },
    'a wrong hash': { fault: { kind: 'wrong_hash' }, reason: /^bad_hash/ },
    'an empty body': { fault: { kind: 'empty' }, reason: /^truncated/ },
    'an empty body, once': { fault: [{ kind: 'empty' }] },
    'a length below the truth': {
      fault: { kind: 'content_length', bytes: 1_000 },
      reason: /^(truncated|network)/,
    },
    'a length above the truth': { fault: { kind: 'content_length', bytes: 50_000 }, reason: /^network/ },
    'a length above the cap': { fault: { kind: 'content_length', bytes: 10 ** 10 }, reason: /^too_large/ },
    'an endless body': { fault: { kind: 'endless' }, reason: /^too_large/ },
    'a redirect': {
      fault: { kind: 'redirect', location: 'http://127.0.0.1:9/' },
      reason: /^http: status 302/,
    },
    'everything, one after another': { fault: [{ kind: 'reset' }, { kind: 'flip_bit' }] },
  };

  /** The kinds of media in turn, so that each kind meets faults. */
  const contentOf = (fault: MediaFault, index: number): readonly [MediaKind, Content] => {
    const kinds: readonly (readonly [MediaKind, Content])[] = [
      ['image', { image: FILE_BYTES, caption: 'c', fault }],
      ['audio', { voice: FILE_BYTES, fault }],
      ['video', { video: FILE_BYTES, fault }],
      ['document', { document: FILE_BYTES, fault }],
      ['sticker', { sticker: FILE_BYTES, fault }],
    ];
    return kinds[index % kinds.length] ?? ['image', { image: FILE_BYTES, fault }];
  };

  test('each fault ends with the right file or the right corruption, and leaves nothing half done', async () => {
    const stage = await MediaStage.start();
    const sent = await Promise.all(
      Object.entries(CASES).map(([name, { fault, phone = 'answers' }], index) => {
        const [, content] = contentOf(fault, index);
        return stage.simulator.say(name, content, { bot: stage.numberOf(phone) });
      }),
    );
    for (const [index, [name, { fault, reason }]] of Object.entries(CASES).entries()) {
      const message = sent[index];
      if (message === undefined) throw new Error(`${name} was not sent`);
      const { end } = await stage.storyOf(message);
      const [kind] = contentOf(fault, index);
      expect(end, name).toMatchObject(
        reason === undefined
          ? { type: 'media.staged', sha256: message.sha256 }
          : {
              type: 'media.corrupt',
              media_kind: kind,
              quota_exceeded: false,
              reason: expect.stringMatching(reason),
            },
      );
    }
    await expectNothingLeft(stage, new Map(sent.map(({ messageId, sha256 }) => [messageId, sha256])));
  });

  test('a round video that the host has no more is uploaded again', async () => {
    const stage = await MediaStage.start();
    const node = await uploaded(stage.simulator, Buffer.from('round'), 'ptv', status(404));
    const sent = await stage.simulator.say('Ana', { message: { ptvMessage: node } });
    expect((await stage.storyOf(sent)).end.type).toBe('media.staged');
    expect(stage.simulator.events.of('reupload')).toMatchObject([{ outcome: 'success' }]);
    await expectNothingLeft(stage, new Map([[sent.messageId, sent.sha256]]));
  });

  test('a path that leads elsewhere, no key, a lie about the length: corrupt, and nobody is asked', async () => {
    const stage = await MediaStage.start();
    const { simulator } = stage;
    const node = await uploaded(simulator, Buffer.from('a picture'));
    const lies = [
      { directPath: '@evil.example/file' },
      { directPath: '//evil.example/file' },
      { directPath: '/\\evil.example/file' },
      { directPath: '/@evil.example/file' },
      { directPath: 'http://evil.example/file' },
      { directPath: '.evil.example/file' },
      { directPath: '' },
      { mediaKey: Buffer.alloc(0) },
      { mediaKey: Buffer.alloc(31) },
      { fileLength: MAX_FILE_BYTES + 1 },
    ];
    const sent = await Promise.all(
      lies.map((lie, index) =>
        simulator.say(`liar ${index}`, { message: { imageMessage: { ...node, ...lie } } }),
      ),
    );
    for (const [index, message] of sent.entries()) {
      const { end } = await stage.storyOf(message);
      expect(end, JSON.stringify(lies[index])).toMatchObject({
        type: 'media.corrupt',
        reason: expect.stringMatching(/^(bad_reference|too_large)/),
      });
    }
    expect(simulator.media.requests).toEqual([]);
    await expectNothingLeft(stage, new Map());
  });
});

describe('random schedules of faults', () => {
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
  const schedule = fc.record({
    faults: fc.array(fc.option(fault, { freq: 4 }), { minLength: 1, maxLength: 3 }),
    phone: fc.constantFrom(...PHONES),
  });

  /** What three attempts must come to; the phone's new upload has no fault. */
  function isStaged({ faults, phone }: { faults: readonly (OneMediaFault | null)[]; phone: Phone }): boolean {
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
    const stage = await MediaStage.start();
    const sha256ById = new Map<string, string | null>();
    let round = 0;
    const play = async (schedules: readonly Parameters<typeof isStaged>[0][]): Promise<void> => {
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
      for (const [index, message] of sent.entries()) {
        sha256ById.set(message.messageId, message.sha256);
        const { end } = await stage.storyOf(message);
        const played = schedules[index];
        if (played === undefined) throw new Error('expected a schedule for each message');
        expect(end.type, JSON.stringify(played)).toBe(isStaged(played) ? 'media.staged' : 'media.corrupt');
      }
    };
    const some = fc.array(schedule, { minLength: 50, maxLength: 50, size: 'max' });
    await fc.assert(fc.asyncProperty(some, play), { numRuns: DEEP ? 10 : 1, endOnFailure: true });
    await expectNothingLeft(stage, sha256ById);
  });
});
