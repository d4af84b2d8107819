import { z } from 'zod';
import { DragomanError, type ErrorCode } from '../../base/errors.ts';

/** RFC 9457, with the code of the error table. */
export const problem = z.object({
  type: z.string().describe('urn:dragoman:error: and the code'),
  title: z.string(),
  status: z.number().int(),
  code: z.string().describe('From the error table'),
  detail: z.string().describe('What was expected, and what was got'),
  retryable: z.boolean().describe('Whether the same request may succeed later'),
});

export type Problem = z.infer<typeof problem>;

const STATUS: Record<ErrorCode, number> = {
  config_invalid: 400,
  folder_unusable: 500,
  already_in_use: 409,
  store_unavailable: 503,
  disk_full: 507,
  store_corrupt: 500,
  store_newer: 500,
  fenced: 503,
  unknown_bot: 404,
  frame_invalid: 400,
  token_wrong: 401,
  link_closed: 503,
  backend_unreachable: 502,
  mailbox_full: 503,
  actor_stopped: 503,
  actor_failed: 500,
  deadline_exceeded: 504,
  no_handles: 503,
  aborted: 499,
  processing_retryable: 503,
  worker_died: 503,
  processing_failed: 500,
  send_failed: 502,
  request_invalid: 400,
  origin_refused: 403,
  rate_limited: 429,
  not_found: 404,
  job_not_failed: 409,
  file_gone: 410,
  too_many_pending: 503,
  invariant_broken: 500,
};

const TITLE: Record<number, string> = {
  400: 'Bad request',
  401: 'Token needed',
  403: 'Refused',
  404: 'Not found',
  409: 'Not as it is',
  410: 'Gone',
  413: 'Too large',
  415: 'JSON expected',
  429: 'Too many requests',
  499: 'Withdrawn',
  502: 'Not sent',
  503: 'Not now',
  504: 'Too late',
  507: 'Disk full',
};

/** What a caller is told of one of our errors; `status` where HTTP has a better word than the code's own. */
export function problemOf(error: DragomanError, status: number = STATUS[error.code]): Problem {
  return {
    type: `urn:dragoman:error:${error.code}`,
    title: TITLE[status] ?? 'Failed',
    status,
    code: error.code,
    detail: error.message,
    retryable: error.retryable,
  };
}

/** Of a bug nothing is told but that it is one. */
export const bugProblem = (): Problem =>
  problemOf(new DragomanError('invariant_broken', 'this is a bug: the log says more'), 500);
