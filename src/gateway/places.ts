import { type Applicant, FairLine } from './fair-line.ts';

interface Waiting extends Applicant {
  readonly letIn: () => void;
}

/**
 * So many places, and the line of those who wait for one.
 *   P1 No more are taken than there are. None is free while somebody waits who may have it, except while they are paused:
 *      then nobody is let in.
 *   P2 A bot has all but one of them at most, as far as there is another.
 */
export class Places {
  readonly #size: number;
  readonly #line = new FairLine<Waiting>();
  readonly #takenBy = new Map<string, number>();
  #taken = 0;
  #paused = false;

  constructor(size: number) {
    this.#size = size;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#line.size;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    this.#admit();
  }

  /** Takes a place, now or in turn, which `leave` gives back. False: `signal` aborted before. */
  async enter({ botId, chat }: Applicant, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    const turn = Promise.withResolvers<boolean>();
    const waiting = { botId, chat, letIn: () => turn.resolve(true) };
    const withdraw = (): void => {
      this.#line.remove(waiting);
      turn.resolve(false);
    };
    signal.addEventListener('abort', withdraw, { once: true });
    this.#line.add(waiting);
    this.#admit();
    try {
      return await turn.promise;
    } finally {
      signal.removeEventListener('abort', withdraw);
    }
  }

  /** Takes a place at once, if this bot may have one. */
  tryToEnter({ botId }: Applicant): boolean {
    if (!this.#hasPlaceFor(botId)) return false;
    this.#count(botId, 1);
    return true;
  }

  leave({ botId }: Applicant): void {
    this.#count(botId, -1);
    this.#admit();
  }

  /** Whether somebody would be let in if one of this bot left. */
  isWanted({ botId }: Applicant): boolean {
    const most = allButOne(this.#size);
    return this.#line.has((other) => this.#takenByBot(other) - (other === botId ? 1 : 0) < most);
  }

  #admit(): void {
    while (!this.#paused) {
      const next = this.#line.take((botId) => this.#hasPlaceFor(botId));
      if (next === null) return;
      this.#count(next.botId, 1);
      next.letIn();
    }
  }

  #hasPlaceFor(botId: string): boolean {
    return this.#taken < this.#size && this.#takenByBot(botId) < allButOne(this.#size);
  }

  #takenByBot(botId: string): number {
    return this.#takenBy.get(botId) ?? 0;
  }

  #count(botId: string, by: 1 | -1): void {
    const taken = this.#takenByBot(botId) + by;
    if (taken === 0) this.#takenBy.delete(botId);
    else this.#takenBy.set(botId, taken);
    this.#taken += by;
  }
}

/** Of so many places, what one may take and leave one to another, as far as there is another. */
export const allButOne = (places: number): number => Math.max(1, places - 1);
