/**
 * Named lanes, each with one piece of work at a time.
 *   L1 Work starts when everything that was given before it to any of its lanes has ended.
 *   L2 All lanes are entered in one step, hence two pieces of work never wait for each other.
 *   L3 A failure is its own caller's alone. An empty lane takes no memory.
 */
export class Lanes {
  readonly #ends = new Map<string, Promise<unknown>>();

  async run<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    const earlier = names.flatMap((name) => this.#ends.get(name) ?? []);
    const done = Promise.all(earlier).then(work);
    const end = done.catch(() => undefined);
    for (const name of names) this.#ends.set(name, end);
    try {
      return await done;
    } finally {
      for (const name of names) if (this.#ends.get(name) === end) this.#ends.delete(name);
    }
  }
}
