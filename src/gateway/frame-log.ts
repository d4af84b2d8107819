import type { Clock } from '../base/clock.ts';
import type { Guid } from '../base/ids.ts';
import { decodeGatewayFrame, encodeFrame } from '../protocol/codec.ts';
import type { DurableFrame } from '../protocol/frames.ts';
import type { JournalDatabase } from './journal-database.ts';
import { numberIn, textIn } from './journal-row.ts';

type Unnumbered<F> = F extends unknown ? Omit<F, 'v' | 'seq'> : never;
/** A durable frame before it has its place in the sequence. */
export type DurableFrameBody = Unnumbered<DurableFrame>;

export interface StoredFrame {
  readonly seq: number;
  /** As it goes over the wire. */
  readonly body: string;
}

export interface Backlog {
  readonly frames: number;
  readonly bytes: number;
}

/**
 * The one sequence of everything that must reach the backend.
 *   O1 A later frame has a higher seq, and no seq is used twice, restarts included.
 *   O2 A frame stays until it is acked, or moved to the dead letters.
 *   O3 Every frame here decodes: one that would be refused is a dead letter from the start.
 *   O4 What is about a parked medium is not acked away: without its announcement it is worth nothing.
 */
export class FrameLog {
  readonly #db: JournalDatabase;
  readonly #clock: Clock;
  readonly #parked = new Set<Guid>();

  constructor(db: JournalDatabase, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /**
   * Adds a frame, inside the caller's transaction. `guid`: the medium that it is about; `botId`: whose it
   * is, where neither tells.
   * Returns its seq; null when the frame does not decode and became a dead letter.
   */
  append(
    frame: DurableFrameBody,
    guid: Guid | null,
    botId = 'bot_id' in frame ? frame.bot_id : this.#botOf(guid),
  ): number | null {
    const seq = this.#nextSeq();
    const body = encodeFrame({ ...frame, seq });
    this.#db.run('INSERT INTO frames (seq, guid, bot_id, body) VALUES (?, ?, ?, ?)', seq, guid, botId, body);
    const decoded = decodeGatewayFrame(body);
    if (decoded.kind === 'malformed') this.#bury(seq, 'frame_invalid', decoded.reason);
    return decoded.kind === 'frame' ? seq : null;
  }

  /** The unacked frames after `seq`, in order. */
  after(seq: number, limit: number): readonly StoredFrame[] {
    const rows = this.#db.all('SELECT seq, body FROM frames WHERE seq > ? ORDER BY seq LIMIT ?', seq, limit);
    return rows.map((row) => ({ seq: numberIn(row, 'seq'), body: textIn(row, 'body') }));
  }

  /** Forgets frames that the backend has made durable. */
  acknowledge(seqs: readonly number[]): void {
    this.#db.transaction(() => {
      for (const seq of seqs) {
        if (!this.#isAboutParked(seq)) this.#db.run('DELETE FROM frames WHERE seq = ?', seq);
      }
    });
  }

  /** Keeps a frame that the backend does not want now, and with it what comes about its medium, until `unpark`. */
  park(seq: number): void {
    const guid = this.#guidOf(seq);
    if (guid !== null) this.#parked.add(guid);
  }

  isParked(guid: Guid): boolean {
    return this.#parked.has(guid);
  }

  /** All frames are to be sent again. */
  unpark(): void {
    this.#parked.clear();
  }

  /** Moves a frame that the backend will never accept to the dead letters. Returns the medium that it was about. */
  refuse(seq: number, code: string, reason: string): Guid | null {
    return this.#db.transaction(() => this.#bury(seq, code, reason));
  }

  backlog(): Backlog {
    const row = this.#db.get('SELECT frames, bytes FROM backlog') ?? {};
    return { frames: numberIn(row, 'frames'), bytes: numberIn(row, 'bytes') };
  }

  /** What is unacked of each bot that has so many bytes of it. */
  bytesOfBots(atLeastBytes: number): ReadonlyMap<string, number> {
    const rows = this.#db.all(
      "SELECT bot_id, unacked_bytes FROM bot_weights WHERE unacked_bytes >= ? AND bot_id <> ''",
      atLeastBytes,
    );
    return new Map(rows.map((row) => [textIn(row, 'bot_id'), numberIn(row, 'unacked_bytes')]));
  }

  /** Empty: nobody knows. */
  #botOf(guid: Guid | null): string {
    const medium = guid === null ? undefined : this.#db.get('SELECT bot_id FROM media WHERE guid = ?', guid);
    return medium === undefined ? '' : textIn(medium, 'bot_id');
  }

  #isAboutParked(seq: number): boolean {
    if (this.#parked.size === 0) return false;
    const guid = this.#guidOf(seq);
    return guid !== null && this.#parked.has(guid);
  }

  #guidOf(seq: number): Guid | null {
    const guid = this.#db.get('SELECT guid FROM frames WHERE seq = ?', seq)?.['guid'];
    return typeof guid === 'string' ? guid : null;
  }

  #bury(seq: number, code: string, reason: string): Guid | null {
    this.#db.run(
      `INSERT OR IGNORE INTO dead_letters (seq, bot_id, body, code, reason, died_at, media_kind)
       SELECT seq, bot_id, body, ?, ?, ?, (SELECT reference ->> 'kind' FROM media WHERE media.guid = frames.guid)
       FROM frames WHERE seq = ?`,
      code,
      reason,
      this.#clock.now(),
      seq,
    );
    const buried = this.#db.get('DELETE FROM frames WHERE seq = ? RETURNING guid', seq);
    const guid = buried?.['guid'];
    return typeof guid === 'string' ? guid : null;
  }

  #nextSeq(): number {
    const last = this.#db.get("SELECT seq FROM sqlite_sequence WHERE name = 'frames'");
    return last === undefined ? 1 : numberIn(last, 'seq') + 1;
  }
}
