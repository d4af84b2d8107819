import type { Clock } from '../base/clock.ts';
import { askFor, mediaUrl, type DownloadLimits } from './download.ts';
import { MediaHostError } from './ask-media-host.ts';
import { type DownloadFailure, downloadFailed } from './download-outcome.ts';
import { DownloadWatch } from './download-watch.ts';
import { MediaDecryption, type MediaProof } from './decryption/media-decryption.ts';

export interface BytesRequest {
  readonly file: MediaProof & { readonly directPath: string | null };
  /** The only origin that may be asked. */
  readonly origin: string;
  readonly limits: DownloadLimits;
  readonly clock: Clock;
}

/** Downloads a file that is not for people into memory, once, and verifies it as `MediaDecryption` does. Never rejects. */
export async function downloadBytes(
  { file, origin, limits, clock }: BytesRequest,
  signal: AbortSignal,
): Promise<{ readonly kind: 'bytes'; readonly bytes: Buffer } | DownloadFailure> {
  const url = mediaUrl(file.directPath, origin);
  const decryption = MediaDecryption.begin(file);
  if (url === null || decryption === null) return downloadFailed('bad_reference');
  const watch = new DownloadWatch(clock, limits, signal);
  try {
    const answer = await askFor(url, limits.maxFileBytes, watch.signal);
    if (answer.kind === 'failed') return answer;
    const decrypted: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body) {
      watch.heard();
      bytes += chunk.length;
      if (bytes > limits.maxFileBytes) return downloadFailed('too_large');
      decrypted.push(decryption.update(chunk));
    }
    const end = decryption.end();
    if (end.kind === 'damaged') return downloadFailed(end.reason);
    return { kind: 'bytes', bytes: Buffer.concat([...decrypted, end.lastBytes]) };
  } catch (error) {
    if (!(error instanceof MediaHostError)) throw error;
    return watch.failure() ?? downloadFailed('network', error.message);
  } finally {
    watch.close();
  }
}
