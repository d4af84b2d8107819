import type { Logger } from '../base/log.ts';
import type { FrameLog } from './frame-log.ts';
import type { GatewaySettings } from './settings.ts';

type WeighedFrames = Pick<FrameLog, 'backlog' | 'bytesOfBots'>;

/** The bots, as far as the journal's bounds concern them. */
export interface HoldableBots {
  /** How many there are to share the journal. */
  readonly running: number;
  /** Ends the sessions of those that are held, so that their provider keeps what comes. */
  hold(isHeld: (botId: string) => boolean): void;
}

/**
 * What a gateway does when the backend does not take what it journals.
 *   B1 At the soft bound downloads pause; at the hard one all sessions end, until the journal is below the soft one.
 *   B2 From the soft bound on, a bot ends that has its share of the hard one, which is the same for each; until it has of
 *      that share what the soft bound is of the hard one. So up to half of the bots can flood, by the defaults, and no other is
 *      held for it.
 */
export class JournalBounds {
  readonly #frames: WeighedFrames;
  readonly #settings: GatewaySettings;
  readonly #downloads: { paused: boolean };
  readonly #bots: HoldableBots;
  readonly #log: Logger;
  #isFull = false;
  #over: ReadonlySet<string> = new Set();

  constructor(
    frames: WeighedFrames,
    settings: GatewaySettings,
    downloads: { paused: boolean },
    bots: HoldableBots,
    log: Logger,
  ) {
    this.#frames = frames;
    this.#settings = settings;
    this.#downloads = downloads;
    this.#bots = bots;
    this.#log = log;
  }

  /** To be called whenever the journal has grown or shrunk. */
  apply(): void {
    const { bytes } = this.#frames.backlog();
    const { journalSoftBytes, journalHardBytes } = this.#settings;
    this.#downloads.paused = bytes >= journalSoftBytes;
    const isFull = bytes >= (this.#isFull ? journalSoftBytes : journalHardBytes);
    const over = this.#thoseOverTheirShare(bytes);
    if (isFull === this.#isFull && isSame(over, this.#over)) return;
    this.#isFull = isFull;
    this.#over = over;
    this.#log.warn(
      { full: isFull, bots_over_their_share: over.size, unacked_bytes: bytes },
      'the journal reached a bound',
    );
    this.#bots.hold((botId) => isFull || over.has(botId));
  }

  #thoseOverTheirShare(bytes: number): ReadonlySet<string> {
    const { journalSoftBytes, journalHardBytes } = this.#settings;
    if (bytes < journalSoftBytes && this.#over.size === 0) return this.#over;
    const bots = Math.max(1, this.#bots.running);
    const isOver = ([botId, own]: readonly [string, number]): boolean =>
      this.#over.has(botId) || (bytes >= journalSoftBytes && own >= journalHardBytes / bots);
    const candidates = [...this.#frames.bytesOfBots(journalSoftBytes / bots)];
    return new Set(candidates.filter(isOver).map(([botId]) => botId));
  }
}

const isSame = (some: ReadonlySet<string>, others: ReadonlySet<string>): boolean =>
  some.size === others.size && [...some].every((botId) => others.has(botId));
