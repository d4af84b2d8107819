import { placeAfter, roundForJob } from '../../../jobs/fairness.ts';
import type { Connection } from '../connection.ts';
import { JOB_ROW, type JobRow } from '../rows.ts';

/**
 * The decision of src/jobs/fairness.ts on indexes: `media_turns` holds each bot's place in each pool, the partial
 * indexes of `jobs` order what waits. Nothing here scans more than the bots that may not be served now.
 */

interface Contender {
  readonly pool: string;
  readonly botId: string;
  readonly correspondentId: string;
}

/** Tells the pool that a job of this bot became claimable. Returns the bot's round. */
export function announceArrival(connection: Connection, pool: string, botId: string): number {
  const bot = connection.get<{ place: number; round: number; claimable: number }>(
    'SELECT rowid AS place, round, claimable FROM media_turns WHERE pool = ? AND bot_id = ?',
    pool,
    botId,
  );
  if (bot !== undefined) {
    // Mostly it is claimable already: to write it again would rewrite its place in an index.
    if (bot.claimable === 0) {
      connection.run(
        'UPDATE media_turns SET arrivals = arrivals + 1, claimable = 1 WHERE rowid = ?',
        bot.place,
      );
    }
    return bot.round;
  }
  connection.run(
    'INSERT INTO media_turns (pool, bot_id, turn, round, arrivals, claimable) VALUES (?, ?, 0, 0, 1, 1)',
    pool,
    botId,
  );
  return 0;
}

/** The round of a job that becomes claimable for the first time, or again after a stay in `holding`. */
export function takeRound(connection: Connection, { pool, botId, correspondentId }: Contender): number {
  const botRound = announceArrival(connection, pool, botId);
  const waiting = connection.get<{ round: number }>(
    `SELECT round FROM jobs
     WHERE status = 'pending' AND collection = 'active' AND pool = ? AND bot_id = ? AND correspondent_id = ?
     ORDER BY round DESC LIMIT 1`,
    pool,
    botId,
    correspondentId,
  );
  return roundForJob(botRound, waiting?.round ?? 0);
}

/** `takeRound` for those of a bot's held jobs that are pending, in arrival order. `seqs`: which jobs, a JSON array. */
export function takeRoundsOfHeld(connection: Connection, seqs: string): void {
  connection.run(
    `INSERT INTO media_turns (pool, bot_id, turn, round, arrivals, claimable)
     SELECT pool, bot_id, 0, 0, count(*), 1 FROM jobs
     WHERE seq IN (SELECT value FROM json_each(?)) AND status = 'pending' GROUP BY pool, bot_id ORDER BY min(seq)
     ON CONFLICT (pool, bot_id) DO UPDATE SET arrivals = arrivals + excluded.arrivals, claimable = 1`,
    seqs,
  );
  connection.run(
    `UPDATE jobs SET round = placed.round
     FROM (
       SELECT held.seq,
         max(bot.round, coalesce((
           SELECT max(waiting.round) FROM jobs AS waiting
           WHERE waiting.status = 'pending' AND waiting.collection = 'active' AND waiting.pool = held.pool
             AND waiting.bot_id = held.bot_id AND waiting.correspondent_id = held.correspondent_id), 0))
         + row_number() OVER (PARTITION BY held.pool, held.correspondent_id ORDER BY held.seq) AS round
       FROM jobs AS held JOIN media_turns AS bot ON bot.pool = held.pool AND bot.bot_id = held.bot_id
       WHERE held.seq IN (SELECT value FROM json_each(?)) AND held.status = 'pending'
     ) AS placed
     WHERE jobs.seq = placed.seq`,
    seqs,
  );
}

interface BotRow {
  /** The row's place, which is the order in which the bots came. */
  readonly place: number;
  readonly botId: string;
  readonly round: number;
}

const NEXT_JOB_OF_BOT = `
  SELECT ${JOB_ROW} FROM jobs
  WHERE status = 'pending' AND collection = 'active' AND pool = ? AND bot_id = ?
  ORDER BY round, seq LIMIT 1`;

/** Chooses the bot and the job that are served next and moves the bot behind all others. */
export function takeTurn(connection: Connection, pool: string, cappedBots: readonly string[]): JobRow | null {
  for (;;) {
    const bot = nextBot(connection, pool, cappedBots);
    if (bot === undefined) return null;
    const job = connection.get<JobRow>(NEXT_JOB_OF_BOT, pool, bot.botId);
    if (job !== undefined) {
      markServed(connection, pool, bot, job);
      return job;
    }
    connection.run('UPDATE media_turns SET claimable = 0 WHERE rowid = ?', bot.place);
  }
}

/** Most of the time no bot is at its cap, and a list of them would cost as much as the rest of the look-up. */
const nextBot = (connection: Connection, pool: string, cappedBots: readonly string[]): BotRow | undefined =>
  cappedBots.length === 0
    ? connection.get<BotRow>(
        `SELECT rowid AS place, bot_id AS botId, round FROM media_turns
         WHERE pool = ? AND claimable = 1 ORDER BY turn, rowid LIMIT 1`,
        pool,
      )
    : connection.get<BotRow>(
        `SELECT rowid AS place, bot_id AS botId, round FROM media_turns
         WHERE pool = ? AND claimable = 1 AND bot_id NOT IN (SELECT value FROM json_each(?))
         ORDER BY turn, rowid LIMIT 1`,
        pool,
        JSON.stringify(cappedBots),
      );

function markServed(connection: Connection, pool: string, bot: BotRow, job: JobRow): void {
  const latest = connection.one<{ turn: number }>(
    `SELECT max(
       coalesce((SELECT max(turn) FROM media_turns WHERE pool = ? AND claimable = 1), 0),
       coalesce((SELECT max(turn) FROM media_turns WHERE pool = ? AND claimable = 0), 0)) AS turn`,
    pool,
    pool,
  );
  const { turn, round } = placeAfter(bot, job, latest.turn);
  connection.run('UPDATE media_turns SET turn = ?, round = ? WHERE rowid = ?', turn, round, bot.place);
}
