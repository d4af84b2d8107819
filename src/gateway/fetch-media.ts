import type { Clock } from '../base/clock.ts';
import { pause } from '../base/deadlines.ts';
import { downloadFailed, type DownloadOutcome, mayRetry } from './download-outcome.ts';
import type { MediaReference } from './received.ts';

const RETRY_PAUSES_MS = [2_000, 4_000] as const;
/** How soon the process may have file handles again; the pause doubles, for all that wait would take the first ones. */
const NO_HANDLES_PAUSE_MS = 2_000;
const LONGEST_NO_HANDLES_PAUSE_MS = 30_000;

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
 * more, it asks the sender's phone to upload it again. What cannot be cured by trying again is not tried again. An attempt for
 * which the process had no file handle is none: it is made again, for as long as that lasts.
 */
export async function fetchMedia(
  media: MediaReference,
  source: MediaSource,
  timing: RetryTiming,
  signal: AbortSignal,
): Promise<DownloadOutcome> {
  let reference = media;
  let outcome = await attempt(reference, source, timing, signal);
  for (const pauseMs of RETRY_PAUSES_MS) {
    if (outcome.kind === 'staged' || !mayRetry(outcome)) return outcome;
    if (outcome.reason === 'gone') {
      const directPath = await source.reupload(reference, signal);
      if (directPath !== null) reference = { ...reference, directPath };
    }
    await untilLater(pauseMs, timing, signal);
    outcome = await attempt(reference, source, timing, signal);
  }
  return outcome;
}

async function attempt(
  media: MediaReference,
  source: MediaSource,
  timing: RetryTiming,
  signal: AbortSignal,
): Promise<DownloadOutcome> {
  for (let pauseMs = NO_HANDLES_PAUSE_MS; !signal.aborted; pauseMs *= 2) {
    const outcome = await source.download(media, signal);
    if (outcome.kind === 'staged' || outcome.reason !== 'no_handles') return outcome;
    await untilLater(Math.min(pauseMs, LONGEST_NO_HANDLES_PAUSE_MS), timing, signal);
  }
  return downloadFailed('aborted');
}

/** What an abort means is asked of the signal. */
const untilLater = (pauseMs: number, { clock, random }: RetryTiming, signal: AbortSignal): Promise<void> =>
  pause(clock, about(pauseMs, random), signal).catch(() => {});

/** Between 75 and 125 per cent: many media that failed together do not come back together. */
const about = (pauseMs: number, random: () => number): number => pauseMs * (0.75 + random() / 2);
