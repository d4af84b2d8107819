/** Every way a download can fail, and what may cure it. */
const DOWNLOAD_FAILURES = {
  /** No usable key, or a path that leads away from the media host. */
  bad_reference: { retryable: false },
  /** 403, 404, 410: the host has it no more; the sender's phone may upload it again. */
  gone: { retryable: true },
  /** Any other status, redirects included. */
  http: { retryable: true },
  /** No connection, or it broke. */
  network: { retryable: true },
  /** No byte came for too long. */
  idle: { retryable: true },
  /** It took too long in all. */
  timeout: { retryable: true },
  /** The body ended early. */
  truncated: { retryable: true },
  /** The bytes are not those that the sender encrypted. */
  bad_mac: { retryable: true },
  /** A hash that the message names is not that of the bytes. */
  bad_hash: { retryable: true },
  /** Authentic bytes that do not decrypt, or not to as many as the message declared. */
  bad_content: { retryable: false },
  /** The thread that decrypts died, for whatever file. */
  decryption: { retryable: true },
  /** Longer than `maxFileBytes`. */
  too_large: { retryable: false },
  /** The staging folder's quota has no room, or could not be checked. */
  quota: { retryable: false },
  /** The disk is full. */
  no_space: { retryable: false },
  /** This process has no file handle left, for a connection or a file: that passes, and is not the medium's fault. */
  no_handles: { retryable: true },
  /** The staging folder refused a write. */
  disk: { retryable: true },
  /** The caller withdrew it. */
  aborted: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type DownloadFailureReason = keyof typeof DOWNLOAD_FAILURES;

export interface DownloadFailure {
  readonly kind: 'failed';
  readonly reason: DownloadFailureReason;
  /** For a log line or a dead letter; no address, no key. */
  readonly detail: string;
}

export interface StagedDownload {
  readonly kind: 'staged';
  readonly bytes: number;
  /** Of the file, in hex. */
  readonly sha256: string;
}

export type DownloadOutcome = StagedDownload | DownloadFailure;

export const downloadFailed = (reason: DownloadFailureReason, detail: string = reason): DownloadFailure => ({
  kind: 'failed',
  reason,
  detail,
});

export const mayRetry = (failure: DownloadFailure): boolean => DOWNLOAD_FAILURES[failure.reason].retryable;
