import { backOffMs, jittered } from '../base/back-off.ts';
import { causesOf } from '../base/errors.ts';

/** How often, and how far apart, a job is tried. */
export interface RetryPolicy {
  /** Attempts in all, at least 1. */
  readonly maxAttempts: number;
  /** Back-off after the first attempt; it doubles with each further one. */
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { maxAttempts: 3, firstDelayMs: 5_000, longestDelayMs: 300_000 };

export type RetryDecision =
  { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'exhausted' };

/**
 * What follows a retryable failure. `attempts`: those that have failed, this one included, at least 1.
 * `random`: in [0, 1). The delay is exponential with equal jitter.
 */
export function decideRetry(policy: RetryPolicy, attempts: number, random: number): RetryDecision {
  if (attempts >= policy.maxAttempts) return { kind: 'exhausted' };
  const delayMs = backOffMs(policy.firstDelayMs, attempts - 1, policy.longestDelayMs);
  return { kind: 'retry', delayMs: Math.round(jittered(delayMs, random)) };
}

const RETRYABLE_STATUS = new Set([408, 425, 429]);

/** What Node and undici call a peer that is away, busy or slow, and a process or machine without a file handle left. */
const PASSING_CODES = new Set([
  'EMFILE',
  'ENFILE',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/**
 * Whether another attempt may cure what a processor threw, whatever that was: it says so itself (`retryable`, as a
 * DragomanError does), or it is an HTTP answer (`status` or `statusCode`) of 429 or 5xx and their like, or a network
 * error, or a lack of file handles, or was caused by one of these. The outermost error that tells decides.
 */
export function isRetryableFailure(thrown: unknown): boolean {
  for (const error of causesOf(thrown)) {
    if (typeof error['retryable'] === 'boolean') return error['retryable'];
    const status = error['status'] ?? error['statusCode'];
    if (typeof status === 'number') return (status >= 500 && status <= 599) || RETRYABLE_STATUS.has(status);
    if (typeof error['code'] === 'string' && PASSING_CODES.has(error['code'])) return true;
  }
  return false;
}
