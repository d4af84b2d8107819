import { describeError, DragomanError } from '../../base/errors.ts';

/** Primary result codes, https://www.sqlite.org/rescode.html */
export const SQLITE = {
  error: 1,
  busy: 5,
  readonly: 8,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  tooBig: 18,
  constraint: 19,
  mismatch: 20,
  misuse: 21,
  range: 25,
  notADatabase: 26,
} as const;

/** These concern one statement. Every other code says that the handle, the file or the disk cannot be relied on. */
const STATEMENT_CODES: ReadonlySet<number> = new Set([
  SQLITE.error,
  SQLITE.tooBig,
  SQLITE.constraint,
  SQLITE.mismatch,
  SQLITE.misuse,
  SQLITE.range,
]);

/** The primary result code of an error of node:sqlite, null for any other. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

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
