/** Who listens for pools in which jobs become claimable. */
export class ClaimableNews {
  readonly #listeners: ((pool: string) => void)[] = [];

  listen(listener: (pool: string) => void): void {
    this.#listeners.push(listener);
  }

  tell(pool: string): void {
    for (const listener of this.#listeners) listener(pool);
  }
}
