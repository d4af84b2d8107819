import { describeError } from '../base/errors.ts';
import type { ClaimedJob } from '../jobs/job.ts';
import type { PoolConfig } from '../jobs/pools.ts';
import type { JobOutcome } from '../processors/run-job.ts';
import type { InFlight } from './in-flight.ts';
import type { ActorContext, ActorRef } from './kit/actor.ts';
import type { WorkerProtocol } from './worker.ts';

type Worker = ActorRef<WorkerProtocol>;

export interface PoolDeskOptions {
  readonly pool: PoolConfig;
  readonly workers: readonly Worker[];
  readonly inFlight: InFlight;
  readonly context: Pick<ActorContext<never>, 'clock' | 'log'>;
  readonly claim: (cappedBots: readonly string[]) => Promise<ClaimedJob | null>;
  readonly ended: (job: ClaimedJob, outcome: JobOutcome) => void;
  /** How long a worker may take for one job, all told. */
  readonly runDeadlineMs: number;
}

const CLAIM_RETRY_MS = 1_000;

/**
 * Hands one pool's jobs to its idle workers.
 *   D1 One claim at a time, so turns are taken in order.
 *   D2 While a worker is idle and the last claim found something, another claim follows.
 *   D3 A wake during a claim is not lost: it claims once more.
 *   D4 After `close`, nothing is claimed.
 */
export class PoolDesk {
  readonly #options: PoolDeskOptions;
  readonly #idle: Worker[];
  readonly #running = new Set<Promise<void>>();
  #claiming: Promise<void> | null = null;
  #wokenAgain = false;
  #closed = false;

  constructor(options: PoolDeskOptions) {
    this.#options = options;
    this.#idle = [...options.workers];
  }

  wake(): void {
    if (this.#claiming !== null) {
      this.#wokenAgain = true;
      return;
    }
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = null;
      if (this.#wokenAgain) this.wake();
    });
  }

  /** Resolves when every job in hand has come to its end. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#claiming;
    await Promise.all(this.#running);
  }

  inspect(): { readonly idle: number; readonly busy: number } {
    return { idle: this.#idle.length, busy: this.#running.size };
  }

  async #claimAll(): Promise<void> {
    this.#wokenAgain = false;
    const { inFlight, claim, context } = this.#options;
    try {
      while (!this.#closed && this.#idle.length > 0) {
        const job = await claim(inFlight.capped());
        if (job === null) return;
        const worker = this.#idle.pop();
        if (worker === undefined) return;
        const run = this.#run(worker, job).finally(() => this.#running.delete(run));
        this.#running.add(run);
      }
    } catch (error) {
      context.log.warn({ pool: this.#options.pool.name, reason: describeError(error) }, 'claiming waits');
      context.clock.schedule(CLAIM_RETRY_MS, () => this.wake());
    }
  }

  async #run(worker: Worker, job: ClaimedJob): Promise<void> {
    const { inFlight, context, ended, runDeadlineMs } = this.#options;
    const { botId } = job.correspondent;
    inFlight.started(botId);
    try {
      ended(job, await worker.ask('run', job, { deadlineMs: runDeadlineMs }));
    } catch (error) {
      // The worker's own supervision saw to the worker; the lease gives the job back.
      context.log.error({ guid: job.guid, reason: describeError(error) }, 'a worker failed');
    } finally {
      inFlight.ended(botId);
      this.#idle.push(worker);
      this.wake();
    }
  }
}
