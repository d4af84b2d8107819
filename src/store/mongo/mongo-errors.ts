import {
  MongoAPIError,
  MongoClientClosedError,
  MongoError,
  MongoErrorLabel,
  MongoNotConnectedError,
  MongoServerClosedError,
  MongoServerError,
  MongoTopologyClosedError,
} from 'mongodb';
import { describeError, DragomanError, hasCode } from '../../base/errors.ts';

/** Server error codes, src/mongo/base/error_codes.yml of the server. */
const SERVER = {
  badValue: 2,
  failedToParse: 9,
  unauthorized: 13,
  typeMismatch: 14,
  authenticationFailed: 18,
  illegalOperation: 20,
  commandNotFound: 59,
  immutableField: 66,
  notSupportedInTransaction: 263,
  bsonObjectTooLarge: 10_334,
  duplicateKey: 11_000,
} as const;

/** These say that the statement is wrong: a bug. Every other code says that the server cannot do it now. */
const STATEMENT_CODES: ReadonlySet<unknown> = new Set([
  SERVER.badValue,
  SERVER.failedToParse,
  SERVER.typeMismatch,
  SERVER.illegalOperation,
  SERVER.commandNotFound,
  SERVER.immutableField,
  SERVER.notSupportedInTransaction,
  SERVER.bsonObjectTooLarge,
]);

/** A unique index refused the write: somebody else's came first. */
export const isDuplicateKey = (error: unknown): boolean => codeOf(error) === SERVER.duplicateKey;

/** A server said so: it has ended the transaction, or does as it is told. */
export const isAnswer = (error: unknown): boolean => error instanceof MongoServerError;

/** Said of a statement: nothing of its transaction will be there, and it may be run again. */
export const isTransient = (error: unknown): boolean =>
  hasLabel(error, MongoErrorLabel.TransientTransactionError) || isConnectionFailure(error);

/**
 * Said of a commit: no server has told that it failed, so it may have happened; asking for it again tells. The driver
 * fails in several ways when a connection breaks, a TypeError of its own among them.
 */
export const isUnknownCommit = (error: unknown): boolean =>
  !(error instanceof MongoServerError) || hasLabel(error, MongoErrorLabel.UnknownTransactionCommitResult);

const hasLabel = (error: unknown, label: string): boolean =>
  error instanceof MongoError && error.hasErrorLabel(label);

/**
 * No server said so. The driver labels such an error only while it takes the server for reachable, and passes on some
 * errors of the socket as they are.
 */
const isConnectionFailure = (error: unknown): boolean =>
  isSocketError(error) ||
  (error instanceof MongoError && !(error instanceof MongoServerError) && !isMisuse(error));

const isSocketError = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

/** What a caller of the store is told instead of a driver's error; anything else is returned as it is. */
export function storeFailure(cause: unknown): unknown {
  if (hasCode(cause, 'deadline_exceeded') || isConnectionFailure(cause)) return unavailable(cause);
  if (!(cause instanceof MongoError) || isMisuse(cause)) return cause;
  if (isDuplicateKey(cause)) return keyTaken(cause);
  return unavailable(cause);
}

/**
 * The server repeats the values of the key, in its message and beside it, and those can be phone numbers: neither they nor
 * the error that carries them go where they would be logged.
 */
function keyTaken({ message }: MongoError): DragomanError {
  const place = /collection: \S+ index: \S+/.exec(message)?.[0] ?? 'one is there';
  return new DragomanError('invariant_broken', `expected a new key, got a duplicate: ${place}`);
}

/** Why a store cannot be opened. `place` names it, without its password. */
export function openingFailure(place: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (code === SERVER.authenticationFailed || code === SERVER.unauthorized) {
    const detail = `${place} refuses this user (${describeError(cause)}): check the user name, the password and its roles`;
    return new DragomanError('config_invalid', detail, { cause });
  }
  return storeFailure(cause);
}

/** What is wrong with a connection string. The driver's messages do not repeat it. */
export const urlFailure = (cause: unknown): DragomanError =>
  new DragomanError('config_invalid', `expected a MongoDB connection string: ${describeError(cause)}`, {
    cause,
  });

const unavailable = (cause: unknown): DragomanError =>
  new DragomanError('store_unavailable', `expected MongoDB to answer, got: ${describeError(cause)}`, {
    cause,
  });

const codeOf = (error: unknown): unknown => (error instanceof MongoServerError ? error.code : undefined);

/** Whether the driver or the server says that it was used wrongly. */
function isMisuse(error: MongoError): boolean {
  if (error instanceof MongoServerError) return STATEMENT_CODES.has(error.code);
  return error instanceof MongoAPIError && !isClosed(error);
}

const isClosed = (error: MongoError): boolean =>
  error instanceof MongoNotConnectedError ||
  error instanceof MongoTopologyClosedError ||
  error instanceof MongoServerClosedError ||
  error instanceof MongoClientClosedError;
