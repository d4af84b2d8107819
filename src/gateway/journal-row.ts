import type { SQLOutputValue } from 'node:sqlite';
import { DragomanError } from '../base/errors.ts';

export type JournalRow = Readonly<Record<string, SQLOutputValue>>;

/** The value of a TEXT column that is never null. */
export function textIn(row: JournalRow, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw new DragomanError('invariant_broken', `expected a text in ${column}, got ${typeof value}`);
}

/** The value of an INTEGER or REAL column that is never null. */
export function numberIn(row: JournalRow, column: string): number {
  const value = row[column];
  if (typeof value === 'number') return value;
  throw new DragomanError('invariant_broken', `expected a number in ${column}, got ${typeof value}`);
}
