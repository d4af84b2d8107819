import type { Connection } from '../connection.ts';
import type { Session } from './session.ts';
import type { HeldType } from './job-collections.ts';
import { takeRoundsOfHeld } from './turns.ts';

/**
 * Moves of jobs between the collections as bots come and go. Each operation moves one part, so that writers wait for none
 * that is long. Those of one bot take the next of its jobs in seq order and return the seqs of what they moved.
 */

/** The plus keeps SQLite to the index of leases, where few jobs are. */
const END_LAPSED = `
  UPDATE jobs SET status = 'pending', attempts = attempts + 1, claim_token = NULL, lease_expires_at = NULL
  WHERE status = 'processing' AND lease_expires_at <= ? AND +seq IN (SELECT value FROM json_each(?))`;

/** Which part of a bot's jobs: up to `atMost` of them after `afterSeq`. */
export interface MoveStep {
  readonly botId: string;
  readonly now: number;
  readonly afterSeq: number;
  readonly atMost: number;
}

export function holdJobs({ connection }: Session, step: MoveStep): number[] {
  const seqs = seqsOf(connection, 'active', step);
  moveTo(connection, 'holding', seqs, step.now);
  return seqs;
}

/**
 * Moves those of `seqs` that are active still; those of dead workers become pending. In seq order whoever owns them, for
 * neighbours share pages: bot by bot, each page would be written once for every bot. Returns how many moved.
 */
export function sweepJobs({ connection }: Session, seqs: readonly number[], now: number): number {
  const swept = JSON.stringify(seqs);
  connection.run(`${END_LAPSED} AND collection = 'active'`, now, swept);
  return connection.run(
    `UPDATE jobs SET collection = 'holding', changed_at = ?
     WHERE seq IN (SELECT value FROM json_each(?)) AND collection = 'active'`,
    now,
    swept,
  );
}

/** Those of dead workers become pending; completed ones stay for the reaper. */
export function promoteJobs({ connection }: Session, step: MoveStep): number[] {
  const seqs = seqsOf(connection, 'holding', step);
  endLapsed(connection, seqs, step.now);
  takeRoundsOfHeld(connection, JSON.stringify(seqs));
  moveTo(connection, 'active', seqs, step.now);
  return seqs;
}

/** Held jobs of a MIME type, from one pool to another. */
export interface Reroute extends HeldType {
  readonly newPool: string;
}

export interface RerouteStep {
  readonly reroutes: readonly Reroute[];
  /** Looks at the held jobs after this one, `atMost` of them. */
  readonly afterSeq: number;
  readonly atMost: number;
}

/** Where the step ended, null when nothing is behind it, and how many jobs it moved. */
export interface Rerouted {
  readonly lastSeq: number | null;
  readonly moved: number;
}

export function rerouteHeldJobs(
  { connection }: Session,
  { reroutes, afterSeq, atMost }: RerouteStep,
): Rerouted {
  const seqs = connection
    .all<{ seq: number }>(
      `SELECT seq FROM jobs WHERE collection = 'holding' AND seq > ? ORDER BY seq LIMIT ?`,
      afterSeq,
      atMost,
    )
    .map(({ seq }) => seq);
  const moved = connection.run(
    `UPDATE jobs SET pool = route.value ->> 'newPool' FROM json_each(?) AS route
     WHERE jobs.seq IN (SELECT value FROM json_each(?)) AND jobs.pool = route.value ->> 'pool'
       AND jobs.mime_type = route.value ->> 'mimeType'`,
    JSON.stringify(reroutes),
    JSON.stringify(seqs),
  );
  return { lastSeq: seqs.length < atMost ? null : (seqs.at(-1) ?? null), moved };
}

const SEQS_OF_BOT = 'SELECT seq FROM jobs WHERE bot_id = ? AND collection = ? AND seq > ?';

function seqsOf(
  connection: Connection,
  from: 'active' | 'holding',
  { botId, afterSeq, atMost }: MoveStep,
): number[] {
  const movable = from === 'holding' ? `${SEQS_OF_BOT} AND status <> 'completed'` : SEQS_OF_BOT;
  return connection
    .all<{ seq: number }>(`${movable} ORDER BY seq LIMIT ?`, botId, from, afterSeq, atMost)
    .map(({ seq }) => seq);
}

const endLapsed = (connection: Connection, seqs: readonly number[], now: number): number =>
  connection.run(END_LAPSED, now, JSON.stringify(seqs));

const moveTo = (
  connection: Connection,
  collection: 'active' | 'holding',
  seqs: readonly number[],
  now: number,
): number =>
  connection.run(
    'UPDATE jobs SET collection = ?, changed_at = ? WHERE seq IN (SELECT value FROM json_each(?))',
    collection,
    now,
    JSON.stringify(seqs),
  );
