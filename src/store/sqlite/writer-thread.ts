import { workerData } from 'node:worker_threads';
import { Connection } from './connection.ts';
import { GroupCommit } from './group-commit.ts';
import { WRITES } from './operations/writes.ts';
import { serveCalls } from './serve-calls.ts';

/** Enough to spread an fsync thin, few enough that the first caller does not wait long for the last. */
const MOST_CALLS_IN_GROUP = 512;

const store: { readonly file: string; readonly fence: number } = workerData;
const group = new GroupCommit(store, WRITES, (file) => Connection.forWriting(file));

serveCalls({
  mostCallsTogether: MOST_CALLS_IN_GROUP,
  take: (calls) => group.take(calls),
  finish: () => group.finish(),
  close: () => group.close(),
});
