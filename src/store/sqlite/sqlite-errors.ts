import { describeError, DragomanError } from '../../base/errors.ts';
import { SQLITE, sqliteCode } from '../../base/sqlite-codes.ts';

/** These concern one statement. Every other code says that the handle, the file or the disk cannot be relied on. */
const STATEMENT_CODES: ReadonlySet<number> = new Set([
  SQLITE.error,
  SQLITE.tooBig,
  SQLITE.constraint,
  SQLITE.mismatch,
  SQLITE.misuse,
  SQLITE.range,
]);

/** Whether nothing more may be done on the handle that raised `error`, a failed fsync above all. */
export function breaksHandle(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== null && !STATEMENT_CODES.has(code);
}

/** What the callers of a group are told whose transaction failed as a whole: its outcome is unknown. */
export function groupFailure(file: string, cause: unknown): DragomanError {
  if (cause instanceof DragomanError) return cause;
  const code = sqliteCode(cause);
  if (code === SQLITE.corrupt || code === SQLITE.notADatabase) {
    return new DragomanError(
      'store_corrupt',
      `${file} is damaged (${describeError(cause)}): stop Dragoman and put a backup in its place`,
      { cause },
    );
  }
  return new DragomanError(
    'store_unavailable',
    `expected ${file} to take the write, got: ${describeError(cause)}`,
    { cause },
  );
}
