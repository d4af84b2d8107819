import type { Clock } from '../../base/clock.ts';
import { untilAborted } from '../../base/deadlines.ts';
import { DragomanError, hasCode } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { BaseMediaProcessor } from '../base-media-processor.ts';
import type { MediaContext, MediaFile, MediaOutcome } from '../media.ts';
import type { ProcessorModule } from './messages.ts';
import { ProcessorChild } from './processor-child.ts';

export interface IsolatedProcessorOptions {
  readonly module: ProcessorModule;
  /** Jobs that are expected at a time: as many processes stay. */
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const LOAD_MS = 60_000;
const GRACE_MS = 2_000;

/**
 * Runs a processor module in processes of its own, so that what it does to its process it does to none of the queues.
 *   I1 A process has one job at a time; one that dies fails its own job alone, as `worker_died`.
 *   I2 A job is over at its deadline, or when it is withdrawn. Its process has a short grace to end the job by itself,
 *      in which the next job gets another; of these, as many stay as there are workers.
 *   I3 After `close` no process is left, and none is started.
 */
export class IsolatedProcessor extends BaseMediaProcessor {
  readonly #options: IsolatedProcessorOptions;
  readonly #children = new Set<ProcessorChild>();
  readonly #loading = new Set<Promise<void>>();
  #isClosed = false;

  private constructor(options: IsolatedProcessorOptions) {
    super();
    this.#options = options;
  }

  /**
   * Starts the first process, which proves that the module can be used. Rejects, with nothing left running, with
   * `config_invalid` when it cannot, and with the signal's reason when that aborts.
   */
  static async start(
    options: IsolatedProcessorOptions,
    signal = new AbortController().signal,
  ): Promise<IsolatedProcessor> {
    const processor = new IsolatedProcessor(options);
    try {
      await untilAborted(processor.#hire(), signal);
      return processor;
    } catch (error) {
      await processor.close();
      throw error;
    }
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#children].map((child) => child.end()));
  }

  protected override async processMedia(
    file: MediaFile,
    mimeType: string,
    context: MediaContext,
    signal: AbortSignal,
  ): Promise<MediaOutcome> {
    let child = this.#idleChild();
    while (child === undefined) {
      // However long a module takes to load, attempts that cannot wait for it do not start ever more of it.
      const another = this.#loading.size < this.#options.workers ? this.#hire() : Promise.race(this.#loading);
      await another.catch((error: unknown) => {
        throw mayPass(error);
      });
      signal.throwIfAborted();
      child = this.#idleChild();
    }
    try {
      return await child.perform({ file, mimeType, context }, signal);
    } finally {
      if (child.isIdle && this.#inTime > this.#options.workers) child.kill();
    }
  }

  get #inTime(): number {
    return [...this.#children].filter(({ isInTime }) => isInTime).length;
  }

  #idleChild(): ProcessorChild | undefined {
    return [...this.#children].find(({ isIdle }) => isIdle);
  }

  async #hire(): Promise<void> {
    if (this.#isClosed) throw new DragomanError('aborted', 'the processor is closed');
    const { module, clock, log } = this.#options;
    const child = new ProcessorChild({ module, clock, log, loadMs: LOAD_MS, graceMs: GRACE_MS });
    this.#children.add(child);
    child.gone.addEventListener('abort', () => this.#children.delete(child), { once: true });
    const loading = child.load();
    this.#loading.add(loading);
    try {
      await loading;
    } catch (error) {
      child.kill();
      throw error;
    } finally {
      this.#loading.delete(loading);
    }
  }
}

/** Its module has made a processor before, so that no medium is to blame. */
const mayPass = (error: unknown): unknown =>
  hasCode(error, 'config_invalid')
    ? new DragomanError('processing_retryable', error.message, { cause: error })
    : error;
