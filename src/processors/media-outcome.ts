import { z } from 'zod';
import { DragomanError } from '../base/errors.ts';
import { cutText } from '../base/text.ts';
import { MAX_WORDS_CHARACTERS } from '../jobs/untrusted-words.ts';
import type { MediaOutcome } from './media.ts';

/** Of a failure's reason, for the failed job. */
export const MAX_REASON_CHARACTERS = 1_024;

const mediaOutcome = z.union([
  z.string().transform((words) => cutText(words, MAX_WORDS_CHARACTERS)),
  z.object({
    kind: z.literal('failure'),
    code: z.enum(['corrupt', 'unsupported']),
    reason: z.string().transform((reason) => cutText(reason, MAX_REASON_CHARACTERS)),
  }),
]);

/**
 * What a processor returned, cut to what is kept of it. Processors may be modules in plain JavaScript, so it is checked:
 * throws `processing_failed` when it is neither words nor a failure.
 */
export function checkedOutcome(returned: unknown): MediaOutcome {
  const outcome = mediaOutcome.safeParse(returned);
  if (outcome.success) return outcome.data;
  throw new DragomanError('processing_failed', `expected words (a string), got ${typeof returned}`);
}
