import type { Timer } from '../base/clock.ts';
import { deadline, repeat } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { FileLock } from '../base/file-lock.ts';
import type { Guid } from '../base/ids.ts';
import { GIB, HOUR_MS } from '../base/units.ts';
import { canonicalAddress } from '../protocol/address.ts';
import type { BackendFrame, BotConfig, SendFrame } from '../protocol/frames.ts';
import type { StagingQuota } from '../staging/quota.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';
import { answerTo } from './answers.ts';
import { dropOldLetters } from './dead-letter-upkeep.ts';
import { DownloadSlots } from './download-slots.ts';
import { DecryptionThread } from './decryption/decryption-thread.ts';
import type { BotDesk } from './gateway-bot.ts';
import { GatewayBots } from './gateway-bots.ts';
import type { Gateway, GatewayOptions, GatewaySnapshot } from './gateway-options.ts';
import type { Journal } from './journal.ts';
import { JournalBounds } from './journal-bounds.ts';
import { BackendLink, type LinkHost } from './link.ts';
import type { PassingFrame } from './link-connection.ts';
import type { GatewaySettings } from './settings.ts';
import { StagingUpkeep } from './staging-upkeep.ts';
import { UntilRecorded } from './until-recorded.ts';

const TICK_MS = 5_000;
const PRUNE_EVERY_MS = HOUR_MS;

/** Of one bot, while the journal cannot be written. */
const MOST_TEXTS_HELD = 100;

/** What a gateway holds from its start to its end. */
export interface Holdings {
  readonly folder: StagingFolder;
  readonly lock: FileLock;
  readonly quota: StagingQuota;
  readonly journal: Journal;
}

/**
 * Joins sessions, journal, downloads and link.
 *   X1 Nothing that came in depends on the backend being there: it is journalled, downloaded, and told later.
 *   X2 A frame of the backend that cannot be handled is logged, and stops nothing; an answer, a wish, a text or a release
 *      that the journal cannot take now is tried again until it can. What is for one bot is done in order; of its texts
 *      a hundred are held for that, and those beyond are turned away, unless the journal has taken them already.
 *   X3 What the backend does not take is bounded (B1).
 *   X4 What the backend reports as another's bot's is kept, with its files, until it is asked again: at the next link.
 */
export class RunningGateway implements Gateway, LinkHost {
  readonly #options: GatewayOptions;
  readonly #settings: GatewaySettings;
  readonly #holdings: Holdings;
  readonly #slots: DownloadSlots;
  readonly #decryption = new DecryptionThread();
  readonly #staging: StagingUpkeep;
  readonly #link: BackendLink;
  readonly #bots: GatewayBots;
  readonly #bounds: JournalBounds;
  readonly #unrecorded: UntilRecorded;
  readonly #timers: Timer[] = [];
  #stopping: Promise<void> | null = null;

  constructor(options: GatewayOptions, settings: GatewaySettings, holdings: Holdings) {
    const { clock, log, random = Math.random } = options;
    const { folder, quota, journal } = holdings;
    this.#options = options;
    this.#settings = settings;
    this.#holdings = holdings;
    this.#staging = new StagingUpkeep({ folder, quota, clock, log });
    this.#slots = new DownloadSlots(settings, clock);
    this.#unrecorded = new UntilRecorded(clock, log);
    const settled = (): void => this.#journalled();
    const desk: BotDesk = {
      createSession: options.createSession,
      storage: journal.sessions,
      downloads: {
        ledger: journal.media,
        target: { folder, quota, limits: settings, clock, log, thread: this.#decryption },
        slots: this.#slots,
        settings,
        clock,
        log,
        random,
        settled,
      },
      sends: { register: journal.sends, settings, clock, log, random, settled },
      stopTimeoutMs: settings.stopTimeoutMs,
      clock,
      log,
      statusChanged: (status) => {
        this.#link.tell(status);
        options.onStatus?.(status);
      },
      received: settled,
    };
    this.#bots = new GatewayBots(desk, journal.bots, options.bots ?? []);
    this.#bounds = new JournalBounds(journal.frames, settings, this.#slots, this.#bots, log);
    this.#link = new BackendLink(
      {
        urls: options.backendUrls,
        token: options.token,
        clock,
        log,
        random,
        ...(options.linkTiming === undefined ? {} : { timing: options.linkTiming }),
      },
      this,
    );
  }

  get gatewayId(): string {
    return this.#holdings.journal.gatewayId;
  }

  get frames(): Journal['frames'] {
    return this.#holdings.journal.frames;
  }

  start(): void {
    const { clock } = this.#options;
    this.#applyQuota();
    this.#bounds.apply();
    this.#bots.startKnown();
    this.#timers.push(
      repeat(clock, TICK_MS, () => this.#attempt('housekeeping', () => this.#tick())),
      repeat(clock, PRUNE_EVERY_MS, () => this.#attempt('pruning', () => this.#holdings.journal.prune())),
    );
    this.#staging.start();
    this.#link.start();
  }

  snapshot(): GatewaySnapshot {
    const { journal, quota } = this.#holdings;
    const backlog = journal.frames.backlog();
    return {
      connected: this.#link.isOpen,
      bots: this.#bots.owned.map((botId) => ({ botId, state: this.#bots.of(botId).status.state })),
      unackedFrames: backlog.frames,
      unackedBytes: backlog.bytes,
      deadLetters: journal.deadLetters.count,
      runningDownloads: this.#slots.running,
      waitingDownloads: this.#slots.waiting,
      stagedBytes: quota.reservedBytes,
      stagingLimitBytes: quota.limitBytes,
    };
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#shutDown();
    return this.#stopping;
  }

  // ── What the link asks and brings ──────────────────────────────────────────────────────────────────────────────

  greeting(): readonly PassingFrame[] {
    this.frames.unpark();
    const { owned } = this.#bots;
    return [
      { type: 'hello', gateway_id: this.gatewayId, bots: [...owned] },
      ...owned.map((botId) => this.#bots.of(botId).status),
    ];
  }

  acknowledged(seqs: readonly number[]): boolean {
    return this.#attempt('an ack', () => {
      this.frames.acknowledge(seqs);
      this.#bounds.apply();
    });
  }

  received(frame: Exclude<BackendFrame, { type: 'ack' }>): void {
    if (this.#stopping === null) this.#attempt(frame.type, () => this.#handle(frame));
  }

  #handle(frame: Exclude<BackendFrame, { type: 'ack' }>): void {
    switch (frame.type) {
      case 'nack':
        this.#unrecorded.attempt(`frame ${frame.seq}`, frame.type, () =>
          this.#bury(frame.seq, frame.code, frame.reason),
        );
        return;
      case 'error':
        return this.#handleError(frame);
      case 'bot.start':
        this.#unrecorded.attempt(`bot ${frame.bot_id}`, frame.type, () =>
          this.#startBot(frame.bot_id, frame.config),
        );
        return;
      case 'bot.stop':
        return this.#stopBot(frame.bot_id, frame.forget);
      case 'send':
        return this.#send(frame);
      case 'media.released':
        return this.#release(frame.guid);
      case 'media.holds':
      case 'letters.list':
      case 'letters.retry':
        this.#link.tell(answerTo(frame, this.#holdings.journal));
        // A letter that is retried waits to be sent.
        return this.#journalled();
    }
  }

  /** What is in error stays in the journal; a bot that the backend does not know here is not run. */
  #handleError({ code, reason, seq, bot_id: botId }: Extract<BackendFrame, { type: 'error' }>): void {
    const { journal } = this.#holdings;
    if (seq !== undefined) return journal.frames.park(seq);
    this.#options.log.error({ code, reason, bot_id: botId }, 'the backend reports an error');
    if (code === 'unknown_bot' && botId !== undefined) this.#stopBot(botId);
  }

  #startBot(botId: string, config: BotConfig): void {
    this.#bots.start(botId, config);
    this.#applyQuota();
  }

  #stopBot(botId: string, forget = false): void {
    this.#unrecorded.attempt(`bot ${botId}`, forget ? 'forgetting a bot' : 'bot.stop', () => {
      if (forget) this.#bots.forget(botId);
      else this.#bots.stop(botId);
      this.#applyQuota();
    });
  }

  #send(asked: SendFrame): void {
    const frame = { ...asked, to: canonicalAddress(asked.to) };
    const { bot_id: botId, request_id: requestId } = frame;
    const begin = (): void => {
      const bot = this.#bots.find(botId);
      if (bot !== null) return bot.send(frame);
      this.#holdings.journal.sends.decline(frame, 'the bot is not running');
      this.#journalled();
    };
    const kind = `send ${requestId}`;
    if (!this.#unrecorded.attempt(`bot ${botId}`, kind, begin, MOST_TEXTS_HELD)) this.#turnAway(frame);
  }

  /** The journal cannot be told either. What it has taken already is answered by what becomes of it. */
  #turnAway(frame: SendFrame): void {
    if (this.#holdings.journal.sends.standing(frame) !== null) return;
    const { bot_id, request_id, ask_id, may_be_declined = false } = frame;
    this.#options.log.error({ bot_id, request_id }, 'too many texts wait for the journal; one is not taken');
    if (!may_be_declined || ask_id === undefined) return;
    const reason = `the gateway's journal cannot be written, and ${MOST_TEXTS_HELD} texts wait for it already: ask again later`;
    this.#link.tell({ type: 'send.declined', bot_id, request_id, ask_id, reason });
  }

  #bury(seq: number, code: string, reason: string): void {
    const guid = this.frames.refuse(seq, code, reason);
    this.#options.log.error(
      { seq, code, reason },
      'the backend refuses a frame for good; it is a dead letter now',
    );
    if (guid !== null) this.#release(guid);
    this.#bounds.apply();
  }

  /**
   * The file goes whether or not the journal can be told: on a full disk it must go first. Should the medium come
   * again for that, the backend releases it again.
   */
  #release(guid: Guid): void {
    const { journal } = this.#holdings;
    if (journal.frames.isParked(guid)) return;
    this.#unrecorded.attempt(`medium ${guid}`, 'the record of a release', () => journal.media.released(guid));
    this.#staging.remove(guid, () => Promise.all(this.#bots.live.map((bot) => bot.abortDownload(guid))));
  }

  // ── Upkeep ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #journalled(): void {
    this.#attempt('a journalled frame', () => {
      this.#bounds.apply();
      this.#link.notify();
    });
  }

  /** The folder is shared: the most careful of the running bots' quotas counts. */
  #applyQuota(): void {
    const quotaGb = this.#bots.quotaGb ?? this.#settings.mediaStorageQuotaGb;
    this.#holdings.quota.setQuota(quotaGb * GIB);
  }

  #tick(): void {
    const { journal } = this.#holdings;
    if (journal.sessions.announceOverdue() > 0) this.#journalled();
    for (const bot of this.#bots.live) bot.resume();
    dropOldLetters(journal.deadLetters, this.#settings, this.#options.log);
  }

  /** False when it failed. */
  #attempt(what: string, work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#options.log.error(
        { what, reason: describeError(error) },
        'the gateway could not handle something',
      );
      return false;
    }
  }

  async #shutDown(): Promise<void> {
    const { clock, log } = this.#options;
    const { journal, lock } = this.#holdings;
    for (const timer of this.#timers) timer.cancel();
    await this.#bots.close();
    await this.#staging.close();
    await this.#decryption.close();
    using limit = deadline(clock, this.#settings.stopTimeoutMs);
    await this.#link.stop(limit.signal);
    this.#unrecorded.close();
    journal.close();
    lock.release();
    log.info({}, 'gateway stopped');
  }
}
