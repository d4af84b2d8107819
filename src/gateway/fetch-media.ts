import type { Clock } from '../base/clock.ts';
import { pause } from '../base/deadlines.ts';
import { downloadFailed, type DownloadOutcome, mayRetry } from './download-outcome.ts';
import type { MediaReference } from './received.ts';

const RETRY_PAUSES_MS = [2_000, 4_000] as const;

export interface MediaSource {
  /** One download; never rejects. */
  download(media: MediaReference, signal: AbortSignal): Promise<DownloadOutcome>;
  /** Resolves to the medium's new path; null when the phone does not answer in time, or refuses. */
  reupload(media: MediaReference, signal: AbortSignal): Promise<string | null>;
}

export interface RetryTiming {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Gets a medium in up to three attempts, about 2 s and 4 s apart. Before it tries again for one that the host has no
 * more, it asks the sender's phone to upload it again. What cannot be cured by trying again is not tried again.
 */
export async function fetchMedia(
  media: MediaReference,
  source: MediaSource,
  timing: RetryTiming,
  signal: AbortSignal,
): Promise<DownloadOutcome> {
  let reference = media;
  let outcome = await source.download(reference, signal);
  for (const pauseMs of RETRY_PAUSES_MS) {
    if (outcome.kind === 'staged' || !mayRetry(outcome)) return outcome;
    if (outcome.reason === 'gone') {
      const directPath = await source.reupload(reference, signal);
      if (directPath !== null) reference = { ...reference, directPath };
    }
    // What an abort means is asked of the signal.
    await pause(timing.clock, jittered(pauseMs, timing.random), signal).catch(() => {});
    outcome = signal.aborted ? downloadFailed('aborted') : await source.download(reference, signal);
  }
  return outcome;
}

/** Between 75 and 125 per cent: many media that failed together do not come back together. */
const jittered = (pauseMs: number, random: () => number): number => pauseMs * (0.75 + random() / 2);
