import { createRequire } from 'node:module';
import type { Clock, Timer } from '../../../src/base/clock.ts';
import type { SeededChoices } from './seeded-choices.ts';

/** comedy's promises would take a macrotask for every turn; as microtasks, one turn of the loop settles everything. */
const fromComedy = createRequire(createRequire(import.meta.url).resolve('comedy'));
const bluebird = fromComedy('bluebird') as { setScheduler(schedule: (task: () => void) => void): void };
bluebird.setScheduler(queueMicrotask);

/**
 * Node keeps every signal made of others, with all that listens to it, until one of those aborts: with a process that was killed none
 * does, and its whole memory would stay.
 */
AbortSignal.any = (signals) => {
  const either = new AbortController();
  for (const signal of signals) {
    const follow = (): void => either.abort(signal.reason);
    if (signal.aborted) follow();
    else signal.addEventListener('abort', follow, { once: true });
  }
  return either.signal;
};

interface Event {
  readonly dueAt: number;
  /** Among those due at the same instant the seed decides. */
  readonly tie: number;
  readonly task: () => void;
  cancelled: boolean;
}

const isBefore = (a: Event, b: Event): boolean => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.tie < b.tie);

/**
 * The one clock and scheduler of a simulation.
 *   V1 Time passes only from one event to the next, and everything that follows from an event is done before the next.
 *   V2 The order of events depends on the seed alone.
 */
export class VirtualTime {
  /** Milliseconds since the simulation began; monotonic. */
  now = 0;
  steps = 0;
  readonly #choices: SeededChoices;
  readonly #heap: Event[] = [];

  constructor(choices: SeededChoices) {
    this.#choices = choices;
  }

  after(delayMs: number, task: () => void): Timer {
    const dueAt = this.now + Math.max(delayMs, 0);
    const event: Event = { dueAt, tie: this.#choices.fraction(), task, cancelled: false };
    this.#push(event);
    return { cancel: () => (event.cancelled = true) };
  }

  /** Resolves so much later. */
  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.after(delayMs, resolve));
  }

  /** Runs the next event and all that follows from it. False: there is none. */
  async step(): Promise<boolean> {
    const event = this.#pop();
    if (event === null) return false;
    this.now = event.dueAt;
    this.steps += 1;
    event.task();
    await settled();
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return null;
      this.#removeFirst();
      if (!first.cancelled) return first;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let child = heap[left];
      if (child === undefined) break;
      let next = left;
      const other = heap[right];
      if (other !== undefined && isBefore(other, child)) {
        child = other;
        next = right;
      }
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = next;
    }
    heap[at] = last;
  }
}

/** Callbacks of one turn of the loop: to go round it for each step costs more than many a step. */
const TURN = 256;
let left = 0;
let goOn: (() => void) | null = null;

/** Resolves when no promise is left that could settle by itself: such promises do between two callbacks of one turn too. */
function settled(): Promise<void> {
  const over = new Promise<void>((resolve) => (goOn = resolve));
  if (left === 0) for (; left < TURN; left += 1) setImmediate(settle);
  return over;
}

function settle(): void {
  left -= 1;
  goOn?.();
  goOn = null;
}

/**
 * What one process takes for the time: the wall clock when it started, and virtual time since. After `end` no timer of it
 * fires any more, as after kill -9.
 */
export class ProcessClock implements Clock {
  /** Timers that have neither fired nor been cancelled. */
  pendingTimers = 0;
  readonly #time: VirtualTime;
  readonly #offset: number;
  #ended = false;

  constructor(time: VirtualTime, wallAtStart: number) {
    this.#time = time;
    this.#offset = wallAtStart - time.now;
  }

  now(): number {
    return Math.floor(this.#time.now + this.#offset);
  }

  schedule(delayMs: number, task: () => void): Timer {
    this.pendingTimers += 1;
    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      this.pendingTimers -= 1;
      return true;
    };
    const timer = this.#time.after(delayMs, () => {
      if (end() && !this.#ended) task();
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  }

  end(): void {
    this.#ended = true;
  }
}
