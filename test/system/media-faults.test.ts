import { describe, expect, test } from 'vitest';
import type { MediaKind } from '../../src/queue/media-kind.ts';
import type { Content } from '../../src/simulator/content.ts';
import type { MediaFault, OneMediaFault } from '../../src/simulator/media-fault.ts';
import { uploaded } from '../support/crafted-media.ts';
import { MediaStage, type MediaEnd, type Phone, SHORT_DEADLINES } from '../support/media-stage.ts';

const FILE_BYTES = 20_000;
const MAX_FILE_BYTES = SHORT_DEADLINES.maxFileBytes ?? 0;

interface Case {
  readonly fault: MediaFault;
  /** Default: it answers. */
  readonly phone?: Phone;
  /** Why it is corrupt; left out: it is staged. */
  readonly reason?: string;
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
  '404, the phone says not found': { fault: status(404), phone: 'refuses', reason: 'gone' },
  '410, the phone is offline': { fault: status(410), phone: 'is offline', reason: 'gone' },
  '404 once, the phone is offline': { fault: [status(404)], phone: 'is offline' },
  '429 once': { fault: [status(429, { retryAfterSeconds: 1 })] },
  '429': { fault: status(429), reason: 'http: status 429' },
  '500 twice': { fault: [status(500), status(500)] },
  '500': { fault: status(500), reason: 'http: status 500' },
  'a reset mid-body, once': { fault: [{ kind: 'reset' }] },
  'a reset mid-body': { fault: { kind: 'reset' }, reason: 'network' },
  'a reset before any byte': { fault: { kind: 'reset', afterBytes: 0 }, reason: 'network' },
  'a stall, once': { fault: [{ kind: 'stall' }] },
  'a stall': { fault: { kind: 'stall' }, reason: 'idle' },
  'a stall before any byte': { fault: { kind: 'stall', afterBytes: 0 }, reason: 'idle' },
  'a slow drip': { fault: { kind: 'drip', bytesPerSecond: 100 }, reason: 'timeout' },
  'a drip that is fast enough': { fault: { kind: 'drip', bytesPerSecond: 40_000 } },
  'a truncation': { fault: { kind: 'truncate', afterBytes: 12_345 }, reason: 'truncated' },
  'a truncation between blocks': {
    fault: { kind: 'truncate', afterBytes: 4_096 + 10 },
    reason: 'bad_mac',
  },
  'a truncation, once': { fault: [{ kind: 'truncate', afterBytes: 1 }] },
  'a bit flip': { fault: { kind: 'flip_bit' }, reason: 'bad_mac' },
  'a bit flip, once': { fault: [{ kind: 'flip_bit', atByte: 0 }] },
  'a wrong hash': { fault: { kind: 'wrong_hash' }, reason: 'bad_hash' },
  'an empty body': { fault: { kind: 'empty' }, reason: 'truncated' },
  'an empty body, once': { fault: [{ kind: 'empty' }] },
  'a length below the truth': {
    fault: { kind: 'content_length', bytes: 1_000 },
    reason: '(truncated|network)',
  },
  'a length above the truth': { fault: { kind: 'content_length', bytes: 50_000 }, reason: 'network' },
  'a length above the cap': { fault: { kind: 'content_length', bytes: 10 ** 10 }, reason: 'too_large' },
  'an endless body': { fault: { kind: 'endless' }, reason: 'too_large' },
  'a redirect': {
    fault: { kind: 'redirect', location: 'http://127.0.0.1:9/' },
    reason: 'http: status 302',
  },
  'everything, one after another': { fault: [{ kind: 'reset' }, { kind: 'flip_bit' }] },
};

/** The kinds of media in turn, so that each kind meets faults. */
function contentOf(fault: MediaFault, index: number): readonly [MediaKind, Content] {
  const image = ['image', { image: FILE_BYTES, caption: 'c', fault }] as const;
  const kinds: readonly (readonly [MediaKind, Content])[] = [
    image,
    ['audio', { voice: FILE_BYTES, fault }],
    ['video', { video: FILE_BYTES, fault }],
    ['document', { document: FILE_BYTES, fault }],
    ['sticker', { sticker: FILE_BYTES, fault }],
  ];
  return kinds[index % kinds.length] ?? image;
}

/** An end in words: `staged <sha256>`, or `corrupt <kind>: <reason>`. */
const wordsOf = (end: MediaEnd): string =>
  end.type === 'media.staged' ? `staged ${end.sha256}` : `corrupt ${end.media_kind}: ${end.reason}`;

describe('media that do not', () => {
  test('each fault ends with the right file or the right corruption, and leaves nothing half done', async () => {
    const stage = await MediaStage.start();
    const played = await Promise.all(
      Object.entries(CASES).map(async ([name, { fault, phone = 'answers', reason }], index) => {
        const [kind, content] = contentOf(fault, index);
        const sent = await stage.simulator.say(name, content, { bot: stage.numberOf(phone) });
        const wanted = reason === undefined ? `^staged ${sent.sha256}$` : `^corrupt ${kind}: ${reason}`;
        return { name, sent, wanted: new RegExp(wanted) };
      }),
    );
    for (const { name, sent, wanted } of played) {
      expect(wordsOf((await stage.storyOf(sent)).end), name).toMatch(wanted);
    }
    expect(await stage.problems(played.map(({ sent }) => sent))).toEqual([]);
  });

  test('a round video that the host has no more is uploaded again', async () => {
    const stage = await MediaStage.start();
    const node = await uploaded(stage.simulator, Buffer.from('round'), 'ptv', status(404));
    const sent = await stage.simulator.say('Ana', { message: { ptvMessage: node } });
    expect((await stage.storyOf(sent)).end.type).toBe('media.staged');
    expect(stage.simulator.events.of('reupload')).toMatchObject([{ outcome: 'success' }]);
    expect(await stage.problems([sent])).toEqual([]);
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
    expect(await stage.problems(sent)).toEqual([]);
  });
});
