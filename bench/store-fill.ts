import { DatabaseSync } from 'node:sqlite';

/** Fills a store's file behind the closed store's back: by way of the store, a million rows would take minutes. */

const QUIET_BOT_EVERY = 1_000;
const CHATS = 200;

/** The rows 2 … `?` of a table of numbers. */
const NUMBERS = 'WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)';

/**
 * Copies the file's only pending job until there are `jobs`, for the bots of the file in turn or, `isLopsided`, with all
 * but one in a thousand the first bot's.
 */
export function fillJobs(file: string, jobs: number, isLopsided: boolean): void {
  using database = new DatabaseSync(file);
  const bots = database
    .prepare('SELECT DISTINCT bot_id AS bot FROM media_turns ORDER BY rowid')
    .all()
    .map(({ bot }) => String(bot));
  const turn = isLopsided ? `iif(n % ${QUIET_BOT_EVERY} = 0, 1, 0)` : `n % ${bots.length}`;
  const copied = database
    .prepare(`SELECT name FROM pragma_table_info('jobs')`)
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !['seq', 'guid', 'bot_id', 'correspondent_id', 'round'].includes(name));
  database
    .prepare(
      `${NUMBERS}
       INSERT INTO jobs (guid, bot_id, correspondent_id, round, ${copied.join()})
       SELECT 'copy-' || n, json_extract(?, '$[' || (${turn}) || ']'), 'chat-' || (n % ${CHATS}), 1 + n / ${CHATS}, ${copied.join()}
       FROM numbers, (SELECT * FROM jobs ORDER BY seq LIMIT 1)`,
    )
    .run(jobs, JSON.stringify(bots));
  database.exec(`INSERT OR IGNORE INTO job_placeholders
                 SELECT seq, (SELECT message FROM job_placeholders ORDER BY seq LIMIT 1) FROM jobs`);
}

/** Copies the file's only history entry, and its duplicate key, until `rows` are behind its chats. */
export function fillHistory(file: string, rows: number): void {
  using database = new DatabaseSync(file);
  const chats = database.prepare('SELECT count(*) AS chats FROM correspondents').get();
  const chat = `1 + n % ${String(chats?.['chats'])}`;
  database
    .prepare(
      `${NUMBERS}
       INSERT INTO queues
       SELECT chats.bot_id, chats.provider_name, chats.correspondent_id, -n, -n, ingested_at, message
       FROM numbers, (SELECT ingested_at, message FROM queues LIMIT 1) JOIN correspondents AS chats ON chats.chat = ${chat}`,
    )
    .run(rows);
  database
    .prepare(
      `${NUMBERS}
       INSERT INTO message_ids SELECT ${chat}, sender, from_me, 'copy-' || n, -n, first_seen_at
       FROM numbers, (SELECT * FROM message_ids LIMIT 1)`,
    )
    .run(rows);
}
