import { setImmediate as nextTurn } from 'node:timers/promises';
import { downloadFailed, type DownloadOutcome } from '../../src/gateway/download-outcome.ts';
import { DownloadSlots, type SlotSettings } from '../../src/gateway/download-slots.ts';
import { ManualClock } from './manual-clock.ts';

export const STAGED: DownloadOutcome = { kind: 'staged', bytes: 0, sha256: '' };

/** Downloads by names of bot and chat, `bot/chat`, that run until the test ends them, or as long as it says. */
export class SlotBench {
  readonly clock = new ManualClock();
  readonly slots: DownloadSlots;
  /** Of every attempt, in order. */
  readonly begun: string[] = [];
  readonly interrupted: string[] = [];
  readonly outcomes: Record<string, DownloadOutcome> = {};
  readonly #running = new Map<string, () => void>();
  readonly #withdrawals = new Map<string, AbortController>();

  constructor(settings: SlotSettings) {
    this.slots = new DownloadSlots(settings, this.clock);
  }

  /** In the order of their names. */
  get running(): readonly string[] {
    return [...this.#running.keys()].toSorted();
  }

  /** Asks for a slot; what it returns does so again, for the next attempt at the same medium. */
  begin(botId: string, chat: string, lastsMs?: number): () => void {
    const name = `${botId}/${chat}`;
    const applicant = { botId, chat };
    const withdrawal = new AbortController();
    this.#withdrawals.set(name, withdrawal);
    const attempt = (): void => {
      const ended = this.slots.run(applicant, withdrawal.signal, (signal) =>
        this.#attempt(name, signal, lastsMs),
      );
      void ended.then((outcome) => (this.outcomes[name] = outcome));
    };
    attempt();
    return attempt;
  }

  withdraw(name: string): void {
    this.#withdrawals.get(name)?.abort();
  }

  async end(name: string): Promise<void> {
    this.#running.get(name)?.();
    await settled();
  }

  async pass(durationMs: number): Promise<void> {
    await settled();
    this.clock.advance(durationMs);
    await settled();
  }

  #attempt(name: string, signal: AbortSignal, lastsMs?: number): Promise<DownloadOutcome> {
    const attempt = Promise.withResolvers<DownloadOutcome>();
    const end = (outcome: DownloadOutcome): void => {
      timer?.cancel();
      this.#running.delete(name);
      attempt.resolve(outcome);
    };
    const timer = lastsMs === undefined ? null : this.clock.schedule(lastsMs, () => end(STAGED));
    this.begun.push(name);
    this.#running.set(name, () => end(STAGED));
    signal.addEventListener('abort', () => {
      if (!this.#running.has(name)) return;
      if (this.#withdrawals.get(name)?.signal.aborted !== true) this.interrupted.push(name);
      end(downloadFailed('aborted'));
    });
    return attempt.promise;
  }
}

/** What waits for a promise has had its turn. */
export const settled = (): Promise<void> => nextTurn();
