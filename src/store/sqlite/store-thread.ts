import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../base/clock.ts';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { type ArgumentsOf, type Call, errorOf, type Operations, type Reply } from './calls.ts';
import type { RepliesMessage, ThreadMessage } from './serve-calls.ts';

export interface StoreThreadOptions {
  readonly script: URL;
  /** What the script finds as its `workerData`. */
  readonly data: object;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a call may take before its thread is given up. */
  readonly stallMs: number;
}

/** So many calls of a tick are sent ahead of the rest: the two threads then work side by side. */
const CALLS_AHEAD = 16;

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: DragomanError): void;
}

/**
 * Calls operations in a thread of their own.
 *   T1 Calls reach the thread in the order they were made, and it has all calls of a tick before it answers any of them.
 *   T2 Every call settles: by the thread's reply, or by `store_unavailable` when the thread ends or stalls.
 *   T3 There is one thread at most. A new one starts, at the next call, only after the old one has ended: a call that
 *      was given up cannot be carried out behind its caller's back once another has succeeded.
 */
export class StoreThread<Table extends Operations<never>> {
  readonly #options: StoreThreadOptions;
  readonly #pending = new Map<number, PendingCall>();
  #state: 'running' | 'ending' | 'closed' = 'running';
  #worker: Worker | null = null;
  #ended: Promise<void> = Promise.resolve();
  #drained: (() => void) | null = null;
  #outbox: Call[] = [];
  #lastId = 0;
  #isTickOn = false;
  /** Whether calls of this tick have been sent ahead of the others. */
  #isSentAhead = false;
  /** Whether more replies of a group are on their way: the calls that these lead to are sent ahead of those of the rest. */
  #areRepliesDue = false;
  #stallTimer: Timer | null = null;

  constructor(options: StoreThreadOptions) {
    this.#options = options;
  }

  call<Name extends keyof Table & string>(
    operation: Name,
    ...args: ArgumentsOf<Table[Name]>
  ): Promise<ReturnType<Table[Name]>> {
    if (this.#state !== 'running') return Promise.reject(unavailable(`the store is ${this.#state}`));
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<ReturnType<Table[Name]>>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
    });
    this.#beginTick();
    this.#outbox.push({ id, operation, args });
    if (this.#outbox.length === CALLS_AHEAD) this.#send(true);
    this.#watchForStall();
    return answered;
  }

  /** Waits for the calls that are under way, then ends the thread. */
  async close(): Promise<void> {
    this.#state = 'closed';
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.#stallTimer?.cancel();
    this.#worker?.postMessage('close' satisfies ThreadMessage);
    await this.#ended;
  }

  #beginTick(): void {
    if (!this.#isTickOn) process.nextTick(() => this.#endTick());
    this.#isTickOn = true;
  }

  #endTick(): void {
    this.#isTickOn = false;
    this.#send(this.#areRepliesDue);
  }

  /** `more`: others of this tick follow; the thread sets to work on these meanwhile. */
  #send(more: boolean): void {
    const calls = this.#outbox.filter(({ id }) => this.#pending.has(id));
    this.#outbox = [];
    if (calls.length === 0 && !this.#isSentAhead) return;
    this.#isSentAhead = more;
    (this.#worker ??= this.#start()).postMessage({ calls, more } satisfies ThreadMessage);
  }

  #start(): Worker {
    const { script, data, log } = this.#options;
    const worker = new Worker(script, { workerData: data });
    worker.on('message', ({ replies, more }: RepliesMessage) => {
      this.#areRepliesDue = more;
      this.#settle(replies);
      // Node has ticks before what the callers do next: begun at once, this one would end without their calls.
      queueMicrotask(() => this.#beginTick());
    });
    worker.on('error', (error) => log.error({ error: describeError(error) }, 'a store thread failed'));
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#worker = null;
        this.#areRepliesDue = false;
        this.#isSentAhead = false;
        if (this.#state === 'ending') this.#state = 'running';
        this.#failAll('its thread ended');
        resolve();
      });
    });
    return worker;
  }

  #settle(replies: readonly Reply[]): void {
    for (const reply of replies) {
      const call = this.#pending.get(reply.id);
      this.#pending.delete(reply.id);
      if (reply.kind === 'done') call?.resolve(reply.value);
      else call?.reject(errorOf(reply.failure));
    }
    this.#tellDrained();
  }

  #failAll(reason: string): void {
    const calls = [...this.#pending.values()];
    this.#pending.clear();
    for (const call of calls) call.reject(unavailable(reason));
    this.#tellDrained();
  }

  #tellDrained(): void {
    if (this.#pending.size === 0) this.#drained?.();
  }

  /** One timer for all calls: at its end, a call that was made before it began has waited too long. */
  #watchForStall(): void {
    if (this.#stallTimer !== null) return;
    const { clock, stallMs } = this.#options;
    const newestCall = this.#lastId;
    this.#stallTimer = clock.schedule(stallMs, () => {
      this.#stallTimer = null;
      const [oldestCall] = this.#pending.keys();
      if (oldestCall === undefined) return;
      if (oldestCall <= newestCall) this.#giveUp();
      else this.#watchForStall();
    });
  }

  #giveUp(): void {
    const { log, stallMs } = this.#options;
    log.error(
      { calls: this.#pending.size, stall_ms: stallMs },
      'a store thread does not answer and is ended',
    );
    if (this.#worker !== null) {
      if (this.#state === 'running') this.#state = 'ending';
      void this.#worker.terminate();
    }
    this.#failAll(`its thread did not answer for ${stallMs} ms`);
  }
}

const unavailable = (got: string): DragomanError =>
  new DragomanError('store_unavailable', `expected an answer of the store, got none: ${got}`);
