import type { Guid } from '../base/ids.ts';
import { type MediaKind, WIRE_LIMITS } from '../protocol/frames.ts';
import type { DownloadFailure, StagedDownload } from './download-outcome.ts';
import type { FrameLog } from './frame-log.ts';
import type { JournalDatabase } from './journal-database.ts';
import { numberIn, textIn } from './journal-row.ts';
import type { MediaReference, ProviderKey } from './received.ts';

/** A medium that was announced and has neither been staged nor given up. */
export interface PendingMedia {
  /** Rises in the order of announcement. */
  readonly id: number;
  readonly guid: Guid;
  readonly chat: string;
  readonly key: ProviderKey;
  readonly media: MediaReference;
}

/**
 * Announced media: what is still to be downloaded, after a restart too.
 *   E1 A medium is pending from its announcement until `staged`, `gaveUp` or `released`; what came first counts.
 *   E2 It is held until then, and until the last frame about it is acked.
 */
export class MediaLedger {
  readonly #db: JournalDatabase;
  readonly #frames: FrameLog;

  constructor(db: JournalDatabase, frames: FrameLog) {
    this.#db = db;
    this.#frames = frames;
  }

  /** Adds a medium, inside the transaction that announces it. */
  announce(botId: string, guid: Guid, chat: string, key: ProviderKey, media: MediaReference): void {
    this.#db.run(
      'INSERT INTO media (guid, bot_id, chat, provider_key, reference, downloading) VALUES (?, ?, ?, ?, ?, 1)',
      guid,
      botId,
      chat,
      JSON.stringify(key),
      JSON.stringify(media),
    );
  }

  /** The bot's pending media announced after the one with `id`, in the order of their announcement. */
  pendingAfter(botId: string, id: number): readonly PendingMedia[] {
    const rows = this.#db.all(
      `SELECT id, guid, chat, provider_key, reference FROM media
       WHERE bot_id = ? AND downloading = 1 AND id > ? ORDER BY id`,
      botId,
      id,
    );
    return rows.map((row) => ({
      id: numberIn(row, 'id'),
      guid: textIn(row, 'guid'),
      chat: textIn(row, 'chat'),
      key: JSON.parse(textIn(row, 'provider_key')),
      media: JSON.parse(textIn(row, 'reference')),
    }));
  }

  /** False when the medium is not pending any more: nobody waits for its file. */
  staged(guid: Guid, mimeType: string, { bytes, sha256 }: StagedDownload): boolean {
    return this.#db.transaction(() => {
      if (!this.#endDownload(guid)) return false;
      this.#frames.append({ type: 'media.staged', guid, bytes, sha256, mime_type: mimeType }, guid);
      return true;
    });
  }

  gaveUp(guid: Guid, mediaKind: MediaKind, failure: DownloadFailure): void {
    const reason = inWords(failure).slice(0, WIRE_LIMITS.reasonCharacters);
    this.#db.transaction(() => {
      if (!this.#endDownload(guid)) return;
      this.#frames.append(
        {
          type: 'media.corrupt',
          guid,
          media_kind: mediaKind,
          quota_exceeded: failure.reason === 'quota',
          reason,
        },
        guid,
      );
    });
  }

  /** The backend needs it no more. */
  released(guid: Guid): void {
    this.#db.transaction(() => {
      this.#endDownload(guid);
      this.#db.run(
        'DELETE FROM media WHERE guid = ? AND NOT EXISTS (SELECT 1 FROM frames WHERE guid = media.guid)',
        guid,
      );
    });
  }

  /** Those of `guids` that this gateway still has something to say about. */
  held(guids: readonly Guid[]): readonly Guid[] {
    const rows = this.#db.all(
      `SELECT value AS guid FROM json_each(?) AS asked
       WHERE EXISTS (SELECT 1 FROM media WHERE media.guid = asked.value)
         OR EXISTS (SELECT 1 FROM frames WHERE frames.guid = asked.value)`,
      JSON.stringify(guids),
    );
    return rows.map((row) => textIn(row, 'guid'));
  }

  #endDownload(guid: Guid): boolean {
    return this.#db.run('UPDATE media SET downloading = 0 WHERE guid = ? AND downloading = 1', guid) === 1;
  }
}

/** A failure whose reason says it all has that for its detail. */
const inWords = ({ reason, detail }: DownloadFailure): string =>
  detail === reason ? reason : `${reason}: ${detail}`;
