/**
 * Fulfils one wish at a time; of those that come meanwhile only the last is kept.
 *   N1 At most one wish is being fulfilled.
 *   N2 The last wish is always fulfilled, unless it fails.
 */
export class LatestWish<Wish> {
  readonly #fulfil: (wish: Wish) => Promise<void>;
  #next: { readonly wish: Wish } | null = null;
  #running: Promise<void> | null = null;

  /** `fulfil` handles its own failures. */
  constructor(fulfil: (wish: Wish) => Promise<void>) {
    this.#fulfil = fulfil;
  }

  /** Whether a later wish waits: what is being fulfilled may give up. */
  get superseded(): boolean {
    return this.#next !== null;
  }

  want(wish: Wish): void {
    this.#next = { wish };
    this.#running ??= this.#run();
  }

  /** Resolves when no wish is left. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let next = this.#take(); next !== null; next = this.#take()) await this.#fulfil(next.wish);
    this.#running = null;
  }

  #take(): { readonly wish: Wish } | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }
}
