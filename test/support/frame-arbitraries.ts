import fc from 'fast-check';
import { encodeFrame } from '../../src/protocol/codec.ts';
import {
  type BackendFrameBody,
  type GatewayFrameBody,
  WIRE_LIMITS,
  type WireMessage,
} from '../../src/protocol/frames.ts';
import { MEDIA_KINDS } from '../../src/queue/media-kind.ts';

type FrameBody = GatewayFrameBody | BackendFrameBody;

/** Mostly short; now and then as long as is allowed, whose UTF-8 may be three times that. */
const textUpTo = (maxCharacters: number, minCharacters = 0): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 30, arbitrary: fc.string({ unit: 'binary', minLength: minCharacters, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constantFrom('x', 'é', '語').map((unit) => unit.repeat(maxCharacters)) },
  );

const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const identifier = textUpTo(WIRE_LIMITS.identifierCharacters, 1);
const identifiers = fc.array(identifier, { maxLength: 4 });
/** One that is at its bound alone still leaves its frame within the frame's bound. */
const text = textUpTo(WIRE_LIMITS.textCharacters);
const name = textUpTo(WIRE_LIMITS.filenameCharacters);
const reason = textUpTo(WIRE_LIMITS.reasonCharacters);
const natural = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER));
const seq = natural.map((number) => Math.max(number, 1));
const guid = fc.uuid({ version: [1, 4, 7] });
const guids = fc.array(guid, { maxLength: 8 });
const botId = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,63}$/);
const quoted = fc.record({ provider_message_id: identifier, text });

const message: fc.Arbitrary<WireMessage> = fc
  .record({
    provider_message_id: identifier,
    sender: identifier,
    message: text,
    direction: fc.constantFrom('incoming', 'outgoing'),
    source: fc.constantFrom('user', 'bot', 'user_outgoing'),
    originating_time: natural,
    received_time: optional(natural),
    display_name: optional(name),
    group: optional(
      fc.record({ id: identifier, name: optional(name), alternate_identifiers: optional(identifiers) }),
    ),
    alternate_identifiers: optional(identifiers),
    recipient_id: optional(identifier),
    actual_sender: optional(identifier),
    media_processing_id: optional(guid),
    mime_type: optional(identifier),
    original_filename: optional(name),
    quota_exceeded: optional(fc.boolean()),
    media_state: optional(fc.constantFrom('staged', 'downloading')),
    quoted: optional(quoted),
    mentions: optional(identifiers),
    album_id: optional(identifier),
    edits_provider_message_id: optional(identifier),
    backlog: optional(fc.boolean()),
  })
  .map(withoutUndefined);

const deadLetter = fc.record({
  seq,
  type: fc.constantFrom('inbound', 'media.staged', 'media.corrupt', 'sent', 'send.failed', null),
  bot_id: fc.option(botId),
  code: identifier,
  reason,
  died_at: natural,
});

const gatewayFrameBody: fc.Arbitrary<GatewayFrameBody> = fc.oneof(
  fc.record({
    type: fc.constant('hello'),
    gateway_id: identifier,
    bots: fc.array(botId, { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('inbound'), seq, bot_id: botId, provider_name: identifier, message }),
  fc.record({
    type: fc.constant('media.staged'),
    seq,
    guid,
    bytes: natural,
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    mime_type: identifier,
  }),
  fc.record({
    type: fc.constant('media.corrupt'),
    seq,
    guid,
    media_kind: fc.constantFrom(...MEDIA_KINDS),
    quota_exceeded: fc.boolean(),
    reason,
  }),
  fc
    .record({
      type: fc.constant('sent'),
      seq,
      bot_id: botId,
      request_id: identifier,
      ask_id: optional(identifier),
      provider_message_id: identifier,
      originating_time: natural,
    })
    .map(withoutUndefined),
  fc
    .record({
      type: fc.constant('send.failed'),
      seq,
      bot_id: botId,
      request_id: identifier,
      ask_id: optional(identifier),
      reason,
    })
    .map(withoutUndefined),
  fc
    .record({
      type: fc.constant('bot.status'),
      bot_id: botId,
      state: fc.constantFrom('connecting', 'pairing', 'open', 'closed', 'logged_out', 'stopped'),
      qr: optional(textUpTo(4_096)),
      detail: optional(reason),
    })
    .map(withoutUndefined),
  fc
    .record({
      type: fc.constant('media.held'),
      guids,
      unacked: optional(natural),
      request_id: optional(identifier),
    })
    .map(withoutUndefined),
  fc.record({
    type: fc.constant('send.declined'),
    bot_id: botId,
    request_id: identifier,
    ask_id: identifier,
    reason,
  }),
  fc
    .record({
      type: fc.constant('letters.listed'),
      request_id: identifier,
      letters: fc.array(deadLetter, { maxLength: 3 }),
      next: optional(seq),
    })
    .map(withoutUndefined),
  fc
    .record({
      type: fc.constant('letters.retried'),
      request_id: identifier,
      outcome: fc.constantFrom('retried', 'hopeless', 'not_found'),
      waits_as: optional(seq),
      reason: optional(reason),
    })
    .map(withoutUndefined),
);

const backendFrameBody: fc.Arbitrary<BackendFrameBody> = fc.oneof(
  fc.record({ type: fc.constant('ack'), seq }),
  fc.record({ type: fc.constant('nack'), seq, code: identifier, reason }),
  fc
    .record({
      type: fc.constant('error'),
      code: identifier,
      reason,
      seq: optional(seq),
      bot_id: optional(botId),
    })
    .map(withoutUndefined),
  fc.record({
    type: fc.constant('bot.start'),
    bot_id: botId,
    config: fc
      .record({
        media_storage_quota_gb: fc.double({ min: 1e-9, max: 1e6, noNaN: true }),
        groups: optional(fc.constantFrom('all', 'none')),
        pairing_phone: optional(fc.stringMatching(/^[1-9]\d{6,14}$/)),
        backlog_replies: optional(fc.constantFrom('held', 'sent')),
      })
      .map(withoutUndefined),
  }),
  fc
    .record({ type: fc.constant('bot.stop'), bot_id: botId, forget: optional(fc.boolean()) })
    .map(withoutUndefined),
  fc
    .record({
      type: fc.constant('send'),
      request_id: identifier,
      ask_id: optional(identifier),
      bot_id: botId,
      to: identifier,
      text: textUpTo(WIRE_LIMITS.textCharacters, 1),
      quoted: optional(quoted),
      answers_provider_message_id: optional(identifier),
      answers_backlog: optional(fc.boolean()),
    })
    .map(withoutUndefined),
  fc.record({ type: fc.constant('media.released'), guid }),
  fc
    .record({ type: fc.constant('media.holds'), guids, request_id: optional(identifier) })
    .map(withoutUndefined),
  fc
    .record({
      type: fc.constant('letters.list'),
      request_id: identifier,
      after: optional(seq),
      limit: fc.integer({ min: 1, max: WIRE_LIMITS.letters }),
    })
    .map(withoutUndefined),
  fc.record({ type: fc.constant('letters.retry'), request_id: identifier, letter_seq: seq }),
);

const fitsTheWire = (body: FrameBody): boolean =>
  Buffer.byteLength(encodeFrame(body)) <= WIRE_LIMITS.frameBytes;

/** Everything that a gateway may say. */
export const gatewayFrames = gatewayFrameBody.filter(fitsTheWire);
/** Everything that a backend may say. */
export const backendFrames = backendFrameBody.filter(fitsTheWire);

/** What no field of any frame may hold, and some that only look wrong. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    -1,
    0,
    -0,
    0.5,
    Number.MAX_SAFE_INTEGER + 1,
    [],
    {},
    [[[[]]]],
    true,
    '__proto__',
    '../../etc/passwd',
    '\0',
    '\uD800',
  ),
  fc.constantFrom(256, 257, 1_024, 1_025, 4_097, 65_536, 65_537).map((length) => 'x'.repeat(length)),
  fc.constantFrom(257, 1_001, 5_001).map((length) => Array.from({ length }, () => 'x')),
  fc.jsonValue(),
);

type Replacement = { readonly turns: readonly number[]; readonly value: unknown; readonly remove: boolean };

const replacement: fc.Arbitrary<Replacement> = fc.record({
  turns: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 4 }),
  value: oddValue,
  remove: fc.boolean(),
});

/** Walks into `json` by `turns`, and replaces or removes what it comes to. */
function replaced(json: unknown, { turns, value, remove }: Replacement): unknown {
  const [turn = 0, ...deeper] = turns;
  if (typeof json !== 'object' || json === null) return value;
  const keys = Object.keys(json);
  const key = keys[turn % (keys.length + 1)] ?? 'unheard_of';
  const next: Record<string, unknown> = { ...json };
  if (deeper.length > 0 && typeof next[key] === 'object')
    next[key] = replaced(next[key], { turns: deeper, value, remove });
  else if (remove) delete next[key];
  else next[key] = value;
  return Array.isArray(json) ? Object.values(next) : next;
}

/** What a WebSocket carries in one piece: well-formed, and within the frame's bound. */
export const sendable = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  texts.map((raw) => raw.toWellFormed()).filter((raw) => Buffer.byteLength(raw) <= WIRE_LIMITS.frameBytes);

/** A few characters gone, doubled, or put in. */
const cut = fc.record({ at: fc.nat(), length: fc.nat({ max: 20 }), put: fc.string({ maxLength: 10 }) });
type Cut = typeof cut extends fc.Arbitrary<infer C> ? C : never;

const spliced = (raw: string, { at, length, put }: Cut): string => {
  const from = at % (raw.length + 1);
  return raw.slice(0, from) + put + raw.slice(from + length);
};

/** Texts as a peer may send them that is broken or malicious: some of them are frames all the same. */
export const mutatedTexts = (frames: fc.Arbitrary<FrameBody>): fc.Arbitrary<string> => {
  const encoded = frames.map(encodeFrame);
  return fc.oneof(
    { weight: 2, arbitrary: encoded },
    {
      weight: 6,
      arbitrary: fc
        .tuple(encoded, fc.array(replacement, { minLength: 1, maxLength: 3 }))
        .map(([raw, replacements]) => JSON.stringify(replacements.reduce(replaced, JSON.parse(raw)))),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(encoded, fc.array(cut, { minLength: 1, maxLength: 3 }))
        .map(([raw, cuts]) => cuts.reduce(spliced, raw)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(encoded, encoded).map(([one, other]) => one.slice(0, -1) + ',' + other.slice(1)),
    },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.nat({ max: 50_000 }).map((depth) => '['.repeat(depth)) },
  );
};

function withoutUndefined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  ) as { [K in keyof T]: Exclude<T[K], undefined> };
}
