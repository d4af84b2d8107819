import { describeError, DragomanError } from '../../base/errors.ts';
import type { Withdrawable } from './mailbox.ts';

/** What became of a message: a value, so that no error passes through the transport. */
export type Outcome =
  | { readonly kind: 'reply'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly error: DragomanError };

/** Who is told what became of a message. Only the first outcome counts. */
export interface Caller extends Withdrawable {
  settle(outcome: Outcome): void;
}

/** A message on its way to an actor. */
export interface Envelope {
  readonly topic: string;
  readonly payload: unknown;
  readonly caller: Caller;
}

/** Takes messages for one actor. Resolves once the caller has the outcome; never rejects. */
export interface Receiver {
  receive(envelope: Envelope): Promise<void>;
}

/** Whether an error means broken code, not a state of the world that its code foresaw. */
export const isBug = (error: unknown): boolean =>
  !(error instanceof DragomanError) || error.code === 'invariant_broken';

/** What a caller is told: its own actor must not take another's bug for its own. */
export function failureOf(path: string, topic: string, error: unknown): Outcome {
  if (error instanceof DragomanError && !isBug(error)) return { kind: 'failure', error };
  const message = `expected ${path} to handle ${topic}, it failed: ${describeError(error)}`;
  return { kind: 'failure', error: new DragomanError('actor_failed', message, { cause: error }) };
}
