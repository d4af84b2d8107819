import { perform, type Reply } from '../../src/store/sqlite/calls.ts';
import { serveCalls } from '../../src/store/sqlite/serve-calls.ts';

/** A store thread that can be made to fail in every way a thread can. */
const given: string[] = [];
let groups = 0;

const OPERATIONS = {
  /** Returns how many groups of calls were answered before. */
  groups: (): number => groups,
  /** Returns every text it was ever given in this thread. */
  echo(texts: string[], text: string): string[] {
    texts.push(text);
    return [...texts];
  },
  exit(): void {
    process.exit(1);
  },
  raise(): void {
    throw new Error('raised in the thread');
  },
  /** Returns what cannot be sent. */
  unsendable(): unknown {
    return () => {};
  },
  hang(): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
};

export type FragileOperations = typeof OPERATIONS;

const replies: Reply[] = [];

serveCalls({
  mostCallsTogether: 1,
  take: (batch) => void replies.push(...batch.map((call) => perform(OPERATIONS, given, call))),
  finish() {
    groups += 1;
    return replies.splice(0);
  },
  close: () => given.splice(0),
});
