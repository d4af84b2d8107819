import { z } from 'zod';
import { JOB_COLLECTIONS, JOB_STATUSES } from '../../jobs/job.ts';
import { JOURNEY_STEPS } from '../../jobs/journey.ts';
import { BOT_STATES } from '../../protocol/frames.ts';

/**
 * What an operator is shown, over HTTP and on the command line. Times are epoch milliseconds; null is "not there".
 * The schemas are the API's documentation, so each field that its name does not explain has a description.
 */

const epochMs = z.number().int();
const count = z.number().int().min(0);

export const botView = z.object({
  botId: z.string(),
  gatewayId: z.string().describe('The gateway that this bot is bound to'),
  linked: z.boolean().describe('Whether that gateway is connected to the backend'),
  stopped: z.boolean().describe('Whether its operator has stopped it'),
  state: z.enum(BOT_STATES).describe('What the gateway said last'),
  detail: z.string().nullable(),
  qr: z.string().nullable().describe('The text of the QR code to scan while the bot waits for its phone'),
});

export const gatewayView = z.object({
  gatewayId: z.string(),
  linked: z.boolean().describe('Whether it is connected to the backend'),
});

export const deadLetterView = z.object({
  seq: z.number().int().describe('Its place in the sequence of its gateway when it was refused'),
  type: z.string().nullable().describe('Of the frame; null for what is none'),
  botId: z.string().nullable().describe('Null where the frame names none'),
  code: z.string(),
  reason: z.string(),
  diedAt: epochMs,
});

export const resentLetterView = z.object({
  waitsAs: z.number().int().describe('The seq that it has now, behind everything that waits'),
});

export const chatView = z.object({
  botId: z.string(),
  providerName: z.string(),
  correspondentId: z.string(),
  chat: z.string().describe('The digest that logs and actor paths name this chat by'),
  title: z
    .string()
    .nullable()
    .describe(
      "The group's or person's name, as the latest messages in the history tell it; null: they tell none",
    ),
  aliases: z.array(z.string()),
  createdAt: epochMs,
  nextId: count.describe('The place of the next message; above those of every forgotten chat'),
  nextIngestSeq: count.describe('The `ingestSeq` of the next entry in the history, likewise'),
});

export const messageView = z.object({
  id: z.number().int().describe('Its place in the chat'),
  content: z.string(),
  sender: z.object({
    identifier: z.string(),
    displayName: z.string().nullable(),
    alternateIdentifiers: z.array(z.string()),
  }),
  source: z.enum(['user', 'bot', 'user_outgoing']),
  direction: z.enum(['incoming', 'outgoing']),
  acceptedTime: epochMs,
  readyTime: epochMs.nullable().describe('Null while it is a placeholder'),
  originatingTime: epochMs.nullable(),
  receivedTime: epochMs.nullable().describe('When the gateway had it on its disk'),
  mediaTimes: z
    .object({
      stagedAt: epochMs.nullable(),
      claimedAt: epochMs.nullable(),
      completedAt: epochMs.nullable(),
    })
    .nullable()
    .describe('What its medium went through; null for a text, and while it is a placeholder'),
  messageSize: count,
  group: z.object({ id: z.string(), name: z.string().nullable() }).nullable(),
  providerMessageId: z.string().nullable(),
  mediaProcessingId: z.string().nullable().describe('The GUID of media that is not words yet'),
  mimeType: z.string().nullable(),
  originalFilename: z.string().nullable(),
  quoted: z.object({ providerMessageId: z.string(), text: z.string() }).nullable(),
  mentions: z.array(z.string()),
  albumId: z.string().nullable(),
  editsProviderMessageId: z.string().nullable(),
  correctsId: z.number().int().nullable(),
  backlog: z.boolean(),
});

export const historyView = z.object({
  ingestSeq: z.number().int(),
  ingestedAt: epochMs,
  message: messageView,
});

export const journeyView = z.object({
  message: messageView,
  stops: z
    .array(
      z.object({
        step: z.enum(JOURNEY_STEPS),
        at: epochMs,
        tookMs: count.nullable().describe('Since the stop before it; null for the first'),
      }),
    )
    .describe('In order; a step that is not known to have been made is not there'),
  next: z.enum(JOURNEY_STEPS).nullable().describe('Null once it is in the history'),
  tookMs: count.describe('From its arrival here to the last stop'),
  job: z
    .object({ guid: z.string(), attempts: count, pool: z.string().nullable() })
    .nullable()
    .describe('Of a placeholder: what is to turn it into words'),
});

export const jobView = z.object({
  guid: z.string(),
  correspondent: z.object({
    botId: z.string(),
    providerName: z.string(),
    correspondentId: z.string(),
  }),
  messageId: z.number().int().describe('The place of its placeholder'),
  caption: z.string(),
  collection: z.enum(JOB_COLLECTIONS),
  status: z.enum(JOB_STATUSES),
  mimeType: z.string(),
  pool: z.string().nullable(),
  originalFilename: z.string().nullable(),
  result: z.string().nullable().describe('The words, without brackets or caption'),
  error: z.object({ code: z.string(), reason: z.string(), stack: z.string().nullable() }).nullable(),
  attempts: count,
  leaseExpiresAt: epochMs.nullable().describe("By the store's clock, which may differ from this host's"),
  availableAt: epochMs.nullable().describe('When a waiting job may be tried again'),
  seq: z.number().int().describe('Arrival order'),
  createdAt: epochMs,
  changedAt: epochMs,
  media: z.object({
    bytes: count.nullable(),
    sha256: z.string().nullable(),
    quotaExceeded: z.boolean(),
    corruptReason: z.string().nullable(),
    gatewayId: z.string(),
  }),
});

export const retriedJobView = z.object({
  guid: z.string(),
  messageId: z.number().int().describe('The place of the message that its words will be'),
  correctsId: z.number().int().describe('The place of the message that said that it failed'),
});

export const poolView = z.object({
  name: z.string(),
  mimeTypes: z.array(z.string()).describe('Empty for the one that takes every other type'),
  processor: z.string(),
  workers: count.describe('Of one process'),
  busy: count.describe('Workers of the backend that have a job in hand'),
  timeoutMs: count,
  pending: count.describe('Claimable now'),
  waiting: count.describe('In back-off'),
  inProgress: count,
  held: count.describe('Of bots that are not connected'),
  failed: count.describe('Failed jobs'),
  oldestPendingMs: count.nullable(),
  donePerMinute: z
    .number()
    .min(0)
    .describe(
      'Jobs that came to their end, a minute, over the last five; since the start where that is less',
    ),
  shares: z
    .array(z.object({ botId: z.string(), served: count }))
    .describe('Jobs of each bot that came to their end in the last five minutes, the most first'),
});

export const poolLoadView = z.object({ pool: z.string(), busy: count, idle: count });

export const stagingView = z.object({
  files: count,
  bytes: count,
  partial: count,
  limitBytes: count.describe('What the gateways of all bots may fill at the most, each its own folder'),
});

const actorFields = {
  kind: z.string(),
  depth: count.describe('Messages that wait'),
  handled: count,
  failed: count,
  restarts: count,
};

export const actorView = z.object({
  ...actorFields,
  path: z.string(),
  outstanding: count.describe('Replies that are promised'),
  oldestWaitingMs: z.number().nullable(),
  busyMs: z.number().nullable().describe('How long the message in hand has been'),
  detail: z.record(z.string(), z.unknown()).describe('What the actor tells of itself: of a chat, its queue'),
  hiddenChildren: count.describe('Children that are not shown: those with the least to do'),
  level: count.describe('0 for the root; its children follow it, one level deeper'),
});

export const actorKindView = z.object({
  ...actorFields,
  actors: count,
  oldestWaitingMs: z.number(),
});

export const janitorView = z.object({
  staleJobCount: count,
  oldFailedJobCount: count.describe('Records of media that failed, to be pruned'),
  staleJobs: z
    .array(
      z.object({
        guid: z.string(),
        botId: z.string(),
        pool: z.string().nullable(),
        status: jobView.shape.status,
        collection: jobView.shape.collection,
        changedAt: epochMs,
      }),
    )
    .describe('The first ones'),
  files: z
    .array(z.object({ fate: z.enum(['goes', 'stays']), why: z.string(), files: count, bytes: count }))
    .describe('What becomes of the files of the staging folders, and why'),
  goingFiles: z
    .array(z.object({ guid: z.string(), bytes: count, why: z.string() }))
    .describe('The first ones'),
  histories: z
    .array(z.object({ botId: z.string(), before: epochMs }))
    .describe('What was ingested before then is pruned'),
});

export const sentView = z.object({ requestId: z.string(), providerMessageId: z.string() });

export type ActorView = z.infer<typeof actorView>;
export type ActorKindView = z.infer<typeof actorKindView>;
export type GatewayView = z.infer<typeof gatewayView>;
export type DeadLetterView = z.infer<typeof deadLetterView>;
export type ResentLetterView = z.infer<typeof resentLetterView>;
export type BotView = z.infer<typeof botView>;
export type ChatView = z.infer<typeof chatView>;
export type MessageView = z.infer<typeof messageView>;
export type HistoryView = z.infer<typeof historyView>;
export type JourneyView = z.infer<typeof journeyView>;
export type JobView = z.infer<typeof jobView>;
export type RetriedJobView = z.infer<typeof retriedJobView>;
export type JanitorView = z.infer<typeof janitorView>;
export type PoolLoadView = z.infer<typeof poolLoadView>;
export type PoolView = z.infer<typeof poolView>;
export type StagingView = z.infer<typeof stagingView>;
