import { DragomanError, type ErrorCode } from '../base/errors.ts';

/** After sysexits(3), where it has a word for it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  unavailable: 69,
  denied: 77,
  config: 78,
  interrupted: 130,
} as const;

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  config_invalid: EXIT.config,
  folder_unusable: EXIT.config,
  already_in_use: EXIT.unavailable,
  store_unavailable: EXIT.unavailable,
  store_corrupt: EXIT.unavailable,
  store_newer: EXIT.unavailable,
  backend_unreachable: EXIT.unavailable,
  token_wrong: EXIT.denied,
  origin_refused: EXIT.denied,
  unknown_bot: EXIT.usage,
  request_invalid: EXIT.usage,
};

export const exitCodeOf = (error: unknown): number =>
  (error instanceof DragomanError ? BY_CODE[error.code] : undefined) ?? EXIT.failed;
