import { describeError, DragomanError, type ErrorCode, hasCode } from '../base/errors.ts';
import { isBug } from './kit/message.ts';

/** The link that a frame came over: nothing of it is accepted once it is down. */
export interface FrameLink {
  readonly gatewayId: string;
  readonly signal: AbortSignal;
  /** Closes it. */
  fail(reason: string): void;
}

/** Not retryable, and yet the frame may be accepted later: another owner, a withdrawal. */
const NOT_THE_FRAMES_FAULT: readonly ErrorCode[] = ['fenced', 'aborted'];
/** Whether a frame met a bug, here or in an actor. Perhaps it always will, perhaps not: another try tells. */
export const metBug = (error: unknown): boolean => isBug(error) || hasCode(error, 'actor_failed');

/**
 * Whether a frame fails for good: it would fail again over any link, so that closing this one would only keep what is
 * behind it waiting, of other chats and other bots. `isLastTry`: it has met a bug often enough.
 */
export function failsForGood(error: unknown, isLastTry: boolean): boolean {
  if (!(error instanceof DragomanError) || metBug(error)) return isLastTry;
  return !error.retryable && !NOT_THE_FRAMES_FAULT.includes(error.code);
}

/**
 * Settles as `work` does, and closes the link when it fails in a way that may pass. The frame thus takes everything
 * behind it along: the gateway sends it all again, in order. One that fails for good goes alone.
 */
export async function orCloseLink<T>(
  { link, isLastTry }: { readonly link: FrameLink; readonly isLastTry: boolean },
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!failsForGood(error, isLastTry)) {
      link.fail(error instanceof DragomanError ? error.code : describeError(error));
    }
    throw error;
  }
}
