import { DragomanError } from '../../src/base/errors.ts';
import type { Store } from '../../src/store/store.ts';
import { type Gate, gate } from './actor-kit.ts';

/** Carries a call out by `run`, or not, or late. */
export type Interceptor = (operation: string, run: () => Promise<unknown>) => Promise<unknown>;

/** What only listens does not go to the store and back. */
const LISTENS = /^on[A-Z]/;

/** A store whose every call goes through `intercept`. */
export function interceptStore(store: Store, intercept: Interceptor): Store {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (LISTENS.test(String(name))) return member.bind(target) as unknown;
      return (...args: unknown[]) =>
        intercept(String(name), async () => Reflect.apply(member, target, args) as unknown);
    },
  });
}

/**
 * Of a failing call: `before` nothing was written; `after` all was, and nobody heard of it; `bug` as broken code fails;
 * `damaged` as a file fails that cannot be read; `fenced` as that of another owner.
 */
export type FaultPoint = 'before' | 'after' | 'bug' | 'damaged' | 'fenced';

export const storeAway = (operation: string): DragomanError =>
  new DragomanError('store_unavailable', `${operation}: the store is away`);

/** Makes chosen calls of a store fail or wait, each fault once. */
export class StoreFaults {
  /** The operations that were called, in order. */
  readonly calls: string[] = [];
  readonly #faults = new Map<string, FaultPoint[]>();
  readonly #gates = new Map<string, Gate>();

  /** The next calls of `operation` fail, one for each point. */
  fail(operation: keyof Store, ...points: FaultPoint[]): void {
    this.#faults.set(operation, [...(this.#faults.get(operation) ?? []), ...points]);
  }

  /** Calls of `operation` wait until `release`. */
  hold(operation: keyof Store): void {
    this.#gates.set(operation, gate());
  }

  release(operation: keyof Store): void {
    this.#gates.get(operation)?.open();
    this.#gates.delete(operation);
  }

  readonly intercept: Interceptor = async (operation, run) => {
    this.calls.push(operation);
    await this.#gates.get(operation)?.passed;
    const fault = this.#faults.get(operation)?.shift();
    if (fault === 'before') throw storeAway(operation);
    if (fault === 'bug') throw new TypeError('a bug');
    if (fault === 'damaged') throw new DragomanError('store_corrupt', `${operation}: the row is damaged`);
    if (fault === 'fenced') throw new DragomanError('fenced', `${operation}: another owner was there`);
    const result = await run();
    if (fault === 'after') throw storeAway(operation);
    return result;
  };
}
