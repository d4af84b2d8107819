import PQueue from 'p-queue';
import type { Clock } from '../base/clock.ts';
import { describeError, hasCode } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { traceOf } from '../base/trace.ts';
import { askForReupload } from './ask-for-reupload.ts';
import { downloadMedia, type DownloadTarget } from './download.ts';
import type { DownloadFailure, DownloadOutcome, StagedDownload } from './download-outcome.ts';
import type { DownloadSlots } from './download-slots.ts';
import { fetchMedia } from './fetch-media.ts';
import { inTurn } from './in-turn.ts';
import { allButOne } from './places.ts';
import type { MediaLedger, PendingMedia } from './media-ledger.ts';
import type { MediaReference } from './received.ts';
import type { Session } from './session.ts';
import type { GatewaySettings } from './settings.ts';
import { findStagedFile } from './staged-file.ts';

/** As long as the longest pause between two connections takes, and an attempt more. */
const LONGEST_ASKING_MS = 10 * 60_000;

/** What the downloads of all bots share. */
export interface DownloadDesk {
  readonly ledger: MediaLedger;
  readonly target: DownloadTarget;
  /** Paused while the journal is too full. */
  readonly slots: DownloadSlots;
  readonly settings: GatewaySettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  /** A frame about a medium was journalled. */
  settled(): void;
}

interface Download {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/**
 * Downloads one bot's announced media while its session runs.
 *   V1 Each pending medium is in hand at most once; it ends staged, given up, or still pending when it was aborted.
 *   V2 The file of a medium that was released meanwhile does not stay; nor one that leaves the journal no room to tell of it.
 *   V3 A chat has a bounded share of the bot's slots, and holds none while it waits between attempts: a slow one delays no
 *      other. What is slow, of whichever chats and bots, leaves its slot to those that wait (S2).
 *   V4 A bot holds all slots but one at most: however many its own are, that one is another bot's at once (P2).
 *   V5 After `close` nothing runs; what is pending is taken up by the bot's next downloads, after a restart too.
 */
export class MediaDownloads {
  readonly #botId: string;
  readonly #session: Session;
  readonly #desk: DownloadDesk;
  readonly #inHand = new Map<Guid, Download>();
  readonly #chats = new Map<string, PQueue>();
  readonly #slotsPerChat: number;
  #cursor = 0;
  #closed = false;

  constructor(botId: string, session: Session, desk: DownloadDesk) {
    this.#botId = botId;
    this.#session = session;
    this.#desk = desk;
    const { maxConcurrentDownloads: slots, maxConcurrentDownloadsPerChat: perChat } = desk.settings;
    this.#slotsPerChat = Math.min(perChat, allButOne(allButOne(slots)));
  }

  /** Takes up what was announced since the last call; at the first, all that is pending. Never throws. */
  resume(): void {
    if (this.#closed) return;
    try {
      for (const pending of this.#desk.ledger.pendingAfter(this.#botId, this.#cursor)) {
        this.#cursor = pending.id;
        if (!this.#inHand.has(pending.guid)) this.#take(pending);
      }
    } catch (error) {
      this.#desk.log.error(
        { bot_id: this.#botId, reason: describeError(error) },
        'pending media cannot be read',
      );
    }
  }

  /** Aborts one download, if it is in hand, and waits for its end. */
  async abort(guid: Guid): Promise<void> {
    const download = this.#inHand.get(guid);
    download?.controller.abort();
    await download?.done;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#inHand.keys()].map((guid) => this.abort(guid)));
  }

  #take(pending: PendingMedia): void {
    const controller = new AbortController();
    this.#inHand.set(pending.guid, { controller, done: this.#hold(pending, controller.signal) });
  }

  /** Never rejects. What could not be recorded is taken up again by the next `resume`. */
  async #hold(pending: PendingMedia, signal: AbortSignal): Promise<void> {
    const { guid, chat } = pending;
    const queue = this.#chats.get(chat) ?? new PQueue({ concurrency: this.#slotsPerChat });
    this.#chats.set(chat, queue);
    const recorded = await inTurn(queue, signal, () => this.#get(pending, signal), true);
    if (queue.size === 0 && queue.pending === 0) this.#chats.delete(chat);
    this.#inHand.delete(guid);
    if (!recorded) this.#cursor = 0;
  }

  /** False when the outcome could not be recorded. Never rejects. */
  async #get(pending: PendingMedia, signal: AbortSignal): Promise<boolean> {
    const { guid } = pending;
    const trace = traceOf(this.#botId, pending.key.id);
    const log = this.#desk.log.child({ bot_id: this.#botId, guid, trace });
    try {
      const { folder } = this.#desk.target;
      const outcome =
        (await findStagedFile(folder, guid, signal)) ?? (await this.#fetch(pending, log, signal));
      if (outcome.kind === 'staged') await this.#announceFile(pending, outcome, log);
      else if (outcome.reason !== 'aborted') this.#giveUp(pending, outcome, log);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      log.error({ reason: describeError(error) }, 'a download could not be recorded; it will be tried again');
      if (hasCode(error, 'disk_full')) await this.#discard(guid, log);
      return false;
    }
  }

  async #announceFile({ guid, media }: PendingMedia, file: StagedDownload, log: Logger): Promise<void> {
    const { ledger } = this.#desk;
    if (ledger.staged(guid, media.mimeType, file)) {
      log.info({ bytes: file.bytes }, 'media staged');
      this.#desk.settled();
    } else {
      await this.#discard(guid, log);
    }
  }

  /** Never rejects. */
  async #discard(guid: Guid, log: Logger): Promise<void> {
    const { folder, quota } = this.#desk.target;
    try {
      await folder.remove(guid);
      quota.release(guid);
    } catch (error) {
      log.error({ reason: describeError(error) }, 'a file that nobody waits for could not be removed');
    }
  }

  #giveUp({ guid, media }: PendingMedia, failure: DownloadFailure, log: Logger): void {
    this.#desk.ledger.gaveUp(guid, media.kind, failure);
    log.warn({ media_kind: media.kind, reason: failure.reason, detail: failure.detail }, 'media given up');
    this.#desk.settled();
  }

  #fetch(
    { guid, chat, key, media }: PendingMedia,
    log: Logger,
    signal: AbortSignal,
  ): Promise<DownloadOutcome> {
    const { slots, target, clock, random, settings } = this.#desk;
    const applicant = { botId: this.#botId, chat };
    let giveUpAt: number | null = null;
    const source = {
      download: async (reference: MediaReference) => {
        const outcome = await slots.run(applicant, signal, (limited) =>
          downloadMedia({ guid, media: reference, origin: this.#session.mediaOrigin() }, target, limited),
        );
        if (outcome.kind === 'failed' && outcome.reason === 'no_handles') {
          log.warn({ detail: outcome.detail }, 'no file handle is left: a download waits for one');
        }
        return outcome;
      },
      reupload: (reference: MediaReference) => {
        giveUpAt ??= clock.now() + LONGEST_ASKING_MS;
        const { reuploadTimeoutMs: answerTimeoutMs } = settings;
        const question = { session: this.#session, key, clock, answerTimeoutMs, giveUpAt };
        return askForReupload(question, reference, signal);
      },
    };
    return fetchMedia(media, source, { clock, random }, signal);
  }
}
