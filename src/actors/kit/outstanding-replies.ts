import type { DragomanError } from '../../base/errors.ts';

/**
 * The replies that an actor's handlers promised with `later` and that are not there yet.
 *   O1 Each reply settles once: as its promise does, or by `cut`.
 *   O2 `cut` leaves nothing outstanding.
 */
export class OutstandingReplies {
  readonly #cuts = new Set<(error: DragomanError) => void>();
  #settled: PromiseWithResolvers<void> | null = null;

  get count(): number {
    return this.#cuts.size;
  }

  /** Settles as `reply` does, unless it is cut before. */
  follow<T>(reply: Promise<T>): Promise<T> {
    const followed = Promise.withResolvers<T>();
    const { resolve, reject } = followed;
    this.#cuts.add(reject);
    const forget = () => {
      this.#cuts.delete(reject);
      if (this.#cuts.size === 0) this.#settled?.resolve();
    };
    reply.finally(forget).then(resolve, reject);
    // A reply whose message was cut while its handler ran has no listener, and needs none.
    followed.promise.catch(() => {});
    return followed.promise;
  }

  /** Resolves once nothing is outstanding. */
  settled(): Promise<void> {
    if (this.#cuts.size === 0) return Promise.resolve();
    this.#settled ??= Promise.withResolvers<void>();
    return this.#settled.promise;
  }

  /** Fails every outstanding reply. */
  cut(error: DragomanError): void {
    for (const reject of this.#cuts) reject(error);
    this.#cuts.clear();
  }
}
