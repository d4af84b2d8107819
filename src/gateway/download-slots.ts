import type { Clock, Timer } from '../base/clock.ts';
import { downloadFailed, type DownloadOutcome } from './download-outcome.ts';
import type { Applicant } from './fair-line.ts';
import { Places } from './places.ts';

export interface SlotSettings {
  readonly maxConcurrentDownloads: number;
  readonly maxSlowDownloads: number;
  /** From here on a download is slow. */
  readonly slowDownloadMs: number;
}

/** A download that has a quick slot. */
interface Holder {
  readonly applicant: Applicant;
  readonly interruption: AbortController;
  readonly timer: Timer;
  /** Where it has its place now. */
  places: Places;
  isOverdue: boolean;
}

/**
 * The slots for downloads that all bots of a gateway share: quick ones, and a lane for what turns out to be slow.
 *   S1 At most `maxConcurrentDownloads` hold a quick slot and `maxSlowDownloads` are in the slow lane, each bounded per
 *      bot and taken in turn (P1, P2, R1).
 *   S2 Nobody waits for a quick slot behind one that was held for `slowDownloadMs`: its holder moves into the slow lane, or,
 *      if that is full, is interrupted, and begins anew there when its turn comes.
 *   S3 So whoever waits for a quick slot waits for no slow download longer than that, however many there are and whosever; and
 *      what was slow once asks for no quick slot again: it has cost the others `slowDownloadMs` in all.
 *   S4 In the slow lane nothing is interrupted: a download is begun anew once at most.
 *   S5 Where nobody waits, nothing moves.
 */
export class DownloadSlots {
  readonly #clock: Clock;
  readonly #slowDownloadMs: number;
  readonly #quick: Places;
  readonly #slow: Places;
  readonly #slowOnes = new WeakSet<Applicant>();
  /** Longest first. */
  readonly #holders = new Set<Holder>();
  #paused = false;

  constructor(settings: SlotSettings, clock: Clock) {
    this.#clock = clock;
    this.#slowDownloadMs = settings.slowDownloadMs;
    this.#quick = new Places(settings.maxConcurrentDownloads);
    this.#slow = new Places(settings.maxSlowDownloads);
  }

  get running(): number {
    return this.#quick.taken + this.#slow.taken;
  }

  get waiting(): number {
    return this.#quick.waiting + this.#slow.waiting;
  }

  /** While they are paused nothing begins; what runs goes on. */
  set paused(paused: boolean) {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#slow.paused = paused;
    this.#quick.paused = paused;
    this.#makeRoom();
  }

  /**
   * Runs one attempt at a download when its turn comes; `aborted` when `signal` aborts before that. The attempts at one
   * medium are to have the same `applicant`. An attempt is given a signal of its own, and may be made twice.
   */
  async run(
    applicant: Applicant,
    signal: AbortSignal,
    attempt: (signal: AbortSignal) => Promise<DownloadOutcome>,
  ): Promise<DownloadOutcome> {
    const outcome = this.#slowOnes.has(applicant)
      ? 'interrupted'
      : await this.#runQuick(applicant, signal, attempt);
    if (outcome !== 'interrupted') return outcome;
    if (!(await this.#slow.enter(applicant, signal))) return downloadFailed('aborted');
    try {
      return await attempt(signal);
    } finally {
      this.#slow.leave(applicant);
    }
  }

  async #runQuick(
    applicant: Applicant,
    signal: AbortSignal,
    attempt: (signal: AbortSignal) => Promise<DownloadOutcome>,
  ): Promise<DownloadOutcome | 'interrupted'> {
    const entering = this.#quick.enter(applicant, signal);
    this.#makeRoom();
    if (!(await entering)) return downloadFailed('aborted');
    const holder = this.#hold(applicant);
    try {
      const outcome = await attempt(AbortSignal.any([signal, holder.interruption.signal]));
      const isCut = outcome.kind === 'failed' && outcome.reason === 'aborted' && !signal.aborted;
      return isCut ? 'interrupted' : outcome;
    } finally {
      this.#letGo(holder);
    }
  }

  #hold(applicant: Applicant): Holder {
    const holder: Holder = {
      applicant,
      interruption: new AbortController(),
      timer: this.#clock.schedule(this.#slowDownloadMs, () => {
        holder.isOverdue = true;
        this.#slowOnes.add(applicant);
        this.#makeRoom();
      }),
      places: this.#quick,
      isOverdue: false,
    };
    this.#holders.add(holder);
    return holder;
  }

  #letGo(holder: Holder): void {
    holder.timer.cancel();
    this.#holders.delete(holder);
    holder.places.leave(holder.applicant);
    this.#makeRoom();
  }

  /** As many of the overdue as are waited for give up their quick slots. */
  #makeRoom(): void {
    if (this.#paused) return;
    const leaving = [...this.#holders].filter(({ interruption }) => interruption.signal.aborted);
    let wanted = this.#quick.waiting - leaving.length;
    for (const holder of this.#holders) {
      const { applicant, interruption, isOverdue } = holder;
      if (wanted <= 0) return;
      if (!isOverdue || interruption.signal.aborted || !this.#quick.isWanted(applicant)) continue;
      wanted -= 1;
      if (this.#slow.tryToEnter(applicant)) this.#move(holder);
      else interruption.abort();
    }
  }

  #move(holder: Holder): void {
    this.#holders.delete(holder);
    holder.places = this.#slow;
    this.#quick.leave(holder.applicant);
  }
}
