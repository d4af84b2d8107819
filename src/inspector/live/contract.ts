import { z } from 'zod';
import { botView, poolView, stagingView } from '../../system/administration/views.ts';

/**
 * The live feed: `WebSocket /api/v1/events`, JSON text frames.
 *
 * The server tells the state, not its history: first one `snapshot`, then about twice a second an `update` with the parts
 * that changed since what this client was sent last. A client that reads slowly gets fewer updates and misses nothing;
 * one that reads nothing for half a minute is closed with 1013. What a client does with an update is to put its parts
 * over those it has: lists are whole, but for `chats.changed` (by `chat`) and `seconds` (to be appended).
 *
 * A browser proves itself by the subprotocol `bearer.<token, base64url>` beside `dragoman.v1`, for it cannot set headers;
 * other clients may send `Authorization: Bearer`. Without a token configured neither is needed.
 */
export const LIVE_PROTOCOL = 'dragoman.v1';

/** Bounds of what one client is sent. */
export const LIVE_LIMITS = { chats: 60, places: 20, previewCharacters: 120, seconds: 300 } as const;

const epochMs = z.number().int();
const count = z.number().int().min(0);

/** One message of a chat, where it stands. */
export const placeView = z.object({
  id: z.number().int(),
  kind: z.string().describe('text, or the kind of media: image, video, audio, document, sticker'),
  state: z.enum(['placeholder', 'ready', 'ingested', 'evicted']),
  failed: z.boolean().describe('Its words only say why there are none'),
  outgoing: z.boolean(),
  sender: z.string().nullable().describe('Display name, in groups'),
  preview: z.string().describe('The first characters of its content'),
  acceptedTime: epochMs,
  readyTime: epochMs.nullable(),
});

export const liveChatView = z.object({
  chat: z.string().describe('The digest that logs name it by; unique over all bots'),
  botId: z.string(),
  correspondentId: z.string(),
  title: z.string().nullable().describe("The group's or person's name; null when none came yet"),
  isGroup: z.boolean(),
  changedAt: epochMs,
  ready: count,
  placeholders: count,
  oldestPlaceholderTime: epochMs.nullable(),
  places: z.array(placeView).describe('The latest, oldest first; those before them are in the history'),
});

/** Over all chats of all bots, counted since this backend started but for what says "now". */
export const totalsView = z.object({
  startedAt: epochMs,
  accepted: count,
  duplicates: count,
  fulfilled: count,
  failed: count.describe('Of those fulfilled: media that did not become words'),
  ingested: count,
  evicted: count,
  waitingChats: count.describe('Chats whose queue is not empty now'),
  ready: count.describe('Ready messages in queues now'),
  placeholders: count.describe('Placeholders in queues now'),
  oldestPlaceholderTime: epochMs.nullable(),
});

/** What happened within one second. */
export const secondView = z.object({
  at: epochMs.describe('Its begin'),
  accepted: count,
  ingested: count,
  fulfilled: count,
  evicted: count,
  textMs: z
    .number()
    .nullable()
    .describe('From acceptance to the history: 95 of 100 texts took no longer. Null: none came'),
  mediaMs: z.number().nullable().describe('From acceptance to words: 95 of 100 media took no longer'),
});

export const snapshotFrame = z.object({
  type: z.literal('snapshot'),
  at: epochMs,
  bots: z.array(botView),
  pools: z.array(poolView),
  staging: stagingView,
  totals: totalsView,
  seconds: z
    .array(secondView)
    .describe('The last five minutes, oldest first; seconds in which nothing happened are left out'),
  chats: z.object({
    order: z.array(z.string()).describe('The digests of the chats in view, most recently changed first'),
    changed: z.array(liveChatView),
    total: count.describe('Chats that match, in view or not'),
  }),
});

/** What has not changed is not there. */
export const updateFrame = z.object({
  type: z.literal('update'),
  at: epochMs,
  bots: snapshotFrame.shape.bots.optional(),
  pools: snapshotFrame.shape.pools.optional(),
  staging: stagingView.optional(),
  totals: totalsView,
  seconds: z.array(secondView).describe('Those that ended since'),
  chats: snapshotFrame.shape.chats,
});

/** What the client wants to see. The answer is a new `snapshot`. */
export const viewFrame = z.strictObject({
  type: z.literal('view'),
  botId: z.string().max(64).optional(),
  search: z.string().max(100).optional().describe('In the names of chats, whatever their case'),
  offset: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('Chats before those in view, the latest first'),
  limit: z.number().int().min(1).max(LIVE_LIMITS.chats).default(30),
});

export type PlaceView = z.infer<typeof placeView>;
export type LiveChatView = z.infer<typeof liveChatView>;
export type TotalsView = z.infer<typeof totalsView>;
export type SecondView = z.infer<typeof secondView>;
export type SnapshotFrame = z.infer<typeof snapshotFrame>;
export type UpdateFrame = z.infer<typeof updateFrame>;
export type LiveView = Omit<z.infer<typeof viewFrame>, 'type'>;
