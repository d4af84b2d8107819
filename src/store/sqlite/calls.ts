import { DragomanError, type ErrorCode } from '../../base/errors.ts';

/** The messages between the store and its threads. */

/** Operations by name; the first argument of each, what it works on, is the thread's own. */
export type Operations<Context> = Readonly<Record<string, (context: Context, ...args: never[]) => unknown>>;

export type ArgumentsOf<Operation> = Operation extends (context: never, ...args: infer Args) => unknown
  ? Args
  : never;

export interface Call {
  readonly id: number;
  readonly operation: string;
  readonly args: readonly unknown[];
}

export interface CallFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly stack: string | undefined;
}

export type Reply =
  | { readonly id: number; readonly kind: 'done'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'failed'; readonly failure: CallFailure };

/** Carries out one call; throws what the operation throws. */
export function perform<Context>(operations: Operations<Context>, context: Context, call: Call): Reply {
  const operation = operations[call.operation];
  if (operation === undefined) {
    throw new DragomanError('invariant_broken', `no store operation ${call.operation}`);
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `StoreThread.call` typed the arguments by name
  return { id: call.id, kind: 'done', value: operation(context, ...(call.args as never[])) };
}

/** Errors that are not ours are bugs: the statement or the code is wrong, and stays wrong. */
export function failed({ id, operation }: Call, error: unknown): Reply {
  const known =
    error instanceof DragomanError
      ? error
      : new DragomanError('invariant_broken', `store operation ${operation} failed: ${String(error)}`);
  return { id, kind: 'failed', failure: { code: known.code, message: known.message, stack: known.stack } };
}

/** The error on the caller's side; its cause shows where in the thread it was raised. */
export function errorOf({ code, message, stack }: CallFailure): DragomanError {
  return new DragomanError(code, message, { cause: stack });
}
