import type { Guid } from '../base/ids.ts';
import type { JobFailureCode } from '../jobs/job.ts';

/** The staged file to read. It is not there when the gateway could not download it. */
export interface MediaFile {
  readonly path: string;
  /** As the gateway counted and verified them; null when it did not say. */
  readonly bytes: number | null;
  readonly sha256: string | null;
}

/** What a processor may know about the medium beside its bytes. */
export interface MediaContext {
  readonly guid: Guid;
  readonly botId: string;
  readonly providerName: string;
  readonly correspondentId: string;
  readonly originalFilename: string | null;
  /** The caption that the sender wrote, or "". */
  readonly caption: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Why the gateway could not download the file; null when it could. */
  readonly corruptReason: string | null;
}

/** What a processor found: words, without brackets or caption, or that there is no way to get any. */
export type MediaOutcome = string | MediaFailure;

/** A medium that no further attempt can turn into words. Its file is not kept. */
export interface MediaFailure {
  readonly kind: 'failure';
  readonly code: Extract<JobFailureCode, 'corrupt' | 'unsupported'>;
  /** For the failed job; the chat is told by the code. */
  readonly reason: string;
}

/** The one step that differs between media. */
export interface ProcessMedia {
  /**
   * Turns a file into words. `mimeType` is bare and in lower case.
   * `signal` aborts at the attempt's deadline, when the job was taken over, and when the worker stops: stop then.
   * Throw for a failure; what may pass by itself (429, 5xx, network, an error with `retryable: true`) is tried again.
   */
  processMedia(
    file: MediaFile,
    mimeType: string,
    context: MediaContext,
    signal: AbortSignal,
  ): Promise<MediaOutcome>;
}
