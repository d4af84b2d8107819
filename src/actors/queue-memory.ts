import { DragomanError, hasCode } from '../base/errors.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import { CorrespondentQueue } from '../queue/correspondent-queue.ts';
import { isReady, type Message } from '../queue/message.ts';
import type { ChatServices } from './chat-services.ts';
import type { QueueCounts } from './events.ts';

export interface QueueMemoryOptions extends Pick<ChatServices, 'limits' | 'ordering'> {
  readonly key: CorrespondentKey;
  readonly store: Pick<ChatServices['store'], 'rehydrate'>;
  /** There may be something ready. */
  readonly ready: () => void;
  /** The queue is in memory again. */
  readonly rehydrated: (messages: readonly Message[]) => void;
}

/**
 * A chat's queue in memory, as its journal has it.
 *   M1 It is made of the journal when it is asked for, and forgotten when it may differ from it: after every transaction
 *      whose outcome is unknown.
 *   M2 What was announced as ready before is not announced again.
 */
export class QueueMemory {
  readonly #options: QueueMemoryOptions;
  #queue: CorrespondentQueue | null = null;
  #isGone = false;
  #announced: ReadonlySet<number> = new Set();

  constructor(options: QueueMemoryOptions) {
    this.#options = options;
  }

  /** Null while it is forgotten. */
  get queue(): CorrespondentQueue | null {
    return this.#queue;
  }

  /** The store has no such chat: it was forgotten. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Rejects with `actor_stopped` when the chat is gone: who writes again is led to a new one. */
  async load(): Promise<CorrespondentQueue> {
    if (this.#queue !== null) return this.#queue;
    const { limits, ordering, ready, rehydrated } = this.#options;
    const { nextId, messages } = await this.#rehydrate();
    const announced = this.#announced;
    this.#queue = new CorrespondentQueue({ limits, ordering, nextId, messages, announced, onReady: ready });
    rehydrated(messages);
    return this.#queue;
  }

  /** Runs a transaction; when it fails, what it did is unknown. */
  async durably<T>(transaction: () => Promise<T>): Promise<T> {
    try {
      return await transaction();
    } catch (error) {
      this.forget();
      throw error;
    }
  }

  forget(): void {
    if (this.#queue === null) return;
    this.#announced = new Set(
      this.#queue
        .snapshot()
        .filter(isReady)
        .map(({ id }) => id),
    );
    this.#queue = null;
    this.#options.ready();
  }

  /** Forgets it for good: nothing of the chat is there any more. */
  erase(): void {
    this.forget();
    this.#announced = new Set();
  }

  async #rehydrate(): ReturnType<ChatServices['store']['rehydrate']> {
    const { store, key } = this.#options;
    try {
      const rehydrated = await store.rehydrate(key);
      this.#isGone = false;
      return rehydrated;
    } catch (error) {
      if (!hasCode(error, 'not_found')) throw error;
      this.#isGone = true;
      throw new DragomanError('actor_stopped', 'the chat was forgotten', { cause: error });
    }
  }
}

export const countsOf = (queue: CorrespondentQueue): QueueCounts => ({
  ready: queue.readyCount,
  characters: queue.readyCharacters,
  placeholders: queue.placeholderCount,
  oldestPlaceholderTime: queue.oldestPlaceholderTime,
});
