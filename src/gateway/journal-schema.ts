const VERSION_1 = `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE auth (
    bot_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (bot_id, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE bots (
    bot_id TEXT PRIMARY KEY,
    running INTEGER NOT NULL,
    quota_gb REAL NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Unacked durable frames. AUTOINCREMENT: a seq is never used twice, not even after its frame is gone.
  CREATE TABLE frames (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX frames_guid ON frames (guid) WHERE guid IS NOT NULL;

  -- The size of what is unacked, kept by the transactions that change it.
  CREATE TABLE backlog (
    frames INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO backlog VALUES (0, 0);

  CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    died_at INTEGER NOT NULL
  ) STRICT;

  -- Announced media, until staged or given up and the last of their frames is acked.
  CREATE TABLE media (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL UNIQUE,
    bot_id TEXT NOT NULL,
    chat TEXT NOT NULL,
    provider_key TEXT NOT NULL,
    reference TEXT NOT NULL,
    downloading INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX media_downloading ON media (bot_id, id) WHERE downloading = 1;

  CREATE TRIGGER frame_added AFTER INSERT ON frames BEGIN
    UPDATE backlog SET frames = frames + 1, bytes = bytes + octet_length(NEW.body);
  END;
  CREATE TRIGGER frame_removed AFTER DELETE ON frames BEGIN
    UPDATE backlog SET frames = frames - 1, bytes = bytes - octet_length(OLD.body);
    DELETE FROM media WHERE guid = OLD.guid AND downloading = 0
      AND NOT EXISTS (SELECT 1 FROM frames WHERE guid = OLD.guid);
  END;

  -- Messages received, so that a second delivery is ignored.
  CREATE TABLE seen (
    bot_id TEXT NOT NULL,
    key TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX seen_expiry ON seen (expires_at);

  -- Messages that could not be decrypted and may still come.
  CREATE TABLE expected (
    bot_id TEXT NOT NULL,
    key TEXT NOT NULL,
    message TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX expected_due ON expected (due_at);

  -- Texts that the backend asked to send. No provider_message_id: not handed to the provider.
  CREATE TABLE sends (
    bot_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    provider_message_id TEXT,
    answered INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, request_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sends_provider ON sends (bot_id, provider_message_id) WHERE provider_message_id IS NOT NULL;
`;

const VERSION_2 = `
  -- The frame body that answered a request, for whoever asks once more.
  ALTER TABLE sends ADD COLUMN answer TEXT;

  -- Of an announced medium: its file is not kept for a dead letter.
  ALTER TABLE dead_letters ADD COLUMN media_kind TEXT;
`;

const VERSION_3 = `
  -- The settings of the last bot.start, as it came. Null: it was before this was kept.
  ALTER TABLE bots ADD COLUMN config TEXT;
`;

const VERSION_4 = `
  -- By its id a message is found that somebody quotes.
  ALTER TABLE seen ADD COLUMN message_id TEXT AS (CASE WHEN json_valid(key) THEN key ->> 2 END) VIRTUAL;
  CREATE INDEX seen_message ON seen (bot_id, message_id) WHERE message_id IS NOT NULL;

  -- It came while the bot was away.
  ALTER TABLE seen ADD COLUMN backlog INTEGER NOT NULL DEFAULT 0;
`;

const VERSION_5 = `
  -- The size of the dead letters, kept by the transactions that change it.
  CREATE TABLE dead_letter_weight (
    letters INTEGER NOT NULL,
    bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO dead_letter_weight SELECT count(*), coalesce(sum(octet_length(body)), 0) FROM dead_letters;
  CREATE INDEX dead_letters_age ON dead_letters (died_at);

  CREATE TRIGGER letter_added AFTER INSERT ON dead_letters BEGIN
    UPDATE dead_letter_weight SET letters = letters + 1, bytes = bytes + octet_length(NEW.body);
  END;
  CREATE TRIGGER letter_removed AFTER DELETE ON dead_letters BEGIN
    UPDATE dead_letter_weight SET letters = letters - 1, bytes = bytes - octet_length(OLD.body);
  END;
`;

const VERSION_6 = `
  -- The text has its place in its chat: it was sent, or its echo came.
  ALTER TABLE sends ADD COLUMN announced INTEGER NOT NULL DEFAULT 0;
  UPDATE sends SET announced = 1
    WHERE provider_message_id IS NOT NULL AND answered = 1 AND (answer IS NULL OR answer ->> 'type' = 'sent');

  -- Nothing of the text went out: the frame that answered so. Once that is acked, the request may be begun anew.
  ALTER TABLE sends ADD COLUMN unsent_seq INTEGER;
`;

const VERSION_7 = `
  -- What tells one text and its chat from another. Null: the request is from before this was kept.
  ALTER TABLE sends ADD COLUMN asked TEXT;
`;

const VERSION_8 = `
  -- Which asking for the request came last: it is the one to be answered.
  ALTER TABLE sends ADD COLUMN ask_id TEXT;

  -- Nothing of the text went out: whoever asks anew has the answer, and the request may be begun anew.
  ALTER TABLE sends ADD COLUMN unsent INTEGER NOT NULL DEFAULT 0;
  UPDATE sends SET unsent = 1 WHERE unsent_seq IS NOT NULL;
  ALTER TABLE sends DROP COLUMN unsent_seq;
`;

const VERSION_9 = `
  -- Texts of which it is not known whether they were sent: a receipt does not bring what it is for.
  CREATE TABLE texts_in_doubt (
    id INTEGER PRIMARY KEY,
    bot_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    provider_message_id TEXT NOT NULL,
    request TEXT NOT NULL,
    UNIQUE (bot_id, request_id)
  ) STRICT;
  CREATE INDEX texts_in_doubt_provider ON texts_in_doubt (bot_id, provider_message_id);

  CREATE TRIGGER send_forgotten AFTER DELETE ON sends BEGIN
    DELETE FROM texts_in_doubt WHERE bot_id = OLD.bot_id AND request_id = OLD.request_id;
  END;
`;

const VERSION_10 = `
  -- Whose flood it is. Empty: it is of no bot that is known.
  ALTER TABLE frames ADD COLUMN bot_id TEXT NOT NULL DEFAULT '';
  UPDATE frames SET bot_id = coalesce(
    CASE WHEN json_valid(body) THEN body ->> 'bot_id' END, (SELECT bot_id FROM media WHERE media.guid = frames.guid), '');
  ALTER TABLE dead_letters ADD COLUMN bot_id TEXT NOT NULL DEFAULT '';
  UPDATE dead_letters SET bot_id = coalesce(CASE WHEN json_valid(body) THEN body ->> 'bot_id' END, '');
  CREATE INDEX dead_letters_bot ON dead_letters (bot_id, died_at, seq);

  -- What each bot has of both, kept by the transactions that change it.
  CREATE TABLE bot_weights (
    bot_id TEXT PRIMARY KEY,
    unacked_bytes INTEGER NOT NULL,
    letters INTEGER NOT NULL,
    letter_bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO bot_weights
    SELECT bot_id, sum(unacked_bytes), sum(letters), sum(letter_bytes) FROM (
      SELECT bot_id, octet_length(body) AS unacked_bytes, 0 AS letters, 0 AS letter_bytes FROM frames
      UNION ALL SELECT bot_id, 0, 1, octet_length(body) FROM dead_letters
    ) GROUP BY bot_id;

  CREATE TRIGGER frame_weighed AFTER INSERT ON frames BEGIN
    INSERT INTO bot_weights VALUES (NEW.bot_id, octet_length(NEW.body), 0, 0)
      ON CONFLICT DO UPDATE SET unacked_bytes = unacked_bytes + excluded.unacked_bytes;
  END;
  CREATE TRIGGER frame_unweighed AFTER DELETE ON frames BEGIN
    UPDATE bot_weights SET unacked_bytes = unacked_bytes - octet_length(OLD.body) WHERE bot_id = OLD.bot_id;
  END;
  CREATE TRIGGER letter_weighed AFTER INSERT ON dead_letters BEGIN
    INSERT INTO bot_weights VALUES (NEW.bot_id, 0, 1, octet_length(NEW.body))
      ON CONFLICT DO UPDATE SET letters = letters + 1, letter_bytes = letter_bytes + excluded.letter_bytes;
  END;
  CREATE TRIGGER letter_unweighed AFTER DELETE ON dead_letters BEGIN
    UPDATE bot_weights SET letters = letters - 1, letter_bytes = letter_bytes - octet_length(OLD.body)
      WHERE bot_id = OLD.bot_id;
  END;
`;

/** By itself SQLite looks at all that a bot has seen: it does not see that the partial index on a virtual column serves. */
export const SEEN_BY_MESSAGE = 'seen INDEXED BY seen_message';

/** What makes each version's tables out of those before. A journal with more was written by a newer Dragoman. */
export const JOURNAL_VERSIONS: readonly string[] = [
  VERSION_1,
  VERSION_2,
  VERSION_3,
  VERSION_4,
  VERSION_5,
  VERSION_6,
  VERSION_7,
  VERSION_8,
  VERSION_9,
  VERSION_10,
];
