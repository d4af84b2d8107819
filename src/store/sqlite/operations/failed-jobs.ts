import type { Guid } from '../../../base/ids.ts';
import type { JobCollection } from '../../../jobs/job.ts';
import type { FailedJobProblem } from '../../failed-job-store.ts';
import type { Connection } from '../connection.ts';
import { NO_ROUND } from './jobs.ts';
import { enqueue, type EnqueuedRow } from './messages.ts';
import { ownedChat, type Session } from './session.ts';
import { takeRound } from './turns.ts';

/** What a person does about jobs that ended in failure. */

const collectionOf = (connection: Connection, guid: Guid): JobCollection | undefined =>
  connection.get<{ collection: JobCollection }>('SELECT collection FROM jobs WHERE guid = ?', guid)
    ?.collection;

export function dropFailedJob({ connection }: Session, guid: Guid): 'dropped' | FailedJobProblem {
  const dropped = connection.run(`DELETE FROM jobs WHERE guid = ? AND collection = 'failed'`, guid);
  if (dropped > 0) return 'dropped';
  return collectionOf(connection, guid) === undefined ? 'not_found' : 'not_failed';
}

export interface RetryRow extends EnqueuedRow {
  readonly guid: Guid;
  readonly mimeType: string;
  readonly pool: string;
  readonly collection: 'active' | 'holding';
  readonly now: number;
}

export function retryFailedJob(session: Session, row: RetryRow): 'retried' | FailedJobProblem {
  const { connection } = session;
  const { key, guid, pool, collection } = row;
  const { botId, correspondentId } = key;
  const chat = ownedChat(session, key);
  const job = connection.get<{ collection: JobCollection }>(
    `SELECT collection FROM jobs
     WHERE guid = ? AND bot_id = ? AND provider_name = ? AND correspondent_id = ?`,
    guid,
    botId,
    key.providerName,
    correspondentId,
  );
  if (job === undefined) return 'not_found';
  if (job.collection !== 'failed') return 'not_failed';
  enqueue(connection, chat, row);
  const round = collection === 'active' ? takeRound(connection, { pool, botId, correspondentId }) : NO_ROUND;
  connection.run(
    `UPDATE jobs SET collection = ?, status = 'pending', mime_type = ?, pool = ?, round = ?, attempts = 0, result = NULL,
       error = NULL, created_at = ?, changed_at = ?, staged_at = ?, claimed_at = NULL, completed_at = NULL
     WHERE guid = ?`,
    collection,
    row.mimeType,
    pool,
    round,
    row.now,
    row.now,
    row.now,
    guid,
  );
  connection.run(
    'UPDATE job_placeholders SET message = ? WHERE seq = (SELECT seq FROM jobs WHERE guid = ?)',
    row.message,
    guid,
  );
  return 'retried';
}
