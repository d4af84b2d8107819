import type { Clock } from '../base/clock.ts';
import { describeError, hasCode, lacksHandles } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { MIB } from '../base/units.ts';
import type { PartFile } from '../staging/part-file.ts';
import type { StagingQuota } from '../staging/quota.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';
import { askMediaHost, bodyOf, MediaHostError } from './ask-media-host.ts';
import { type DownloadFailure, downloadFailed, type DownloadOutcome } from './download-outcome.ts';
import { DownloadWatch } from './download-watch.ts';
import type { DecryptionThread, ThreadedDecryption } from './decryption/decryption-thread.ts';
import { ENCRYPTION_OVERHEAD_BYTES, hasUsableKey, MediaDecryption } from './decryption/media-decryption.ts';
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
  readonly log: Logger;
  /** Where large files are decrypted; left out: in this thread, as small ones are. */
  readonly thread?: DecryptionThread;
}

export interface DownloadRequest {
  readonly guid: Guid;
  readonly media: MediaReference;
  /** The only origin that may be asked, e.g. `https://mmg.whatsapp.net`. */
  readonly origin: string;
}

/** From here on a second thread is worth its messages. */
const THREAD_FROM_BYTES = 4 * MIB;

/** Statuses by which the media host says that the file is not there any more. */
const GONE = new Set([403, 404, 410]);

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
  { folder, quota, limits, log, thread }: DownloadTarget,
  watch: DownloadWatch,
): Promise<DownloadOutcome> {
  const url = mediaUrl(media.directPath, origin);
  if (url === null || !hasUsableKey(media)) return downloadFailed('bad_reference');
  const declaredBytes = media.declaredBytes ?? 0;
  if (declaredBytes > limits.maxFileBytes)
    return downloadFailed('too_large', `declared ${declaredBytes} bytes`);
  if (!quota.reserve(guid, declaredBytes)) return downloadFailed('quota');

  const answer = await askFor(url, limits.maxFileBytes, watch.signal);
  if (answer.kind === 'failed') return answer;
  const decryption = beginDecryption(media, thread, log);
  try {
    const part = await folder.create(guid);
    try {
      const roomFor = (bytes: number): DownloadFailure | null => refuseLength(guid, bytes, quota, limits);
      return await save(answer.body, decryption, part, roomFor, watch);
    } finally {
      await part.discard();
    }
  } finally {
    decryption.drop();
  }
}

type Decryption = Pick<ThreadedDecryption, 'end' | 'drop'> & {
  update(chunk: Uint8Array): Uint8Array | Promise<Uint8Array>;
};

/** In the thread where that is worth it; in this one when that cannot start: late is better than never. */
function beginDecryption(
  media: MediaReference,
  thread: DecryptionThread | undefined,
  log: Logger,
): Decryption {
  if ((media.declaredBytes ?? 0) < THREAD_FROM_BYTES || thread === undefined) return inThisThread(media);
  try {
    return thread.begin(media);
  } catch (error) {
    log.warn({ reason: describeError(error) }, 'the decrypting thread cannot start');
    return inThisThread(media);
  }
}

/** A small file is decrypted sooner than another thread would hear of it. */
function inThisThread(media: MediaReference): Decryption {
  const decryption = MediaDecryption.begin(media);
  return {
    update: (chunk) => decryption?.update(chunk) ?? chunk.subarray(0, 0),
    end: () =>
      Promise.resolve({
        rest: [],
        end: decryption?.end() ?? { kind: 'damaged', reason: 'bad_content' },
      }),
    drop: () => {},
  };
}

export type HostAnswer = { readonly kind: 'body'; readonly body: AsyncIterable<Buffer> } | DownloadFailure;

/** Asks for a medium whose decrypted file may have so many bytes. */
export async function askFor(url: URL, maxFileBytes: number, signal: AbortSignal): Promise<HostAnswer> {
  const response = await askMediaHost(url, signal);
  const { statusCode: status = 0, headers } = response;
  const announcedBytes = Number(headers['content-length'] ?? 0);
  if (status === 200 && announcedBytes <= maxFileBytes + ENCRYPTION_OVERHEAD_BYTES) {
    return { kind: 'body', body: bodyOf(response) };
  }
  response.destroy();
  if (GONE.has(status)) return downloadFailed('gone', `status ${status}`);
  return status === 200
    ? downloadFailed('too_large', `announced ${announcedBytes} bytes`)
    : downloadFailed('http', `status ${status}`);
}

/** Streams, decrypts and writes. `roomFor` judges the file's length so far before it is written. */
async function save(
  body: AsyncIterable<Buffer>,
  decryption: Decryption,
  part: PartFile,
  roomFor: (bytes: number) => DownloadFailure | null,
  watch: DownloadWatch,
): Promise<DownloadOutcome> {
  let bytes = 0;
  const write = async (plain: Uint8Array): Promise<DownloadFailure | null> => {
    if (plain.length === 0) return null;
    const refusal = roomFor(bytes + plain.length);
    if (refusal !== null) return refusal;
    await part.write(plain);
    bytes += plain.length;
    return null;
  };
  for await (const chunk of body) {
    watch.heard();
    const refusal = await write(await decryption.update(chunk));
    if (refusal !== null) return refusal;
  }
  const { rest, end } = await decryption.end();
  if (end.kind === 'damaged') return downloadFailed(end.reason);
  for (const plain of [...rest, end.lastBytes]) {
    const refusal = await write(plain);
    if (refusal !== null) return refusal;
  }
  await part.publish();
  return { kind: 'staged', bytes, sha256: end.sha256 };
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
export function mediaUrl(directPath: string | null, origin: string): URL | null {
  if (directPath === null || !/^\/[^/\\@]/.test(directPath)) return null;
  const url = URL.parse(directPath, origin);
  return url?.origin === new URL(origin).origin ? url : null;
}

/** What is neither the media host's nor the thread's is the file system's, whose errors have a code. */
function systemFailure(error: unknown): DownloadFailure {
  if (lacksHandles(error)) return downloadFailed('no_handles', describeError(error));
  if (error instanceof MediaHostError) return downloadFailed('network', error.message);
  if (hasCode(error, 'worker_died')) return downloadFailed('decryption', error.message);
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? downloadFailed('no_space', code)
    : downloadFailed('disk', describeError(error));
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null);
