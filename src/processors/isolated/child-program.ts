/**
 * The program of a processor's own process: loads the module, does one job after another, and ends with its parent.
 */
import { Worker } from 'node:worker_threads';
import { DragomanError } from '../../base/errors.ts';
import { isRetryableFailure } from '../../jobs/retry.ts';
import { describeFailure, seenThrown } from '../failure.ts';
import { checkedOutcome } from '../media-outcome.ts';
import type { ProcessMedia } from '../media.ts';
import { loadModuleProcessor } from '../module-processor.ts';
import type { GuardLimits } from './guard-thread.ts';
import { endProcessGroup } from './process-group.ts';
import type {
  ChildAnswer,
  ChildRequest,
  LoadReply,
  ProcessorModule,
  ProcessorTask,
  TaskReply,
} from './messages.ts';

let processor: ProcessMedia | null = null;
let abort = new AbortController();

process.on('disconnect', () => endProcessGroup(process.pid));
process.on('message', (request: ChildRequest) => {
  switch (request.kind) {
    case 'load':
      void load(request.module).then((reply) => answer(request.id, reply));
      return;
    case 'process':
      abort = new AbortController();
      void perform(request.task, abort.signal).then((reply) => answer(request.id, reply));
      return;
    case 'abort':
      abort.abort(new DragomanError('aborted', 'the job was withdrawn or took too long'));
  }
});

async function load({ file, options, maxMemoryMb }: ProcessorModule): Promise<LoadReply> {
  const limits: GuardLimits = { maxMemoryMb, parentPid: process.ppid };
  const guard = new Worker(new URL('./guard-thread.ts', import.meta.url), { workerData: limits });
  guard.unref();
  try {
    processor = await loadModuleProcessor(file, { options });
    return { kind: 'loaded' };
  } catch (error) {
    const reason = error instanceof DragomanError ? error.message : describeFailure(error).reason;
    return { kind: 'refused', reason };
  }
}

async function perform(task: ProcessorTask, signal: AbortSignal): Promise<TaskReply> {
  try {
    const { file, mimeType, context } = task;
    const returned = await processor?.processMedia(file, mimeType, context, signal);
    return { kind: 'returned', outcome: checkedOutcome(returned) };
  } catch (raw) {
    const thrown = seenThrown(raw);
    const { reason, stack } = describeFailure(thrown);
    return { kind: 'threw', reason, stack, isRetryable: isRetryableFailure(thrown) };
  }
}

function answer(id: number, reply: LoadReply | TaskReply): void {
  process.send?.({ answers: id, reply } satisfies ChildAnswer);
}
