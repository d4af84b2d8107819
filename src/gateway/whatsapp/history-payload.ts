import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { toNumber } from '@whiskeysockets/baileys';
import type { Clock } from '../../base/clock.ts';
import { pause } from '../../base/deadlines.ts';
import { MIB } from '../../base/units.ts';
import { downloadBytes } from '../download-bytes.ts';
import { type DownloadFailure, type DownloadFailureReason, mayRetry } from '../download-outcome.ts';
import type { HistoryNotification } from './history-notification.ts';

const LIMITS = { maxFileBytes: 64 * MIB, idleTimeoutMs: 10_000, downloadTimeoutMs: 60_000 };
const MAX_INFLATED_BYTES = 256 * MIB;
/** What is received after the history waits for it: three downloads must be over well before its own deadline. */
const RETRY_PAUSES_MS = [2_000, 4_000] as const;

/** `lost`: it will never come. `unreachable`: perhaps later. */
export type FetchedHistory =
  | { readonly kind: 'payload'; readonly deflated: Uint8Array }
  | { readonly kind: 'lost' | 'unreachable'; readonly reason: DownloadFailureReason };

export interface HistoryHost {
  /** The only origin that is asked. */
  readonly origin: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What a notification announces, which is a deflated `proto.HistorySync`. Never rejects. */
export async function fetchHistory(
  notification: HistoryNotification,
  { origin, clock, signal }: HistoryHost,
): Promise<FetchedHistory> {
  const inline = notification.initialHistBootstrapInlinePayload;
  if (inline && inline.length > 0) return { kind: 'payload', deflated: inline };
  const request = { file: fileOf(notification), origin, limits: LIMITS, clock };
  let outcome = await downloadBytes(request, signal);
  for (const pauseMs of RETRY_PAUSES_MS) {
    if (outcome.kind === 'bytes' || isFinal(outcome)) break;
    await pause(clock, pauseMs, signal).catch(() => {});
    outcome = await downloadBytes(request, signal);
  }
  if (outcome.kind === 'bytes') return { kind: 'payload', deflated: outcome.bytes };
  const mayComeLater = !isFinal(outcome) || signal.aborted;
  return { kind: mayComeLater ? 'unreachable' : 'lost', reason: outcome.reason };
}

/** Rejects for what is not deflated, or longer than any history. */
export const inflateHistory = (deflated: Uint8Array): Promise<Uint8Array> =>
  promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate)(deflated, {
    maxOutputLength: MAX_INFLATED_BYTES,
  });

/** No phone uploads history a second time. */
const isFinal = (failure: DownloadFailure): boolean => failure.reason === 'gone' || !mayRetry(failure);

const fileOf = (notification: HistoryNotification) => ({
  cipher: 'history' as const,
  directPath: notification.directPath ?? null,
  mediaKey: base64(notification.mediaKey),
  fileSha256: base64(notification.fileSha256),
  fileEncSha256: base64(notification.fileEncSha256),
  declaredBytes: notification.fileLength ? toNumber(notification.fileLength) : null,
});

const base64 = (bytes: Uint8Array | null | undefined): string | null =>
  bytes && bytes.length > 0 ? Buffer.from(bytes).toString('base64') : null;
