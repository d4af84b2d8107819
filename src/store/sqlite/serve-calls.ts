import { parentPort, receiveMessageOnPort } from 'node:worker_threads';
import type { Call, Reply } from './calls.ts';

/** What a thread is sent: the calls of one tick, or, after its last reply, the wish that it ends. */
export type ThreadMessage = readonly Call[] | 'close';

/** The thread's side of a `StoreThread`. */
export interface CallServer {
  /** Calls that wait already are carried out together, up to about this many. */
  readonly mostCallsTogether: number;
  run(calls: readonly Call[]): Reply[];
  close(): void;
}

/** Answers the calls that come to this thread, in order, until it is told to close. */
export function serveCalls(server: CallServer): void {
  const port = parentPort;
  if (port === null) return;
  const takeWaiting = (): readonly Call[] => {
    const waiting = receiveMessageOnPort(port);
    return waiting?.message ?? [];
  };
  port.on('message', (message: ThreadMessage) => {
    if (message === 'close') {
      server.close();
      port.close();
      return;
    }
    let calls = message;
    while (calls.length < server.mostCallsTogether) {
      const waiting = takeWaiting();
      if (waiting.length === 0) break;
      calls = [...calls, ...waiting];
    }
    port.postMessage(server.run(calls));
  });
}
