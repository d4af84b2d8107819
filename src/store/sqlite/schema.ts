/**
 * The tables of the embedded store. Rowid tables with unique indexes: on random chats they dirty fewer pages than
 * WITHOUT ROWID ones. Fields that are searched are columns; a message stays one JSON document.
 */

/** 'Drgm': tells a store of ours from any other SQLite file. */
export const APPLICATION_ID = 0x4472676d;

const FIRST_SCHEMA = `
CREATE TABLE correspondents (
  chat              INTEGER PRIMARY KEY,
  bot_id            TEXT NOT NULL,
  provider_name     TEXT NOT NULL,
  correspondent_id  TEXT NOT NULL,
  next_id           INTEGER NOT NULL,
  next_ingest_seq   INTEGER NOT NULL,
  fence             INTEGER NOT NULL,
  created_at        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX correspondents_by_id ON correspondents (bot_id, provider_name, correspondent_id);

CREATE TABLE correspondent_aliases (
  bot_id            TEXT NOT NULL,
  provider_name     TEXT NOT NULL,
  alias             TEXT NOT NULL,
  chat              INTEGER NOT NULL REFERENCES correspondents
) STRICT;
CREATE UNIQUE INDEX correspondent_aliases_by_alias ON correspondent_aliases (bot_id, provider_name, alias);
CREATE INDEX correspondent_aliases_by_chat ON correspondent_aliases (chat);

CREATE TABLE message_ids (
  chat                 INTEGER NOT NULL REFERENCES correspondents,
  sender               TEXT NOT NULL,
  from_me              INTEGER NOT NULL,
  provider_message_id  TEXT NOT NULL,
  id                   INTEGER NOT NULL,
  first_seen_at        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_ids_by_key ON message_ids (chat, provider_message_id, sender, from_me);
CREATE INDEX message_ids_by_age ON message_ids (first_seen_at);

CREATE TABLE queue_journal (
  bot_id               TEXT NOT NULL,
  provider_name        TEXT NOT NULL,
  correspondent_id     TEXT NOT NULL,
  id                   INTEGER NOT NULL,
  media_processing_id  TEXT,
  message              TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX queue_journal_by_id ON queue_journal (bot_id, provider_name, correspondent_id, id);

CREATE TABLE queues (
  bot_id            TEXT NOT NULL,
  provider_name     TEXT NOT NULL,
  correspondent_id  TEXT NOT NULL,
  id                INTEGER NOT NULL,
  ingest_seq        INTEGER NOT NULL,
  ingested_at       INTEGER NOT NULL,
  message           TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX queues_by_id ON queues (bot_id, provider_name, correspondent_id, id);
CREATE UNIQUE INDEX queues_by_ingest_seq ON queues (bot_id, provider_name, correspondent_id, ingest_seq);

CREATE TABLE jobs (
  seq                  INTEGER PRIMARY KEY AUTOINCREMENT,
  guid                 TEXT NOT NULL,
  collection           TEXT NOT NULL,
  bot_id               TEXT NOT NULL,
  provider_name        TEXT NOT NULL,
  correspondent_id     TEXT NOT NULL,
  status               TEXT NOT NULL,
  pool                 TEXT,
  round                INTEGER NOT NULL,
  attempts             INTEGER NOT NULL,
  claim_token          TEXT,
  lease_expires_at     INTEGER,
  available_at         INTEGER,
  created_at           INTEGER NOT NULL,
  changed_at           INTEGER NOT NULL,
  mime_type            TEXT NOT NULL,
  original_filename    TEXT,
  result               TEXT,
  error                TEXT,
  media_metadata       TEXT NOT NULL,
  placeholder_message  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_by_guid ON jobs (guid);
CREATE INDEX jobs_by_bot ON jobs (bot_id, collection);
CREATE INDEX jobs_claimable ON jobs (pool, bot_id, round, seq)
  WHERE status = 'pending' AND collection = 'active';
CREATE INDEX jobs_claimable_by_chat ON jobs (pool, bot_id, correspondent_id, round)
  WHERE status = 'pending' AND collection = 'active';
CREATE INDEX jobs_leased ON jobs (lease_expires_at) WHERE status = 'processing';
CREATE INDEX jobs_waiting ON jobs (available_at) WHERE status = 'waiting';
CREATE VIEW media_processing_jobs AS SELECT * FROM jobs WHERE collection = 'active';
CREATE VIEW media_processing_jobs_holding AS SELECT * FROM jobs WHERE collection = 'holding';
CREATE VIEW media_processing_jobs_failed AS SELECT * FROM jobs WHERE collection = 'failed';

CREATE TABLE media_turns (
  pool       TEXT NOT NULL,
  bot_id     TEXT NOT NULL,
  turn       INTEGER NOT NULL,
  round      INTEGER NOT NULL,
  arrivals   INTEGER NOT NULL,
  claimable  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX media_turns_by_bot ON media_turns (pool, bot_id);
CREATE INDEX media_turns_by_turn ON media_turns (pool, claimable, turn);

CREATE TABLE bots (
  bot_id         TEXT PRIMARY KEY,
  provider_name  TEXT NOT NULL,
  gateway_id     TEXT NOT NULL,
  created_at     INTEGER NOT NULL
) STRICT;
`;

/** When a medium's file was there, when its job was claimed last, when its words were there. */
const MEDIA_TIMES = `
ALTER TABLE jobs ADD COLUMN staged_at INTEGER;
ALTER TABLE jobs ADD COLUMN claimed_at INTEGER;
ALTER TABLE jobs ADD COLUMN completed_at INTEGER;
`;

/** They are few among many jobs. */
const FAILED_JOBS_BY_SEQ = `CREATE INDEX jobs_failed ON jobs (seq) WHERE collection = 'failed'`;

/** What an operator wishes of a bot at run time. */
const BOT_WISHES = `
ALTER TABLE bots ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bots ADD COLUMN pairing_phone TEXT;
ALTER TABLE bots ADD COLUMN settings TEXT;
`;

/**
 * A job's message, nine tenths of its bytes, never changes, but a row is written whole whatever changes in it. Apart from
 * it, a move, a claim or a completion writes a quarter of the pages.
 */
const PLACEHOLDERS_APART = `
CREATE TABLE job_placeholders (
  seq      INTEGER PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
  message  TEXT NOT NULL
) STRICT;
INSERT INTO job_placeholders SELECT seq, placeholder_message FROM jobs;
DROP VIEW media_processing_jobs;
DROP VIEW media_processing_jobs_holding;
DROP VIEW media_processing_jobs_failed;
ALTER TABLE jobs DROP COLUMN placeholder_message;
CREATE VIEW media_processing_jobs AS
  SELECT jobs.*, message AS placeholder_message FROM jobs JOIN job_placeholders USING (seq) WHERE collection = 'active';
CREATE VIEW media_processing_jobs_holding AS
  SELECT jobs.*, message AS placeholder_message FROM jobs JOIN job_placeholders USING (seq) WHERE collection = 'holding';
CREATE VIEW media_processing_jobs_failed AS
  SELECT jobs.*, message AS placeholder_message FROM jobs JOIN job_placeholders USING (seq) WHERE collection = 'failed';
`;

/** A gateway that was away when a bot was removed is told when it comes. */
const REMOVED_BOTS = 'ALTER TABLE bots ADD COLUMN removed INTEGER NOT NULL DEFAULT 0';

/** Entry n takes a file from schema version n to n + 1. Entries are only ever added. */
export const MIGRATIONS: readonly string[] = [
  FIRST_SCHEMA,
  MEDIA_TIMES,
  FAILED_JOBS_BY_SEQ,
  BOT_WISHES,
  PLACEHOLDERS_APART,
  REMOVED_BOTS,
];

/** Where the version and the fence are kept; there before every migration. */
export const META_TABLE = `CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT`;
