/**
 * Every failure that Dragoman raises on purpose, and whether trying the same thing again can help.
 * Callers branch on `code`; the message says what was expected and what was got.
 */
const ERROR_TABLE = {
  /** Configuration, flags or environment do not pass their schema. */
  config_invalid: { retryable: false },
  /** A folder or file cannot be created, read or written by this user. */
  folder_unusable: { retryable: false },
  /** Another process holds the port, the store's file or the staging folder. */
  already_in_use: { retryable: false },
  /** The store cannot be reached or a write's outcome is unknown. */
  store_unavailable: { retryable: true },
  /** The disk has no room for a durable write. */
  disk_full: { retryable: true },
  /** The store's file is damaged. */
  store_corrupt: { retryable: false },
  /** The store was written by a newer Dragoman. */
  store_newer: { retryable: false },
  /** Another backend owns the store now; this one's writes are refused. */
  fenced: { retryable: false },
  /** A bot id that nobody configured, or that this gateway does not own. */
  unknown_bot: { retryable: false },
  /** A frame that does not decode, is too large, or comes out of turn. */
  frame_invalid: { retryable: false },
  /** The link's token is missing or wrong. */
  token_wrong: { retryable: false },
  /** The link between gateway and backend is down or was closed on purpose. */
  link_closed: { retryable: true },
  /** An actor's mailbox is at its bound. */
  mailbox_full: { retryable: true },
  /** The actor stopped before it handled the message. */
  actor_stopped: { retryable: true },
  /** A bug in the actor's handler, which is the cause; the actor was restarted. */
  actor_failed: { retryable: false },
  /** No backend answers where the configuration says that one listens. */
  backend_unreachable: { retryable: true },
  /** Something took longer than it was allowed to. */
  deadline_exceeded: { retryable: true },
  /** This process, or the machine, has no file handle left. */
  no_handles: { retryable: true },
  /** The caller withdrew its request. */
  aborted: { retryable: false },
  /** A processor failed in a way that another attempt may cure (429, 5xx, network). */
  processing_retryable: { retryable: true },
  /** The process that a processor ran in ended before its job did. */
  worker_died: { retryable: true },
  /** A processor failed for good. */
  processing_failed: { retryable: false },
  /** The gateway could not send a text, or does not know whether it was sent. */
  send_failed: { retryable: false },
  /** A request over HTTP, or its reply, that does not decode. */
  request_invalid: { retryable: false },
  /** A request by a name or from a page that is not this server's. */
  origin_refused: { retryable: false },
  /** Too many requests in a short time. */
  rate_limited: { retryable: true },
  /** Nothing has that id. */
  not_found: { retryable: false },
  /** The job is alive: only a failed one is retried or dropped. */
  job_not_failed: { retryable: false },
  /** The file of a failed job is not in the staging folder any more. */
  file_gone: { retryable: false },
  /** The chat has as many placeholders as it may. */
  too_many_pending: { retryable: false },
  /** A stated invariant does not hold: a bug. */
  invariant_broken: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export class DragomanError extends Error {
  override readonly name = 'DragomanError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retryable;
  }
}

/** Whether `error` is one of ours with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is DragomanError {
  return error instanceof DragomanError && error.code === code;
}

/** Whether `text` is in the table: of codes that come from another process. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERROR_TABLE, text);

/** Whether doing the same thing again may succeed. Unknown errors are bugs, hence not. */
export function isRetryable(error: unknown): boolean {
  return error instanceof DragomanError && error.retryable;
}

/** POSIX: too many open files, of this process or of the machine. */
const NO_HANDLES = /\bE[MN]FILE\b/;
const LONGEST_CAUSE_CHAIN = 8;

/** What was thrown, if it is an object, then what caused that, and so on: a few at most, for a chain may be a ring. */
export function* causesOf(thrown: unknown): Generator<Record<string, unknown>, void> {
  let error = thrown;
  for (let depth = 0; depth < LONGEST_CAUSE_CHAIN && isObject(error); depth += 1) {
    yield error;
    error = error['cause'];
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Whether it failed, or what caused it did, for want of a file handle. Node tells of a thread's only in its message. */
export function lacksHandles(thrown: unknown): boolean {
  for (const { code, message } of causesOf(thrown)) {
    const telling = code === 'ERR_WORKER_INIT_FAILED' ? message : code;
    if (typeof telling === 'string' && NO_HANDLES.test(telling)) return true;
  }
  return false;
}

/** An error's text for a log line or a failed job, whatever was thrown. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
