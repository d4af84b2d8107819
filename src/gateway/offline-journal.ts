import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import { DeadLetters } from './dead-letters.ts';
import { FrameLog } from './frame-log.ts';
import { gatewayIdIn, JOURNAL_FILE } from './journal.ts';
import { JournalDatabase } from './journal-database.ts';

/** The journal of a gateway that does not run. */
export interface OfflineJournal {
  /** Null where no gateway has begun it yet. */
  readonly gatewayId: string | null;
  readonly deadLetters: DeadLetters;
  close(): void;
}

/**
 * Opens the journal in a gateway's own folder; nothing else can open it until it is closed.
 * Throws `not_found` where no gateway has ever run, `already_in_use` while one runs, and what opening the file throws.
 */
export function openGatewayJournal(dataFolder: string, clock: Clock): OfflineJournal {
  const file = path.join(dataFolder, JOURNAL_FILE);
  if (!existsSync(file)) throw new DragomanError('not_found', `no gateway has its journal in ${dataFolder}`);
  const db = new JournalDatabase(file);
  return {
    gatewayId: gatewayIdIn(db),
    deadLetters: new DeadLetters(db, new FrameLog(db, clock), clock),
    close: () => db.close(),
  };
}
