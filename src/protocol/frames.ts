import { z } from 'zod';
import { isBotId, isGuid } from '../base/ids.ts';
import { MEDIA_KINDS } from '../queue/media-kind.ts';

/**
 * The gateway–backend contract: JSON text frames over one WebSocket, each `{v: 1, type, …}` in snake_case.
 * Both sides decode with these schemas and nothing else. Unknown fields are dropped, so a peer may send more.
 */
export const PROTOCOL_VERSION = 1;

/** Bounds of the wire. The gateway cuts to them before it journals; the backend refuses what exceeds them. */
export const WIRE_LIMITS = {
  frameBytes: 256 * 1024,
  textCharacters: 64 * 1024,
  identifierCharacters: 256,
  filenameCharacters: 1_024,
  listItems: 256,
  bots: 1_000,
  guids: 5_000,
  /** Of a page: even with every character escaped they fit into a frame. */
  letters: 25,
  reasonCharacters: 1_024,
} as const;

const identifier = z.string().min(1).max(WIRE_LIMITS.identifierCharacters);
const text = z.string().max(WIRE_LIMITS.textCharacters);
const epochMs = z.number().int().nonnegative();
const seq = z.number().int().positive();
const reason = z.string().max(WIRE_LIMITS.reasonCharacters);
const botId = z.string().refine(isBotId, 'expected a bot id: lower-case letters, digits and dashes');
const guid = z.string().refine(isGuid, 'expected a lower-case UUID');
const mimeType = z.string().min(1).max(WIRE_LIMITS.identifierCharacters);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex');
const identifiers = z.array(identifier).max(WIRE_LIMITS.listItems);
export const mediaKind = z.enum(MEDIA_KINDS);

const wireMessage = z.object({
  provider_message_id: identifier,
  sender: identifier,
  message: text,
  direction: z.enum(['incoming', 'outgoing']),
  source: z.enum(['user', 'bot', 'user_outgoing']),
  originating_time: epochMs,
  /** When the gateway had it on its disk. */
  received_time: epochMs.optional(),
  display_name: z.string().max(WIRE_LIMITS.filenameCharacters).optional(),
  group: z
    .object({
      id: identifier,
      name: z.string().max(WIRE_LIMITS.filenameCharacters).optional(),
      alternate_identifiers: identifiers.optional(),
    })
    .optional(),
  alternate_identifiers: identifiers.optional(),
  recipient_id: identifier.optional(),
  actual_sender: identifier.optional(),
  media_processing_id: guid.optional(),
  mime_type: mimeType.optional(),
  original_filename: z.string().max(WIRE_LIMITS.filenameCharacters).optional(),
  quota_exceeded: z.boolean().optional(),
  media_state: z.enum(['staged', 'downloading']).optional(),
  quoted: z.object({ provider_message_id: identifier, text }).optional(),
  mentions: identifiers.optional(),
  album_id: identifier.optional(),
  edits_provider_message_id: identifier.optional(),
  backlog: z.boolean().optional(),
});

const envelope = { v: z.literal(PROTOCOL_VERSION) };
const frame = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ ...envelope, type: z.literal(type), ...shape });

const inbound = frame('inbound', { seq, bot_id: botId, provider_name: identifier, message: wireMessage });
const mediaStaged = frame('media.staged', {
  seq,
  guid,
  bytes: z.number().int().nonnegative(),
  sha256,
  mime_type: mimeType,
});
/** The kind has a field of its own: `type` is the frame's. */
const mediaCorrupt = frame('media.corrupt', {
  seq,
  guid,
  media_kind: mediaKind,
  quota_exceeded: z.boolean(),
  reason,
});
/** `ask_id`: of the `send` that it answers. */
const sent = frame('sent', {
  seq,
  bot_id: botId,
  request_id: identifier,
  ask_id: identifier.optional(),
  provider_message_id: identifier,
  originating_time: epochMs,
});
const sendFailed = frame('send.failed', {
  seq,
  bot_id: botId,
  request_id: identifier,
  ask_id: identifier.optional(),
  reason,
});

const sendDeclined = frame('send.declined', {
  bot_id: botId,
  request_id: identifier,
  ask_id: identifier,
  reason,
});

/** Frames that change durable state: each carries a seq and is acked once it is durable. */
const durableFrame = z.discriminatedUnion('type', [inbound, mediaStaged, mediaCorrupt, sent, sendFailed]);

const durableType = z.enum(['inbound', 'media.staged', 'media.corrupt', 'sent', 'send.failed']);

/** A frame that the backend refused for good, and that its gateway keeps. */
const deadLetter = z.object({
  /** Its place in the sequence when it was refused. */
  seq,
  /** Null for what is no frame at all. */
  type: durableType.nullable(),
  /** Null where the frame names none. */
  bot_id: botId.nullable(),
  code: identifier,
  reason,
  died_at: epochMs,
});

/** `state` of a bot's session with its provider. */
export const BOT_STATES = ['connecting', 'pairing', 'open', 'closed', 'logged_out', 'stopped'] as const;

export const gatewayFrame = z.discriminatedUnion('type', [
  frame('hello', { gateway_id: identifier, bots: z.array(botId).max(WIRE_LIMITS.bots) }),
  ...durableFrame.options,
  frame('bot.status', {
    bot_id: botId,
    state: z.enum(BOT_STATES),
    qr: z.string().max(4_096).optional(),
    detail: reason.optional(),
  }),
  /** Nothing comes of this asking for a text: nothing of it is durable, and it may be asked for again later. */
  sendDeclined,
  /** `unacked`: how many frames wait for an ack. `request_id`: of the question. */
  frame('media.held', {
    guids: z.array(guid).max(WIRE_LIMITS.guids),
    unacked: z.number().int().nonnegative().optional(),
    request_id: identifier.optional(),
  }),
  /** `next`: `after` of the next page; left out: there is none. */
  frame('letters.listed', {
    request_id: identifier,
    letters: z.array(deadLetter).max(WIRE_LIMITS.letters),
    next: seq.optional(),
  }),
  /** `waits_as`: the seq that it has now, if it was retried; `reason`: why it is hopeless. */
  frame('letters.retried', {
    request_id: identifier,
    outcome: z.enum(['retried', 'hopeless', 'not_found']),
    waits_as: seq.optional(),
    reason: reason.optional(),
  }),
]);

/** E.164 without the plus. */
export const phoneNumber = z
  .string()
  .regex(/^[1-9]\d{6,14}$/, 'expected a phone number: digits only, country code first');

/** What a bot's gateway is told of it. Left out: as the backend would have it by default. */
export const botConfig = z.object({
  media_storage_quota_gb: z.number().positive(),
  groups: z.enum(['all', 'none']).optional(),
  /** How old messages of the phone's history may be that are taken when the bot is linked; left out: none is. */
  history_sync_days: z.number().positive().optional(),
  /** The account to link by a code that is typed into its phone; left out: by a QR code. */
  pairing_phone: phoneNumber.optional(),
  /** Whether a text may quote what came while the bot was away; left out: not. */
  backlog_replies: z.enum(['held', 'sent']).optional(),
});

export const backendFrame = z.discriminatedUnion('type', [
  frame('ack', { seq }),
  frame('nack', { seq, code: identifier, reason }),
  /** `seq`: of the frame that is in error, which is not to be sent again over this link. `bot_id`: whom it is about. */
  frame('error', { code: identifier, reason, seq: seq.optional(), bot_id: botId.optional() }),
  frame('bot.start', { bot_id: botId, config: botConfig }),
  /** `forget`: the bot is this gateway's no more; its credentials go. */
  frame('bot.stop', { bot_id: botId, forget: z.boolean().optional() }),
  frame('send', {
    request_id: identifier,
    /** Tells this asking for a request from an earlier one, which nobody waits for any more. */
    ask_id: identifier.optional(),
    /** Whether `send.declined` is understood. */
    may_be_declined: z.boolean().optional(),
    bot_id: botId,
    to: identifier,
    text: text.min(1),
    quoted: z.object({ provider_message_id: identifier, text }).optional(),
    /** The message that it answers, whether or not it quotes one. */
    answers_provider_message_id: identifier.optional(),
    /** Whoever asks knows that it answers what came while the bot was away. */
    answers_backlog: z.boolean().optional(),
  }),
  frame('media.released', { guid }),
  /** Which of these the gateway still needs; `media.held` answers. */
  frame('media.holds', {
    guids: z.array(guid).max(WIRE_LIMITS.guids),
    request_id: identifier.optional(),
  }),
  /** The gateway's dead letters, oldest first, with a seq above `after`; `letters.listed` answers. */
  frame('letters.list', {
    request_id: identifier,
    after: seq.optional(),
    limit: z.number().int().positive().max(WIRE_LIMITS.letters),
  }),
  /** Sends a dead letter once more, behind everything that waits; `letters.retried` answers. */
  frame('letters.retry', { request_id: identifier, letter_seq: seq }),
]);

export type MediaKind = z.infer<typeof mediaKind>;
export type WireMessage = z.infer<typeof wireMessage>;
export type BotConfig = z.infer<typeof botConfig>;
export type BotState = (typeof BOT_STATES)[number];
export type DurableFrame = z.infer<typeof durableFrame>;
export type GatewayFrame = z.infer<typeof gatewayFrame>;
export type BackendFrame = z.infer<typeof backendFrame>;
export type SendFrame = Extract<BackendFrame, { type: 'send' }>;
export type InboundFrame = z.infer<typeof inbound>;
/** What the backend asks, and what its gateway answers. */
export type QuestionFrame = Extract<BackendFrame, { type: 'media.holds' | 'letters.list' | 'letters.retry' }>;
export type AnswerFrame = Extract<
  GatewayFrame,
  { type: 'media.held' | 'letters.listed' | 'letters.retried' }
>;
export type SendDeclinedFrame = z.infer<typeof sendDeclined>;
export type MediaStagedFrame = z.infer<typeof mediaStaged>;
export type MediaCorruptFrame = z.infer<typeof mediaCorrupt>;

export type WithoutVersion<F> = F extends unknown ? Omit<F, 'v'> : never;
/** A frame before it is encoded. */
export type GatewayFrameBody = WithoutVersion<GatewayFrame>;
export type BackendFrameBody = WithoutVersion<BackendFrame>;
