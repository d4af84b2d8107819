import { randomUUID } from 'node:crypto';
import type { Guid } from '../../../base/ids.ts';
import type { CorrespondentKey, JobCollection } from '../../../jobs/job.ts';
import { claimablePool } from '../../job-records.ts';
import type { ClaimHandle, ClaimRequest } from '../../work-store.ts';
import type { Connection } from '../connection.ts';
import { JOB_ROW, type JobRow, type NewJobRow } from '../rows.ts';
import type { Session } from './session.ts';
import { announceArrival, takeRound, takeTurn } from './turns.ts';

/** Before a job is claimable for the first time. */
export const NO_ROUND = 0;

/** `accepted`: the message that comes with it. */
export function insertJob(
  connection: Connection,
  key: CorrespondentKey,
  job: NewJobRow,
  accepted: string,
): void {
  const { botId, correspondentId } = key;
  const pool = claimablePool(job);
  const round = pool === null ? NO_ROUND : takeRound(connection, { pool, botId, correspondentId });
  const seq = connection.insert(
    `INSERT INTO jobs (guid, collection, bot_id, provider_name, correspondent_id, status, pool, round, attempts,
       created_at, changed_at, staged_at, mime_type, original_filename, error, media_metadata)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)`,
    job.guid,
    job.collection,
    botId,
    key.providerName,
    correspondentId,
    job.status,
    job.pool,
    round,
    job.createdAt,
    job.createdAt,
    job.stagedAt,
    job.mimeType,
    job.originalFilename,
    job.error,
    job.mediaMetadata,
  );
  connection.run('INSERT INTO job_placeholders VALUES (?, ?)', seq, job.placeholderMessage ?? accepted);
}

/** Deletes a live job, or keeps it as failed when there is an error. Failed jobs stay. Returns how many ended. */
export const endJob = (connection: Connection, guid: Guid, error: string | null, now: number): number =>
  error === null
    ? connection.run(`DELETE FROM jobs WHERE guid = ? AND collection <> 'failed'`, guid)
    : connection.run(
        `UPDATE jobs SET collection = 'failed', status = 'completed', error = ?, claim_token = NULL,
           lease_expires_at = NULL, available_at = NULL, changed_at = ?
         WHERE guid = ? AND collection <> 'failed'`,
        error,
        now,
        guid,
      );

/** `complete` and `endJob` at once. False: the token is stale. */
export const endClaimedJob = (
  connection: Connection,
  { guid, claimToken }: ClaimHandle,
  { words, error }: CompletionRow,
  { completedAt, endedAt }: { readonly completedAt: number; readonly endedAt: number },
): boolean =>
  (error === null
    ? connection.run('DELETE FROM jobs WHERE guid = ? AND claim_token = ?', guid, claimToken)
    : connection.run(
        `UPDATE jobs SET collection = 'failed', status = 'completed', result = ?, error = ?, attempts = attempts + 1,
           claim_token = NULL, lease_expires_at = NULL, completed_at = ?, changed_at = ?
         WHERE guid = ? AND claim_token = ?`,
        words,
        error,
        completedAt,
        endedAt,
        guid,
        claimToken,
      )) > 0;

export const discardJob = ({ connection }: Session, guid: Guid, error: string | null, now: number): boolean =>
  endJob(connection, guid, error, now) > 0;

export const jobByGuid = ({ connection }: Session, guid: Guid): JobRow | undefined =>
  connection.get(`SELECT ${JOB_ROW} FROM jobs WHERE guid = ?`, guid);

interface StageRow {
  readonly status: JobRow['status'];
  readonly collection: JobCollection;
  readonly botId: string;
  readonly correspondentId: string;
}

export interface StagedRow {
  readonly mimeType: string;
  readonly pool: string;
  readonly mediaMetadata: string;
}

export function stage(
  { connection }: Session,
  guid: Guid,
  staged: StagedRow,
  now: number,
): 'pending' | 'already' | 'unknown' {
  const job = connection.get<StageRow>(
    `SELECT status, collection, bot_id AS botId, correspondent_id AS correspondentId FROM jobs
     WHERE guid = ? AND collection <> 'failed'`,
    guid,
  );
  if (job === undefined) return 'unknown';
  if (job.status !== 'downloading') return 'already';
  const { botId, correspondentId } = job;
  const { pool } = staged;
  const round =
    job.collection === 'active' ? takeRound(connection, { pool, botId, correspondentId }) : NO_ROUND;
  connection.run(
    `UPDATE jobs SET status = 'pending', pool = ?, round = ?, mime_type = ?, media_metadata = ?, staged_at = ?,
       changed_at = ?
     WHERE guid = ?`,
    pool,
    round,
    staged.mimeType,
    staged.mediaMetadata,
    now,
    now,
    guid,
  );
  return 'pending';
}

export function claim({ connection }: Session, request: ClaimRequest): JobRow | undefined {
  const job = takeTurn(connection, request.pool, request.cappedBots);
  if (job === null) return undefined;
  const { now } = request;
  const claimToken = randomUUID();
  const leaseExpiresAt = now + request.leaseMs;
  connection.run(
    `UPDATE jobs SET status = 'processing', claim_token = ?, lease_expires_at = ?, claimed_at = ?,
       changed_at = ?
     WHERE seq = ?`,
    claimToken,
    leaseExpiresAt,
    now,
    now,
    job.seq,
  );
  // In place: the row is nobody else's, and a copy of so many columns costs as much as a statement.
  return Object.assign(job, {
    status: 'processing',
    claim_token: claimToken,
    lease_expires_at: leaseExpiresAt,
    claimed_at: now,
    changed_at: now,
  } as const);
}

export const heartbeat = (
  { connection }: Session,
  { guid, claimToken }: ClaimHandle,
  leaseExpiresAt: number,
): boolean =>
  connection.run(
    'UPDATE jobs SET lease_expires_at = ? WHERE guid = ? AND claim_token = ?',
    leaseExpiresAt,
    guid,
    claimToken,
  ) > 0;

export interface CompletionRow {
  readonly words: string;
  /** Null: the attempt gave a result. */
  readonly error: string | null;
}

export const complete = (
  { connection }: Session,
  { guid, claimToken }: ClaimHandle,
  { words, error }: CompletionRow,
  now: number,
): boolean =>
  connection.run(
    `UPDATE jobs SET status = 'completed', result = ?, error = ?, attempts = attempts + ?, claim_token = NULL,
       lease_expires_at = NULL, completed_at = ?, changed_at = ?
     WHERE guid = ? AND claim_token = ?`,
    words,
    error,
    error === null ? 0 : 1,
    now,
    now,
    guid,
    claimToken,
  ) > 0;

interface GivenBackRow {
  readonly collection: JobCollection;
  readonly pool: string;
  readonly botId: string;
}

export function release({ connection }: Session, { guid, claimToken }: ClaimHandle, now: number): boolean {
  const job = connection.get<GivenBackRow>(
    `UPDATE jobs SET status = 'pending', claim_token = NULL, lease_expires_at = NULL, changed_at = ?
     WHERE guid = ? AND claim_token = ? RETURNING collection, pool, bot_id AS botId`,
    now,
    guid,
    claimToken,
  );
  if (job?.collection === 'active') announceArrival(connection, job.pool, job.botId);
  return job !== undefined;
}

export const postpone = (
  { connection }: Session,
  { guid, claimToken }: ClaimHandle,
  availableAt: number,
  error: string | null,
  now: number,
): boolean =>
  connection.run(
    `UPDATE jobs SET status = 'waiting', available_at = ?, error = ?, attempts = attempts + 1, claim_token = NULL,
       lease_expires_at = NULL, changed_at = ?
     WHERE guid = ? AND claim_token = ?`,
    availableAt,
    error,
    now,
    guid,
    claimToken,
  ) > 0;

export interface RevivedRows {
  readonly pools: string[];
  readonly poisoned: JobRow[];
  readonly nextDueAt: number | null;
}

/** `poison`: the error of a job whose every attempt killed its worker. */
export function reviveJobs(
  { connection }: Session,
  now: number,
  maxAttempts: number,
  poison: string,
): RevivedRows {
  const poisoned = connection.all<JobRow>(
    `UPDATE jobs SET status = 'completed', error = ?, attempts = attempts + 1, claim_token = NULL,
       lease_expires_at = NULL, completed_at = ?, changed_at = ?
     WHERE status = 'processing' AND lease_expires_at <= ? AND attempts + 1 >= ? RETURNING ${JOB_ROW}`,
    poison,
    now,
    now,
    now,
    maxAttempts,
  );
  const lapsed = connection.all<GivenBackRow>(
    `UPDATE jobs SET status = 'pending', attempts = attempts + 1, claim_token = NULL, lease_expires_at = NULL,
       changed_at = ?
     WHERE status = 'processing' AND lease_expires_at <= ? RETURNING collection, pool, bot_id AS botId`,
    now,
    now,
  );
  const due = connection.all<GivenBackRow>(
    `UPDATE jobs SET status = 'pending', available_at = NULL, changed_at = ?
     WHERE status = 'waiting' AND available_at <= ? RETURNING collection, pool, bot_id AS botId`,
    now,
    now,
  );
  const claimable = [...lapsed, ...due].filter(({ collection }) => collection === 'active');
  for (const { pool, botId } of claimable) announceArrival(connection, pool, botId);
  return {
    pools: [...new Set(claimable.map(({ pool }) => pool))],
    poisoned: poisoned.toSorted((a, b) => a.seq - b.seq),
    nextDueAt: nextDueAt(connection),
  };
}

function nextDueAt(connection: Connection): number | null {
  const due = connection.one<{ at: number | null }>(
    `SELECT min(at) AS at FROM (
       SELECT min(lease_expires_at) AS at FROM jobs WHERE status = 'processing'
       UNION ALL SELECT min(available_at) FROM jobs WHERE status = 'waiting')`,
  );
  return due.at;
}
