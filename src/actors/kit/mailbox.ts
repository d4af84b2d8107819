import type { Clock } from '../../base/clock.ts';
import { DragomanError } from '../../base/errors.ts';

/** A caller that may give up before its message is handled. */
export interface Withdrawable {
  /** Why nobody waits for the message any more; null while somebody does. */
  readonly withdrawal: DragomanError | null;
}

interface Task {
  /** Runs it and settles its caller. Never rejects. */
  readonly perform: () => Promise<void>;
  readonly reject: (error: DragomanError) => void;
  readonly caller: Withdrawable | null;
  readonly postedAt: number;
  next: Task | null;
}

export interface MailboxOptions {
  /** Tasks that may wait besides the one that runs. */
  readonly capacity: number;
  readonly clock: Clock;
  /** Whose mailbox it is, for error messages. */
  readonly owner: { readonly path: string };
}

/**
 * Runs one task at a time, in arrival order. Every operation is O(1), `refuseWaiting` is O(waiting).
 *
 *   M1 At most one task runs.
 *   M2 Tasks start in `post` order; what `postFirst` brings goes before all that wait.
 *   M3 A failed task fails its own caller alone.
 *   M4 After `drain()` nothing runs and nothing waits, and every post fails with `actor_stopped`.
 *   M5 Never more than `capacity` posted tasks wait: one more fails with `mailbox_full`.
 *   M6 A task whose caller withdrew before its turn does not run.
 */
export class Mailbox {
  readonly #options: MailboxOptions;
  #first: Task | null = null;
  #last: Task | null = null;
  #depth = 0;
  #running: Task | null = null;
  #startedAt = 0;
  #closed = false;
  #working = false;
  #drained: PromiseWithResolvers<void> | null = null;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** Tasks that wait. */
  get depth(): number {
    return this.#depth;
  }

  get idle(): boolean {
    return !this.#working;
  }

  /** How long the first in line has waited, in milliseconds; null when nothing waits. */
  get oldestWaitingMs(): number | null {
    return this.#first === null ? null : this.#options.clock.now() - this.#first.postedAt;
  }

  /** How long the running task has been running, in milliseconds; null when none is. */
  get busyMs(): number | null {
    return this.#running === null ? null : this.#options.clock.now() - this.#startedAt;
  }

  /** Runs `run` in its turn and settles as it does. */
  post<T>(run: () => T | PromiseLike<T>, caller: Withdrawable | null = null): Promise<T> {
    if (this.#closed) return Promise.reject(this.#stopped());
    if (this.#depth >= this.#options.capacity) return Promise.reject(this.#full());
    const { promise, task } = this.#taskOf(run, caller);
    if (this.#last === null) this.#first = task;
    else this.#last.next = task;
    this.#last = task;
    this.#wait();
    return promise;
  }

  /** Runs `run` before everything that waits, whatever the capacity: for what its owner must do between two messages. */
  postFirst<T>(run: () => T | PromiseLike<T>): Promise<T> {
    if (this.#closed) return Promise.reject(this.#stopped());
    const { promise, task } = this.#taskOf(run, null);
    task.next = this.#first;
    this.#first = task;
    this.#last ??= task;
    this.#wait();
    return promise;
  }

  /** Refuses every further post; what waits still runs. */
  close(): void {
    this.#closed = true;
  }

  /** Closes, and fails what waits with `actor_stopped`. The running task goes on. */
  refuseWaiting(): void {
    this.#closed = true;
    for (let task = this.#first; task !== null; task = task.next) task.reject(this.#stopped());
    this.#first = null;
    this.#last = null;
    this.#depth = 0;
  }

  /** `refuseWaiting`, and fails the running task's caller too: the task itself cannot be ended from outside. */
  cut(): void {
    this.refuseWaiting();
    this.#running?.reject(this.#stopped());
  }

  /** Closes, and resolves once nothing runs and nothing waits. */
  drain(): Promise<void> {
    this.#closed = true;
    if (!this.#working) return Promise.resolve();
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  #taskOf<T>(
    run: () => T | PromiseLike<T>,
    caller: Withdrawable | null,
  ): { promise: Promise<T>; task: Task } {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const perform = async () => {
      try {
        resolve(await run());
      } catch (error) {
        reject(error);
      }
    };
    return { promise, task: { perform, reject, caller, postedAt: this.#options.clock.now(), next: null } };
  }

  #wait(): void {
    this.#depth += 1;
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let task = this.#take(); task !== null; task = this.#take()) {
      this.#running = task;
      this.#startedAt = this.#options.clock.now();
      await task.perform();
      this.#running = null;
    }
    this.#working = false;
    this.#drained?.resolve();
  }

  /** The next task that somebody waits for. */
  #take(): Task | null {
    for (let task = this.#first; task !== null; task = this.#first) {
      this.#first = task.next;
      if (this.#first === null) this.#last = null;
      this.#depth -= 1;
      const withdrawal = task.caller?.withdrawal ?? null;
      if (withdrawal === null) return task;
      task.reject(withdrawal);
    }
    return null;
  }

  #stopped(): DragomanError {
    return new DragomanError('actor_stopped', `expected ${this.#options.owner.path} to run, it has stopped`);
  }

  #full(): DragomanError {
    const { capacity, owner } = this.#options;
    return new DragomanError(
      'mailbox_full',
      `expected at most ${capacity} messages to wait at ${owner.path}`,
    );
  }
}
