import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { PartFile } from '../staging/part-file.ts';
import type { StagingQuota } from '../staging/quota.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';
import { type DownloadFailure, downloadFailed, type DownloadOutcome } from './download-outcome.ts';
import { DownloadWatch } from './download-watch.ts';
import { ENCRYPTION_OVERHEAD_BYTES, MediaDecryption } from './media-decryption.ts';
import type { MediaReference } from './received.ts';

export interface DownloadLimits {
  /** Of the decrypted file. */
  readonly maxFileBytes: number;
  readonly idleTimeoutMs: number;
  readonly downloadTimeoutMs: number;
}

export interface DownloadTarget {
  readonly folder: StagingFolder;
  readonly quota: StagingQuota;
  readonly limits: DownloadLimits;
  readonly clock: Clock;
}

export interface DownloadRequest {
  readonly guid: Guid;
  readonly media: MediaReference;
  /** The only origin that may be asked, e.g. `https://mmg.whatsapp.net`. */
  readonly origin: string;
}

/** Statuses by which the media host says that the file is not there any more. */
const GONE = new Set([403, 404, 410]);

/** WhatsApp's own web client sends it, and its media hosts look at it. */
const REQUEST_HEADERS = { origin: 'https://web.whatsapp.com', 'accept-encoding': 'identity' };

/**
 * Downloads one medium into the staging folder, once.
 *   W1 `staged` means: verified, synced, and under its final name. On any other outcome no file and no reservation is left.
 *   W2 It ends, at the latest when its deadlines are over; it never rejects.
 *   W3 Every byte is reserved before it is written, and counted while it arrives.
 *   W4 One request, to the given origin: no redirect is followed.
 */
export async function downloadMedia(
  request: DownloadRequest,
  target: DownloadTarget,
  signal: AbortSignal,
): Promise<DownloadOutcome> {
  const { quota, limits, clock } = target;
  const watch = new DownloadWatch(clock, limits, signal);
  let outcome: DownloadOutcome;
  try {
    outcome = await receive(request, target, watch);
  } catch (error) {
    outcome = watch.failure() ?? systemFailure(error);
  } finally {
    watch.close();
  }
  if (outcome.kind === 'staged') quota.settle(request.guid, outcome.bytes);
  else quota.release(request.guid);
  return outcome;
}

async function receive(
  { guid, media, origin }: DownloadRequest,
  { folder, quota, limits }: DownloadTarget,
  watch: DownloadWatch,
): Promise<DownloadOutcome> {
  const url = mediaUrl(media.directPath, origin);
  const decryption = MediaDecryption.begin(media);
  if (url === null || decryption === null) return downloadFailed('bad_reference');
  const declaredBytes = media.declaredBytes ?? 0;
  if (declaredBytes > limits.maxFileBytes)
    return downloadFailed('too_large', `declared ${declaredBytes} bytes`);
  if (!quota.reserve(guid, declaredBytes)) return downloadFailed('quota');

  const answer = await ask(url, limits.maxFileBytes, watch.signal);
  if (answer.kind === 'failed') return answer;
  const part = await folder.create(guid);
  try {
    const roomFor = (bytes: number): DownloadFailure | null => refuseLength(guid, bytes, quota, limits);
    return await save(answer.body, decryption, part, roomFor, watch);
  } finally {
    await part.discard();
  }
}

type Answer = { readonly kind: 'body'; readonly body: ReadableStream<Uint8Array> } | DownloadFailure;

async function ask(url: URL, maxFileBytes: number, signal: AbortSignal): Promise<Answer> {
  const { status, headers, body } = await fetch(url, {
    signal,
    redirect: 'manual',
    headers: REQUEST_HEADERS,
  });
  const announcedBytes = Number(headers.get('content-length') ?? 0);
  if (status === 200 && body !== null && announcedBytes <= maxFileBytes + ENCRYPTION_OVERHEAD_BYTES) {
    return { kind: 'body', body };
  }
  await body?.cancel();
  if (GONE.has(status)) return downloadFailed('gone', `status ${status}`);
  return status === 200
    ? downloadFailed('too_large', `announced ${announcedBytes} bytes`)
    : downloadFailed('http', `status ${status}`);
}

/** Streams, decrypts and writes. `roomFor` judges the file's length so far before it is written. */
async function save(
  body: ReadableStream<Uint8Array>,
  decryption: MediaDecryption,
  part: PartFile,
  roomFor: (bytes: number) => DownloadFailure | null,
  watch: DownloadWatch,
): Promise<DownloadOutcome> {
  let bytes = 0;
  for await (const chunk of body) {
    watch.heard();
    const plain = decryption.update(chunk);
    if (plain.length === 0) continue;
    const refusal = roomFor(bytes + plain.length);
    if (refusal !== null) return refusal;
    await part.write(plain);
    bytes += plain.length;
  }
  const end = decryption.end();
  if (end.kind === 'damaged') return downloadFailed(end.reason);
  const refusal = roomFor(bytes + end.lastBytes.length);
  if (refusal !== null) return refusal;
  await part.write(end.lastBytes);
  await part.publish();
  return { kind: 'staged', bytes: bytes + end.lastBytes.length, sha256: end.sha256 };
}

function refuseLength(
  guid: Guid,
  bytes: number,
  quota: StagingQuota,
  limits: DownloadLimits,
): DownloadFailure | null {
  if (bytes > limits.maxFileBytes)
    return downloadFailed('too_large', `more than ${limits.maxFileBytes} bytes`);
  return quota.reserve(guid, bytes) ? null : downloadFailed('quota');
}

/** Null when the path is missing or would lead to another origin: the sender chose it. */
function mediaUrl(directPath: string | null, origin: string): URL | null {
  if (directPath === null || !/^\/[^/\\@]/.test(directPath)) return null;
  const url = URL.parse(directPath, origin);
  return url?.origin === new URL(origin).origin ? url : null;
}

/** fetch wraps all that goes wrong on the network in a TypeError; the file system's errors have a code. */
function systemFailure(error: unknown): DownloadFailure {
  if (error instanceof TypeError) return downloadFailed('network', describeError(error.cause ?? error));
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? downloadFailed('no_space', code)
    : downloadFailed('disk', describeError(error));
}
