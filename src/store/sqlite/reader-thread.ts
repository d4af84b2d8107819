import { workerData } from 'node:worker_threads';
import { type Call, failed, perform, type Reply } from './calls.ts';
import { Connection } from './connection.ts';
import { READS } from './operations/reads.ts';
import { serveCalls } from './serve-calls.ts';
import { breaksHandle, groupFailure } from './sqlite-errors.ts';

const { file }: { readonly file: string } = workerData;
let connection: Connection | null = null;

function close(): void {
  connection?.close();
  connection = null;
}

function read(call: Call): Reply {
  try {
    connection ??= Connection.forReading(file);
    return perform(READS, connection, call);
  } catch (error) {
    if (!breaksHandle(error)) return failed(call, error);
    close();
    return failed(call, groupFailure(file, error));
  }
}

let replies: Reply[] = [];

serveCalls({
  mostCallsTogether: 1,
  take: (calls) => void replies.push(...calls.map(read)),
  finish() {
    const answered = replies;
    replies = [];
    return answered;
  },
  close,
});
