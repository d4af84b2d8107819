import { z } from 'zod';

const positiveInt = z.number().int().positive();
const atLeastZero = z.number().int().min(0);
const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** What an operator may set on a gateway. Times in milliseconds, sizes in bytes unless the name says otherwise. */
export const gatewaySettings = z
  .strictObject({
    /** Longest file that is downloaded, counted while it arrives. */
    maxFileBytes: positiveInt.default(100 * MIB),
    /** A download that brings no byte for this long is given up. */
    idleTimeoutMs: positiveInt.default(30_000),
    /** A download that is not done by then is given up. */
    downloadTimeoutMs: positiveInt.default(10 * 60_000),
    /** How long the sender's phone may take to upload a medium again. */
    reuploadTimeoutMs: positiveInt.default(20_000),
    maxConcurrentDownloads: positiveInt.default(8),
    /** Of one chat, so that a busy chat leaves room for the others. */
    maxConcurrentDownloadsPerChat: positiveInt.default(2),
    /** Of the staging folder, in GiB, until a backend's `bot.start` says otherwise; fractions allowed. */
    mediaStorageQuotaGb: z.number().positive().default(25),
    /** How long a message that cannot be decrypted waits for its content before it is announced without. */
    undecryptableWaitMs: positiveInt.default(120_000),
    /** Unacked frames beyond this pause the downloads. */
    journalSoftBytes: positiveInt.default(64 * MIB),
    /** Unacked frames beyond this end the sockets, so that the provider keeps what comes. */
    journalHardBytes: positiveInt.default(128 * MIB),
    /** How long a message received is remembered, so that a second delivery of it is ignored. */
    seenDays: positiveInt.default(14),
    /** How long sending a text may take once it is its turn, typing included. */
    sendTimeoutMs: positiveInt.default(60_000),
    /** Texts of one bot in any minute; those beyond wait. */
    sendsPerMinute: positiveInt.default(20),
    /** Before each text the bot waits up to this long, by chance. */
    sendJitterMs: atLeastZero.default(1_000),
    /** For how long the bot shows that it types before a text; 0: never. */
    typingMsPerCharacter: atLeastZero.default(30),
    longestTypingMs: atLeastZero.default(3_000),
    /** How long stopping may take before what still runs is left behind. */
    stopTimeoutMs: positiveInt.default(10_000),
  })
  .refine(
    (settings) => settings.journalSoftBytes < settings.journalHardBytes,
    'expected journalSoftBytes below journalHardBytes',
  );

export type GatewaySettings = z.infer<typeof gatewaySettings>;
