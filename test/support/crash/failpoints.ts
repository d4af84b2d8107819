import { writeSync } from 'node:fs';

/** A place where a process can be made to die, by name: `accept.after`. */
export interface Failpoints {
  /** The process is there. May never return. */
  reach(name: string): void;
}

/**
 * Kills its own process with SIGKILL when it reaches `name` the `nth` time; nothing runs after that. Prints the name of each
 * failpoint that it comes by.
 */
export class DeadlyFailpoint implements Failpoints {
  readonly #name: string;
  #left: number;
  readonly #seen = new Set<string>();

  constructor(name: string, nth: number) {
    this.#name = name;
    this.#left = nth;
  }

  reach(name: string): void {
    if (!this.#seen.has(name)) writeSync(1, `came by ${name}\n`);
    this.#seen.add(name);
    if (name !== this.#name) return;
    this.#left -= 1;
    if (this.#left > 0) return;
    writeSync(1, `died at ${name}\n`);
    process.kill(process.pid, 'SIGKILL');
    // The signal is on its way: not one more instruction of the program may run.
    for (;;);
  }
}

type Method = (...args: unknown[]) => unknown;

/** Puts another function in place of a method of a class or of one object; it is handed what was there. */
export function replaceMethod(owner: object, method: string, replace: (original: Method) => Method): void {
  const original: unknown = Reflect.get(owner, method);
  if (typeof original !== 'function') throw new TypeError(`expected a method ${method}`);
  const value = replace(original as Method);
  Object.defineProperty(owner, method, { value, configurable: true, writable: true });
}

/**
 * Puts failpoints around a method: `NAME.before`, `NAME.after`, the latter once its promise has resolved. `which`: the calls
 * that are meant; all of them when left out.
 */
export function surround(
  owner: object,
  method: string,
  name: string,
  failpoints: Failpoints,
  which: (...args: unknown[]) => boolean = () => true,
): void {
  replaceMethod(owner, method, (original) => {
    return function (this: unknown, ...args: unknown[]): unknown {
      if (!which(...args)) return Reflect.apply(original, this, args);
      failpoints.reach(`${name}.before`);
      const result: unknown = Reflect.apply(original, this, args);
      if (!(result instanceof Promise)) {
        failpoints.reach(`${name}.after`);
        return result;
      }
      return result.then((value: unknown) => {
        failpoints.reach(`${name}.after`);
        return value;
      });
    };
  });
}
