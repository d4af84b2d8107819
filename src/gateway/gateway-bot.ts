import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadlines.ts';
import { describeError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { type BotConfig, type SendFrame, WIRE_LIMITS } from '../protocol/frames.ts';
import { BotSends, type SendDesk } from './bot-sends.ts';
import type { PassingFrame } from './link-connection.ts';
import { type DownloadDesk, MediaDownloads } from './media-downloads.ts';
import type { Session, SessionListener, SessionStatus, SessionStorage } from './session.ts';

export interface SessionRequest {
  readonly botId: string;
  readonly config: BotConfig;
  readonly storage: SessionStorage;
  readonly listener: SessionListener;
}

/** Makes a session; `start` is called on it next, and after its `stop` it is not used again. */
export type SessionFactory = (request: SessionRequest) => Session;

export type StatusFrame = Extract<PassingFrame, { type: 'bot.status' }>;

export interface BotDesk {
  readonly createSession: SessionFactory;
  readonly storage: SessionStorage;
  readonly downloads: DownloadDesk;
  readonly sends: SendDesk;
  readonly stopTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  statusChanged(status: StatusFrame): void;
  /** The session journalled something. */
  received(): void;
}

interface Running {
  readonly config: BotConfig;
  readonly session: Session;
  readonly downloads: MediaDownloads;
}

const STOPPED: SessionStatus = { state: 'stopped', qr: null, detail: null };
const HELD: SessionStatus = {
  state: 'closed',
  qr: null,
  detail: 'the gateway waits for the backend to take what it has',
};

/**
 * One bot of this gateway: its session, its downloads, its sends.
 *   Z1 At most one session at a time: the next one starts when the last one's `stop` is through, or its deadline.
 *   Z2 The last wish wins; a session runs if and only if the bot is wanted and not held.
 *   Z3 A session that gave up tries again when its bot is started again.
 *   Z4 The status of a session that was stopped counts no more; what it journalled does.
 *   Z5 A session is made by the settings of the last start: others end it, and the next one has them.
 */
export class GatewayBot {
  readonly botId: string;
  readonly #desk: BotDesk;
  readonly #sends: BotSends;
  #wanted: BotConfig | null = null;
  #held = false;
  #running: Running | null = null;
  /** Rises with every session, so that a former one is told apart. */
  #generation = 0;
  #lane = Promise.resolve();
  #status: SessionStatus = STOPPED;

  constructor(botId: string, desk: BotDesk) {
    this.botId = botId;
    this.#desk = desk;
    this.#sends = new BotSends(botId, desk.sends);
  }

  /** As the backend is told it. */
  get status(): StatusFrame {
    const { state, qr, detail } = this.#status;
    return {
      type: 'bot.status',
      bot_id: this.botId,
      state,
      ...(qr === null ? {} : { qr }),
      ...(detail === null ? {} : { detail: detail.slice(0, WIRE_LIMITS.reasonCharacters) }),
    };
  }

  start(config: BotConfig): void {
    this.#wanted = config;
    void this.#converge();
  }

  /** Resolves when no session runs, or the bot is wanted again. */
  stop(): Promise<void> {
    this.#wanted = null;
    return this.#converge();
  }

  /** While held, a bot that is wanted has no session: its provider keeps what comes. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    void this.#converge();
  }

  send(frame: SendFrame): void {
    this.#sends.send(frame, () => this.#running);
  }

  /** Takes up what could not be done before: media to download, outcomes of sends to record. */
  resume(): void {
    this.#running?.downloads.resume();
    this.#sends.recordOutcomes();
  }

  /** Aborts the download of one medium, if this bot is at it, and waits for its end. */
  async abortDownload(guid: Guid): Promise<void> {
    await this.#running?.downloads.abort(guid);
  }

  /** Stops for good. */
  async close(): Promise<void> {
    await Promise.all([this.stop(), this.#sends.close()]);
  }

  /** Each wish takes one step after those before it; the step goes by the wishes of then. */
  #converge(): Promise<void> {
    this.#lane = this.#lane.then(() => this.#step());
    return this.#lane;
  }

  /** Never rejects. */
  async #step(): Promise<void> {
    const config = this.#held ? null : this.#wanted;
    const running = this.#running;
    if (running !== null && config !== null && makesSameSession(running.config, config)) {
      return running.session.start();
    }
    if (running !== null) await this.#shutDown();
    if (config !== null) this.#launch(config);
  }

  #launch(config: BotConfig): void {
    const { createSession, storage, downloads, log } = this.#desk;
    try {
      const session = createSession({ botId: this.botId, config, storage, listener: this.#newListener() });
      this.#running = { config, session, downloads: new MediaDownloads(this.botId, session, downloads) };
      session.start();
    } catch (error) {
      this.#running = null;
      log.error({ bot_id: this.botId, reason: describeError(error) }, 'the session could not be started');
      this.#show({
        state: 'closed',
        qr: null,
        detail: `the session could not be started: ${describeError(error)}`,
      });
    }
    this.#running?.downloads.resume();
  }

  async #shutDown(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    const { clock, stopTimeoutMs, log } = this.#desk;
    this.#running = null;
    this.#generation += 1;
    try {
      await withDeadline(clock, stopTimeoutMs, () =>
        Promise.all([running.session.stop(), running.downloads.close()]),
      );
    } catch (error) {
      log.error(
        { bot_id: this.botId, reason: describeError(error) },
        'the session did not stop; it is left behind',
      );
    }
    this.#show(this.#wanted === null ? STOPPED : HELD);
  }

  #newListener(): SessionListener {
    this.#generation += 1;
    const generation = this.#generation;
    return {
      statusChanged: (status) => {
        if (generation === this.#generation) this.#show(status);
      },
      received: () => {
        this.#running?.downloads.resume();
        this.#desk.received();
      },
      answered: (providerMessageId, answer) => this.#sends.answered(providerMessageId, answer),
    };
  }

  #show(status: SessionStatus): void {
    this.#status = status;
    this.#desk.log.info({ bot_id: this.botId, state: status.state }, 'bot status');
    this.#desk.statusChanged(this.status);
  }
}

/** The quota is the staging folder's: no session knows it. */
const makesSameSession = (one: BotConfig, other: BotConfig): boolean =>
  isDeepStrictEqual({ ...one, media_storage_quota_gb: 0 }, { ...other, media_storage_quota_gb: 0 });
