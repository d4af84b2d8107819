import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import type { Call, Reply } from './calls.ts';

/** Calls of one tick. `more`: others of the same tick follow. */
export interface CallsMessage {
  readonly calls: readonly Call[];
  readonly more: boolean;
}

/** What a thread is sent: calls, or, after its last reply, the wish that it ends. */
export type ThreadMessage = CallsMessage | 'close';

/** The thread's side of a `StoreThread`. */
export interface CallServer {
  /** Calls that wait already are carried out together, up to about this many. */
  readonly mostCallsTogether: number;
  /** Carries calls out. */
  take(calls: readonly Call[]): void;
  /** The replies to what was taken since the last time. */
  finish(): Reply[];
  close(): void;
}

/**
 * Answers the calls that come to this thread, in order, until it is told to close. It begins with the calls of a tick
 * while the other thread is still making the rest of them, and answers them all at once.
 */
export function serveCalls(server: CallServer): void {
  const port = parentPort;
  if (port === null) return;
  const group = { taken: 0, isComplete: true };
  const take = ({ calls, more }: CallsMessage): void => {
    server.take(calls);
    group.taken += calls.length;
    group.isComplete = !more;
  };
  const takeWaiting = (): boolean => {
    const waiting: { readonly message: CallsMessage } | undefined = receiveMessageOnPort(port);
    if (waiting !== undefined) take(waiting.message);
    return waiting !== undefined;
  };
  port.on('message', (message: ThreadMessage) => {
    if (message === 'close') {
      server.close();
      port.close();
      return;
    }
    take(message);
    while ((!group.isComplete || group.taken < server.mostCallsTogether) && takeWaiting());
    if (!group.isComplete) return;
    group.taken = 0;
    port.postMessage(server.finish());
  });
}
