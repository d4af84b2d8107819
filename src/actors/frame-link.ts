import { describeError, DragomanError } from '../base/errors.ts';

/** The link that a frame came over: nothing of it is accepted once it is down. */
export interface FrameLink {
  readonly gatewayId: string;
  readonly signal: AbortSignal;
  /** Closes it. */
  fail(reason: string): void;
}

/**
 * Settles as `work` does, and closes the link when it fails. A frame that is not accepted thus takes everything behind
 * it along: the gateway sends it all again, in order.
 */
export async function orCloseLink<T>(link: FrameLink, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    link.fail(error instanceof DragomanError ? error.code : describeError(error));
    throw error;
  }
}
