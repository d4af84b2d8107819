/** Work under one key goes one after another, in the order of its coming. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<void>>();

  /** Settles as `work` does, which begins when all that came before under `key` has settled. */
  async runExclusive<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const over = Promise.withResolvers<void>();
    this.#last.set(key, over.promise);
    await before;
    try {
      return await work();
    } finally {
      if (this.#last.get(key) === over.promise) this.#last.delete(key);
      over.resolve();
    }
  }
}
