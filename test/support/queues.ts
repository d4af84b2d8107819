import { CorrespondentQueue, type QueueOptions } from '../../src/queue/correspondent-queue.ts';
import { DEFAULT_LIMITS, SKIP_POP, type QueueLimits } from '../../src/queue/limits.ts';

type Options = Omit<Partial<QueueOptions>, 'limits'> & { readonly limits?: Partial<QueueLimits> };

/** A queue that is as by default in all that is not named. */
export function queueWith({ limits = {}, ...options }: Options = {}): CorrespondentQueue {
  return new CorrespondentQueue({
    limits: { ...DEFAULT_LIMITS, ...limits },
    ordering: SKIP_POP,
    nextId: 1,
    messages: [],
    onReady: () => {},
    ...options,
  });
}
