import { statSync } from 'node:fs';
import { describeError } from '../../base/errors.ts';
import type { DatabaseState } from '../../store/mongo/inspect-database.ts';
import { inspectFile } from '../../store/sqlite/inspect-file.ts';
import { type Config, storeLocation } from '../../system/config.ts';
import { failing, type Finding, ok, warning } from './check.ts';

const CALL_DEADLINE_MS = 5_000;
/** Leases on MongoDB are the server's time; what people read is this host's. */
const LARGEST_SKEW_MS = 2_000;
/** No Dragoman ran before. */
const EARLIEST_NOW = Date.UTC(2025, 0);
const FINISH_COPY = 'run the same `dragoman store migrate` again to its end';
const NEWER = 'update Dragoman, or restore the backup made before the update';

export async function checkStore(config: Config): Promise<readonly Finding[]> {
  const location = storeLocation(config);
  switch (location.kind) {
    case 'sqlite':
      return [checkFile(location.file), checkClock(location.file)];
    case 'mongodb':
      return checkDatabase(location.url);
  }
}

function checkFile(file: string): Finding {
  const state = inspectFile(file);
  switch (state.kind) {
    case 'missing':
      return ok('store', `${file} (made at start)`);
    case 'foreign':
      return failing(
        'store',
        `${file}: ${state.reason}`,
        'put a backup in its place, or move it away to start empty',
      );
    case 'unreadable':
      return failing(
        'store',
        `${file}: ${state.reason}`,
        'see that its folder can be read and written and has space left; leave the file as it is',
      );
    case 'store': {
      const found = `${file}, schema ${state.schema}${state.inUse ? ', in use by a running Dragoman' : ''}`;
      if (state.schema > state.newestSchema) return failing('store', found, NEWER);
      if (state.unfinishedCopy) return failing('store', `${found}, an unfinished copy`, FINISH_COPY);
      return ok('store', found);
    }
  }
}

/** A clock that was set back since the store was written, or was never set. */
function checkClock(file: string): Finding {
  const now = Date.now();
  const found = new Date(now).toISOString();
  const writtenAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (now >= EARLIEST_NOW && writtenAt <= now + LARGEST_SKEW_MS) return ok('clock', found);
  const reason =
    now < EARLIEST_NOW ? 'is long past' : `but the store was written at ${new Date(writtenAt).toISOString()}`;
  return warning('clock', `${found} ${reason}`, "set this host's clock, for instance by chrony");
}

async function checkDatabase(url: string): Promise<readonly Finding[]> {
  const { inspectDatabase } = await import('../../store/mongo/inspect-database.ts');
  try {
    const state = await inspectDatabase(url, CALL_DEADLINE_MS, Date.now);
    const schema = state.schema === null ? 'empty' : `schema ${state.schema}`;
    return [storeFinding(`MongoDB at ${state.server}, ${schema}`, state), clockFinding(state.clockAheadMs)];
  } catch (error) {
    return [
      failing('store', describeError(error), 'start MongoDB, or correct the store in the configuration'),
    ];
  }
}

function storeFinding(found: string, state: DatabaseState): Finding {
  if (!state.replicaSet) {
    return failing(
      'store',
      `${found}, a single server`,
      'start it with --replSet (one node is enough) and initiate the set',
    );
  }
  if ((state.schema ?? 0) > state.newestSchema) return failing('store', found, NEWER);
  if (state.unfinishedCopy) return failing('store', `${found}, an unfinished copy`, FINISH_COPY);
  return ok('store', found);
}

function clockFinding(aheadMs: number): Finding {
  const found = `${Math.abs(Math.round(aheadMs))} ms from MongoDB's`;
  if (Math.abs(aheadMs) <= LARGEST_SKEW_MS) return ok('clock', found);
  return warning('clock', found, 'synchronise both hosts, for instance by chrony');
}
