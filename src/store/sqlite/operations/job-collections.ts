import type { Guid } from '../../../base/ids.ts';
import type { JobCollection, JobStatus } from '../../../jobs/job.ts';
import type { BotRecord, JobCount } from '../../store.ts';
import type { Connection } from '../connection.ts';
import type { JobRow } from '../rows.ts';
import type { Session } from './session.ts';
import { takeRoundsOfHeld } from './turns.ts';

/** Moves of jobs between the collections as bots come and go, and what lists them. A move is one UPDATE. */

export function sweepToHolding({ connection }: Session, now: number): number {
  connection.run(
    `UPDATE jobs SET status = 'pending', attempts = attempts + 1, claim_token = NULL, lease_expires_at = NULL
     WHERE collection = 'active' AND status = 'processing' AND lease_expires_at <= ?`,
    now,
  );
  return connection.run(
    `UPDATE jobs SET collection = 'holding', changed_at = ? WHERE collection = 'active'`,
    now,
  );
}

export const holdJobs = ({ connection }: Session, botId: string, now: number): number =>
  connection.run(
    `UPDATE jobs SET collection = 'holding', changed_at = ? WHERE bot_id = ? AND collection = 'active'`,
    now,
    botId,
  );

export function promoteJobs({ connection }: Session, botId: string, now: number): number {
  connection.run(
    `UPDATE jobs SET status = 'pending', attempts = attempts + 1, claim_token = NULL, lease_expires_at = NULL
     WHERE bot_id = ? AND collection = 'holding' AND status = 'processing' AND lease_expires_at <= ?`,
    botId,
    now,
  );
  takeRoundsOfHeld(connection, botId);
  return connection.run(
    `UPDATE jobs SET collection = 'active', changed_at = ?
     WHERE bot_id = ? AND collection = 'holding' AND status <> 'completed'`,
    now,
    botId,
  );
}

export const jobsOfBot = (
  connection: Connection,
  botId: string,
  collection: JobCollection,
  statuses: readonly JobStatus[] | null,
): JobRow[] =>
  statuses === null
    ? connection.all('SELECT * FROM jobs WHERE bot_id = ? AND collection = ? ORDER BY seq', botId, collection)
    : connection.all(
        `SELECT * FROM jobs
         WHERE bot_id = ? AND collection = ? AND status IN (SELECT value FROM json_each(?)) ORDER BY seq`,
        botId,
        collection,
        JSON.stringify(statuses),
      );

export const jobByGuid = (connection: Connection, guid: Guid): JobRow | undefined =>
  connection.get('SELECT * FROM jobs WHERE guid = ?', guid);

export const countJobs = (connection: Connection): JobCount[] =>
  connection.all(
    `SELECT pool, collection, status, count(*) AS count, min(created_at) AS oldestCreatedAt FROM jobs
     GROUP BY pool, collection, status`,
  );

export const saveBot = ({ connection }: Session, bot: BotRecord): void => {
  connection.run(
    'INSERT OR REPLACE INTO bots VALUES (?, ?, ?, ?)',
    bot.botId,
    bot.providerName,
    bot.gatewayId,
    bot.createdAt,
  );
};

export const bots = (connection: Connection): BotRecord[] =>
  connection.all(
    `SELECT bot_id AS botId, provider_name AS providerName, gateway_id AS gatewayId, created_at AS createdAt
     FROM bots ORDER BY bot_id`,
  );
