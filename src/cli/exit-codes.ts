import { DragomanError, type ErrorCode } from '../base/errors.ts';

/** After sysexits(3), where it has a word for it. */
export const EXIT = { ok: 0, failed: 1, usage: 64, unavailable: 69, config: 78, interrupted: 130 } as const;

const BY_CODE: Partial<Record<ErrorCode, number>> = {
  config_invalid: EXIT.config,
  folder_unusable: EXIT.config,
  already_in_use: EXIT.unavailable,
  store_unavailable: EXIT.unavailable,
  store_corrupt: EXIT.unavailable,
  store_newer: EXIT.unavailable,
  unknown_bot: EXIT.usage,
};

export const exitCodeOf = (error: unknown): number =>
  (error instanceof DragomanError ? BY_CODE[error.code] : undefined) ?? EXIT.failed;
