import type { Logger } from '../base/log.ts';
import type { FrameLog } from './frame-log.ts';
import type { GatewaySettings } from './settings.ts';

export interface Bounded {
  readonly downloads: { paused: boolean };
  /** Ends the bots' sessions while `held`, and has them back after that. */
  hold(held: boolean): void;
}

/**
 * What a gateway does when the backend does not take what it journals.
 *   B1 At the soft bound downloads pause; at the hard one sessions end, until it is below the soft one.
 */
export class JournalBounds {
  readonly #frames: FrameLog;
  readonly #settings: GatewaySettings;
  readonly #bounded: Bounded;
  readonly #log: Logger;
  #full = false;

  constructor(frames: FrameLog, settings: GatewaySettings, bounded: Bounded, log: Logger) {
    this.#frames = frames;
    this.#settings = settings;
    this.#bounded = bounded;
    this.#log = log;
  }

  /** To be called whenever the journal has grown or shrunk. */
  apply(): void {
    const { bytes } = this.#frames.backlog();
    const { journalSoftBytes, journalHardBytes } = this.#settings;
    this.#bounded.downloads.paused = bytes >= journalSoftBytes;
    const full = bytes >= (this.#full ? journalSoftBytes : journalHardBytes);
    if (full === this.#full) return;
    this.#full = full;
    this.#log.warn({ full, unacked_bytes: bytes }, 'the journal reached a bound');
    this.#bounded.hold(full);
  }
}
