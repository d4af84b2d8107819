import { bareMimeType, isMimeType, mediaKindOf } from '../queue/media-kind.ts';
import { tooManyPendingWords } from '../queue/text.ts';
import type { JobFailureCode } from './job.ts';

/**
 * What the chat is told in place of words, without brackets or caption.
 * `mimeType` is the sender's: nothing but a well-formed type gets into the text.
 */
export function failureWords(code: JobFailureCode, mimeType: string): string {
  switch (code) {
    case 'corrupt':
      return `Corrupted ${mediaKindOf(mimeType)} media could not be downloaded`;
    case 'unsupported':
      return `Unsupported ${printableMimeType(mimeType)} media`;
    case 'timed_out':
      return 'Processing timed out';
    case 'too_many_pending':
      return tooManyPendingWords(mimeType);
    case 'stale':
      return 'Media processing failed: stale placeholder cleanup';
    case 'failed':
    case 'worker_died':
    case 'orphaned':
      return 'Media processing failed';
  }
}

/** What the chat is told of media in which there was nothing to put into words. */
export const noWords = (mimeType: string): string => `No words found in ${mediaKindOf(mimeType)} media`;

function printableMimeType(mimeType: string): string {
  const bare = bareMimeType(mimeType);
  return isMimeType(bare) ? bare : 'unknown';
}
