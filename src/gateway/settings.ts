import { z } from 'zod';
import { MIB } from '../base/units.ts';

const positiveInt = z.number().int().positive();
const atLeastZero = z.number().int().min(0);

/** What an operator may set on a gateway. Times in milliseconds, sizes in bytes unless the name says otherwise. */
export const gatewaySettings = z
  .strictObject({
    maxFileBytes: positiveInt
      .default(100 * MIB)
      .describe('Longest file that is downloaded, counted while it arrives.'),
    idleTimeoutMs: positiveInt
      .default(30_000)
      .describe('A download that brings no byte for this long is given up.'),
    downloadTimeoutMs: positiveInt
      .default(10 * 60_000)
      .describe('A download that is not done by then is given up.'),
    reuploadTimeoutMs: positiveInt
      .default(20_000)
      .describe("How long the sender's phone may take to upload a medium again."),
    maxConcurrentDownloads: positiveInt
      .default(8)
      .describe(
        'Downloads at a time, without those that turn out to be slow; no bot has more than all but one of them.',
      ),
    slowDownloadMs: positiveInt
      .default(3_000)
      .describe(
        'A download that takes longer is slow: when others wait, it goes on beside them, or waits until it may.',
      ),
    maxSlowDownloads: positiveInt
      .default(24)
      .describe('Slow downloads at a time, beside the others; no bot has more than all but one of them.'),
    maxConcurrentDownloadsPerChat: positiveInt
      .default(2)
      .describe('Of one chat, so that a busy chat leaves room for the others.'),
    mediaStorageQuotaGb: z
      .number()
      .positive()
      .default(25)
      .describe("Of the staging folder, until a backend's `bot.start` says otherwise; fractions allowed.")
      .meta({ unit: 'GiB' }),
    undecryptableWaitMs: positiveInt
      .default(120_000)
      .describe(
        'How long a message that cannot be decrypted waits for its content before it is announced without.',
      ),
    journalSoftBytes: positiveInt
      .default(64 * MIB)
      .describe(
        'Unacked frames beyond this pause the downloads, and end the sockets of those bots that have more than their share of `journalHardBytes`.',
      ),
    journalHardBytes: positiveInt
      .default(128 * MIB)
      .describe(
        'Unacked frames beyond this end the sockets of all bots, so that the provider keeps what comes.',
      ),
    maxDeadLetters: positiveInt
      .default(10_000)
      .describe(
        'Frames that the backend refused for good; those beyond are dropped, the oldest of the bot that has most.',
      ),
    maxDeadLetterBytes: positiveInt.default(64 * MIB).describe('The same in bytes.'),
    deadLetterDays: positiveInt.default(30).describe('How long such a frame is kept.'),
    seenDays: positiveInt
      .default(14)
      .describe('How long a message received is remembered, so that a second delivery of it is ignored.'),
    sendTimeoutMs: positiveInt
      .default(60_000)
      .describe('How long sending a text may take once it is its turn, typing included.'),
    sendsPerMinute: positiveInt.default(20).describe('Texts of one bot in any minute; those beyond wait.'),
    sendJitterMs: atLeastZero
      .default(1_000)
      .describe('Before each text the bot waits up to this long, by chance.'),
    typingMsPerCharacter: atLeastZero
      .default(30)
      .describe('For how long the bot shows that it types before a text, per character; 0: never.')
      .meta({ unit: 'ms' }),
    longestTypingMs: atLeastZero.default(3_000).describe('Longest typing shown before a text.'),
    stopTimeoutMs: positiveInt
      .default(10_000)
      .describe('How long stopping may take before what still runs is left behind.'),
  })
  .refine(
    (settings) => settings.journalSoftBytes < settings.journalHardBytes,
    'expected journalSoftBytes below journalHardBytes',
  );

export type GatewaySettings = z.infer<typeof gatewaySettings>;
