import type { Clock } from '../base/clock.ts';
import type { Guid } from '../base/ids.ts';
import { decodeGatewayFrame } from '../protocol/codec.ts';
import { type DurableFrame, type MediaKind, mediaKind } from '../protocol/frames.ts';
import type { FrameLog } from './frame-log.ts';
import type { JournalDatabase } from './journal-database.ts';
import { type JournalRow, numberIn, textIn } from './journal-row.ts';

/** A frame that the backend refused for good. */
export interface DeadLetter {
  /** The frame's place in the sequence when it was refused. */
  readonly seq: number;
  /** Null for what is no frame at all. */
  readonly type: DurableFrame['type'] | null;
  /** Null where the frame names none. */
  readonly botId: string | null;
  readonly code: string;
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly diedAt: number;
}

export type DeadLetterRetry =
  /** The frame waits to be sent under this seq, behind everything that is there. */
  | { readonly kind: 'retried'; readonly seq: number }
  /** It could never be sent, and stays where it is. */
  | { readonly kind: 'hopeless'; readonly reason: string }
  | { readonly kind: 'not_found' };

/** How many letters are kept, how long, and how large. */
export interface DeadLetterBounds {
  /** Since they were refused. */
  readonly maxAgeMs: number;
  readonly maxLetters: number;
  readonly maxBytes: number;
}

/** What a letter was about, and the bound that it was beyond. */
export interface DroppedLetter extends Pick<DeadLetter, 'seq' | 'type' | 'botId'> {
  readonly guid: Guid | null;
  readonly providerMessageId: string | null;
  readonly why: 'age' | 'number' | 'bytes';
}

/** The frame of a letter, or why it is none. */
function frameIn(row: JournalRow): DurableFrame | string {
  const decoded = decodeGatewayFrame(textIn(row, 'body'));
  if (decoded.kind === 'malformed') return decoded.reason;
  return 'seq' in decoded.frame ? decoded.frame : 'it is no durable frame';
}

function subjectOf(row: JournalRow): Pick<DeadLetter, 'seq' | 'type' | 'botId'> {
  const frame = frameIn(row);
  return {
    seq: numberIn(row, 'seq'),
    type: typeof frame === 'string' ? null : frame.type,
    botId: typeof frame !== 'string' && 'bot_id' in frame ? frame.bot_id : null,
  };
}

function idsIn(row: JournalRow): Pick<DroppedLetter, 'guid' | 'providerMessageId'> {
  const frame = frameIn(row);
  if (typeof frame === 'string') return { guid: null, providerMessageId: null };
  if (frame.type !== 'inbound') return { guid: 'guid' in frame ? frame.guid : null, providerMessageId: null };
  const { media_processing_id, provider_message_id } = frame.message;
  return { guid: media_processing_id ?? null, providerMessageId: provider_message_id };
}

const oldestOfTheHeaviest = (weight: 'letters' | 'letter_bytes'): string =>
  `SELECT seq FROM dead_letters WHERE bot_id = (SELECT bot_id FROM bot_weights ORDER BY ${weight} DESC LIMIT 1)
   ORDER BY died_at, seq LIMIT 1`;

const FIRST_TO_GO: Readonly<Record<DroppedLetter['why'], string>> = {
  age: 'SELECT seq FROM dead_letters ORDER BY died_at, seq LIMIT 1',
  number: oldestOfTheHeaviest('letters'),
  bytes: oldestOfTheHeaviest('letter_bytes'),
};

/** What kind of medium was announced; a letter from before that was noted has none. */
const mediaKindIn = (row: JournalRow): MediaKind => mediaKind.catch('document').parse(row['media_kind']);

/**
 * Frames that the backend refused for good, until somebody has removed the cause and has them sent once more.
 *   Y1 A letter is forgotten in the transaction that appends its frame anew: it is never lost, nor there twice.
 *   Y2 The file of a refused announcement was not kept: announced anew, it is told as corrupt at once.
 *   Y3 Dropped are exactly those that are too old, then, until the others are within number and bytes, the oldest of whichever
 *      bot has most: no bot loses any to the flood of another; and never the last one for its size.
 */
export class DeadLetters {
  readonly #db: JournalDatabase;
  readonly #frames: FrameLog;
  readonly #clock: Clock;

  constructor(db: JournalDatabase, frames: FrameLog, clock: Clock) {
    this.#db = db;
    this.#frames = frames;
    this.#clock = clock;
  }

  get count(): number {
    return this.#weight().letters;
  }

  /** Oldest first: those behind `after`, at most `limit`; by default all. */
  list({
    after = 0,
    limit = -1,
  }: { readonly after?: number; readonly limit?: number } = {}): readonly DeadLetter[] {
    const sql =
      'SELECT seq, body, code, reason, died_at FROM dead_letters WHERE seq > ? ORDER BY seq LIMIT ?';
    return this.#db.all(sql, after, limit).map((row) => ({
      ...subjectOf(row),
      code: textIn(row, 'code'),
      reason: textIn(row, 'reason'),
      diedAt: numberIn(row, 'died_at'),
    }));
  }

  /** Appends the frame of letter `seq` to what is to be sent. */
  retry(seq: number): DeadLetterRetry {
    return this.#db.transaction(() => {
      const row = this.#db.get('SELECT bot_id, body, media_kind FROM dead_letters WHERE seq = ?', seq);
      if (row === undefined) return { kind: 'not_found' };
      const frame = frameIn(row);
      if (typeof frame === 'string') return { kind: 'hopeless', reason: frame };
      this.#db.run('DELETE FROM dead_letters WHERE seq = ?', seq);
      const newSeq = this.#appendAnew(frame, row);
      return newSeq === null
        ? { kind: 'hopeless', reason: 'it does not decode' }
        : { kind: 'retried', seq: newSeq };
    });
  }

  /** Returns what is gone for good, in the order in which it was refused. */
  dropBeyond(bounds: DeadLetterBounds): readonly DroppedLetter[] {
    if (this.#exceeded(bounds) === null) return [];
    return this.#db.transaction(() => {
      const dropped: DroppedLetter[] = [];
      for (let why = this.#exceeded(bounds); why !== null; why = this.#exceeded(bounds)) {
        const row = this.#db.get(
          `DELETE FROM dead_letters WHERE seq = (${FIRST_TO_GO[why]}) RETURNING seq, body`,
        );
        if (row === undefined) break;
        dropped.push({ ...subjectOf(row), ...idsIn(row), why });
      }
      return dropped;
    });
  }

  #exceeded({ maxAgeMs, maxLetters, maxBytes }: DeadLetterBounds): DroppedLetter['why'] | null {
    const oldest = this.#db.get('SELECT died_at FROM dead_letters ORDER BY died_at, seq LIMIT 1');
    if (oldest === undefined) return null;
    if (numberIn(oldest, 'died_at') <= this.#clock.now() - maxAgeMs) return 'age';
    const { letters, bytes } = this.#weight();
    if (letters > maxLetters) return 'number';
    return bytes > maxBytes && letters > 1 ? 'bytes' : null;
  }

  #weight(): { readonly letters: number; readonly bytes: number } {
    const row = this.#db.get('SELECT letters, bytes FROM dead_letter_weight') ?? {};
    return { letters: numberIn(row, 'letters'), bytes: numberIn(row, 'bytes') };
  }

  #appendAnew({ v: _version, seq: _formerSeq, ...frame }: DurableFrame, row: JournalRow): number | null {
    const botId = textIn(row, 'bot_id');
    const seq = this.#frames.append(frame, null, botId);
    const guid = frame.type === 'inbound' ? frame.message.media_processing_id : undefined;
    if (guid !== undefined) {
      this.#frames.append(
        {
          type: 'media.corrupt',
          guid,
          media_kind: mediaKindIn(row),
          quota_exceeded: false,
          reason: 'the file was given up when its message was refused',
        },
        null,
        botId,
      );
    }
    return seq;
  }
}
