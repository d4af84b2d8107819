import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { batchesOf } from '../../base/batches.ts';
import type { Call, Reply } from './calls.ts';

/** Calls of one tick. `more`: others of the same tick follow. */
export interface CallsMessage {
  readonly calls: readonly Call[];
  readonly more: boolean;
}

/** What a thread is sent: calls, or, after its last reply, the wish that it ends. */
export type ThreadMessage = CallsMessage | 'close';

/** Replies to calls that were carried out together. `more`: others of them follow. */
export interface RepliesMessage {
  readonly replies: readonly Reply[];
  readonly more: boolean;
}

/** So many replies are sent at a time: the callers of the first ones go on while the rest are on their way. */
const REPLIES_TOGETHER = 32;

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
 * while the other thread is still making the rest of them, and answers none before all are carried out.
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
    sendInParts(port, server.finish());
  });
}

function sendInParts(port: MessagePort, replies: readonly Reply[]): void {
  let left = replies.length;
  for (const part of batchesOf(replies, REPLIES_TOGETHER)) {
    left -= part.length;
    port.postMessage({ replies: part, more: left > 0 } satisfies RepliesMessage);
  }
}
