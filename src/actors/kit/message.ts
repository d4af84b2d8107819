import { describeError, DragomanError } from '../../base/errors.ts';
import type { Withdrawable } from './mailbox.ts';

/** A message on its way to an actor. */
export interface Envelope {
  readonly topic: string;
  readonly payload: unknown;
  readonly traceId: string | null;
  /** Who waits for the outcome; null for a tell. */
  readonly caller: Withdrawable | null;
}

/** What became of a message. Returned, never thrown, so that no error passes through the transport. */
export type Outcome =
  | { readonly kind: 'reply'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly error: DragomanError };

/** Takes messages for one actor. Never rejects. */
export interface Receiver {
  receive(envelope: Envelope): Promise<Outcome>;
}

/** Whether an error means broken code, not a state of the world that its code foresaw. */
export const isBug = (error: unknown): boolean =>
  !(error instanceof DragomanError) || error.code === 'invariant_broken';

/** What a caller is told: its own actor must not take another's bug for its own. */
export function failureFor(path: string, topic: string, error: unknown): Outcome {
  if (error instanceof DragomanError && !isBug(error)) return { kind: 'failure', error };
  const message = `expected ${path} to handle ${topic}, it failed: ${describeError(error)}`;
  return { kind: 'failure', error: new DragomanError('actor_failed', message, { cause: error }) };
}
