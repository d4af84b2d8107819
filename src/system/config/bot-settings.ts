import { z } from 'zod';
import { isBotId } from '../../base/ids.ts';
import { phoneNumber } from '../../protocol/frames.ts';
import { DEFAULT_LIMITS, DEFAULT_STRICT_HOLD_MS } from '../../queue/limits.ts';
import { atLeastOne, gatewayId, LOCAL_GATEWAY, milliseconds } from './atoms.ts';

/** The bots' actors stand beside these. */
export const ACTOR_NAMES: ReadonlySet<string> = new Set(['ingestion', 'workers', 'janitor']);

const limits = z.strictObject({
  maxMessages: atLeastOne
    .default(DEFAULT_LIMITS.maxMessages)
    .describe('Ready messages in one queue; the oldest beyond are evicted.'),
  maxCharacters: atLeastOne
    .default(DEFAULT_LIMITS.maxCharacters)
    .describe('Characters (UTF-16 units) of the ready messages in one queue.'),
  maxDays: z.number().min(1).default(DEFAULT_LIMITS.maxDays).describe('Age of a ready message in the queue.'),
  maxCharactersSingleMessage: atLeastOne
    .default(DEFAULT_LIMITS.maxCharactersSingleMessage)
    .describe('Longest text; what is longer is cut.'),
  maxCharactersMediaResult: atLeastOne
    .default(DEFAULT_LIMITS.maxCharactersMediaResult)
    .describe('Longest text out of one medium, caption included; the words are cut.'),
  maxPlaceholders: z
    .number()
    .int()
    .min(0)
    .default(DEFAULT_LIMITS.maxPlaceholders)
    .describe('Media of one queue that are not words yet; those beyond are not processed.'),
});

/** One bot's settings. */
export const bot = z.strictObject({
  id: z
    .string()
    .refine(isBotId, 'expected lower-case letters, digits and dashes, 64 at most')
    .describe('Lower-case letters, digits and dashes, 64 at most.'),
  gateway: gatewayId.default(LOCAL_GATEWAY).describe('The gateway that pairs it.'),
  limits: limits.prefault({}).describe("Of each chat's queue."),
  ordering: z
    .enum(['skip-pop', 'strict'])
    .default('skip-pop')
    .describe('`strict`: nothing overtakes a placeholder younger than `strictHoldMs`.'),
  strictHoldMs: milliseconds
    .default(DEFAULT_STRICT_HOLD_MS)
    .describe('How long a placeholder holds what came after it, with `ordering: strict`.'),
  mediaStorageQuotaGb: z
    .number()
    .positive()
    .default(25)
    .describe("Of the gateway's staging folder; fractions allowed.")
    .meta({ unit: 'GiB' }),
  groups: z.enum(['all', 'none']).default('all').describe('Whether messages of groups are taken.'),
  history: z
    .enum(['ignored', 'taken'])
    .default('ignored')
    .describe(
      'Whether the recent messages that WhatsApp sends to a newly linked device are taken: as backlog, in each chat oldest first, and before what is written from then on. It sends them once, when the phone is linked.',
    ),
  historySyncDays: z
    .number()
    .positive()
    .default(7)
    .describe('How old these may be, with `history: taken`; fractions allowed.')
    .meta({ unit: 'days' }),
  historyDays: atLeastOne
    .optional()
    .describe('How long its messages stay in the history; by default, as `historyDays` of all bots says.'),
  backlogReplies: z
    .enum(['held', 'sent'])
    .default('held')
    .describe(
      'Whether texts that answer what came while the bot was away, be it that they quote it or that whoever sends them says so, are sent, or fail as held back.',
    ),
  pairingPhone: phoneNumber
    .optional()
    .describe(
      "The account's own number, digits only, to link it by a code that is typed into its phone; by default a QR code is shown.",
    ),
});

export type BotSettings = z.infer<typeof bot>;

/** The settings that a bot was added with, out of its record. */
export const storedBotSettings = (text: string): z.ZodSafeParseResult<BotSettings> =>
  bot.safeParse(JSON.parse(text));
