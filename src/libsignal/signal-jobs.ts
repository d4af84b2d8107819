import { createRequire } from 'node:module';
import { Lanes } from '../base/lanes.ts';

/** A cipher, or a session's builder. */
interface Addressed {
  readonly addr: { toString(): string };
}

type Method = (this: Addressed, ...args: readonly unknown[]) => Promise<unknown>;

/** Those that queue a job under their address. */
const QUEUEING: readonly (readonly [className: string, method: string])[] = [
  ['SessionCipher', 'queueJob'],
  ['SessionBuilder', 'initOutgoing'],
];
const IN_TURN = Symbol.for('dragoman: signal jobs take turns');

const addresses = new Lanes();

/**
 * Lets each of libsignal's jobs run in its own caller's async context. libsignal has one queue per address for the whole
 * process, and works it off in the context of whoever came first. Baileys keeps its transactions in that context: while
 * two accounts of one process deal with the same person, a step of one's ratchet would be written into a transaction
 * that is over, or beside the one that it belongs to, and the next message of that person would be lost.
 * Here every job waits for its turn before it reaches that queue, which is then empty, so that it brings its own context.
 */
export function keepSignalJobsApart(): void {
  const baileys = createRequire(import.meta.url).resolve('@whiskeysockets/baileys');
  const libsignal: unknown = createRequire(baileys)('libsignal');
  for (const [className, method] of QUEUEING) {
    const prototype: unknown = Reflect.get(fieldOf(libsignal, className), 'prototype');
    const original: unknown = Reflect.get(Object(prototype), method);
    if (typeof original !== 'function') throw new TypeError(`expected ${className}.${method} in libsignal`);
    if (Reflect.has(original, IN_TURN)) continue;
    Reflect.set(Object(prototype), method, taking(original));
  }
}

// oxlint-disable-next-line typescript/no-unsafe-function-type -- as libsignal has it
function taking(original: Function): Method {
  const inOneTurn: Method = function (this: Addressed, ...args) {
    return addresses.run([this.addr.toString()], async () => {
      const result: unknown = await Reflect.apply(original, this, args);
      return result;
    });
  };
  return Object.assign(inOneTurn, { [IN_TURN]: true });
}

function fieldOf(holder: unknown, name: string): object {
  const field: unknown = Reflect.get(Object(holder), name);
  return Object(field);
}
