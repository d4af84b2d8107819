import type { BotJobsPage, JobCount, JobQuery } from '../../job-store.ts';
import type { Connection } from '../connection.ts';
import { JOB_ROW, type JobRow } from '../rows.ts';

/** What lists jobs. */

export const jobsOfBot = (
  connection: Connection,
  botId: string,
  { collection, statuses, changedBefore, afterSeq, limit }: BotJobsPage,
): JobRow[] =>
  connection.all(
    `SELECT ${JOB_ROW} FROM jobs
     WHERE bot_id = ?1 AND collection = ?2 AND seq > ?3 AND changed_at < ?4
       AND (?5 IS NULL OR status IN (SELECT value FROM json_each(?5)))
     ORDER BY seq LIMIT ?6`,
    botId,
    collection,
    afterSeq,
    changedBefore ?? Number.MAX_SAFE_INTEGER,
    statuses === undefined ? null : JSON.stringify(statuses),
    limit,
  );

/** In order. The index by bot and collection is all that is read, however many failed jobs there are. */
export const activeSeqs = (connection: Connection): number[] =>
  connection
    .all<{ seq: number }>(
      `SELECT seq FROM jobs INDEXED BY jobs_by_bot WHERE collection = 'active' ORDER BY seq`,
    )
    .map(({ seq }) => seq);

export const countJobs = (connection: Connection): JobCount[] =>
  connection.all(
    `SELECT pool, collection, status, count(*) AS count, min(created_at) AS oldestCreatedAt FROM jobs
     GROUP BY pool, collection, status`,
  );

export function listJobs(
  connection: Connection,
  { collection, filter, beforeSeq, limit }: JobQuery,
): JobRow[] {
  const conditions = new Map<string, string | number | null | undefined>([
    ['bot_id = ?', filter.botId],
    ['pool = ?', filter.pool],
    ['status = ?', filter.status],
    ['seq < ?', beforeSeq],
  ]);
  // The collection stands in the text, or the index of the failed jobs could not be used.
  let sql = `SELECT ${JOB_ROW} FROM jobs WHERE collection = '${collection}'`;
  const values: (string | number)[] = [];
  for (const [condition, value] of conditions) {
    if (value === null || value === undefined) continue;
    sql += ` AND ${condition}`;
    values.push(value);
  }
  return connection.all(`${sql} ORDER BY seq DESC LIMIT ?`, ...values, limit);
}

/** What held jobs wait for a pool as. */
export interface HeldType {
  readonly pool: string;
  readonly mimeType: string;
}

export const heldTypes = (connection: Connection): HeldType[] =>
  connection.all(
    `SELECT DISTINCT pool, mime_type AS mimeType FROM jobs WHERE collection = 'holding' AND pool IS NOT NULL`,
  );
