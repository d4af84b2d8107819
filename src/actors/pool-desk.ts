import type { Timer } from '../base/clock.ts';
import { describeError, hasCode } from '../base/errors.ts';
import type { ClaimedJob } from '../jobs/job.ts';
import type { JobOutcome } from '../processors/run-job.ts';
import type { InFlight } from './in-flight.ts';
import type { ActorContext, ActorRef } from './kit/actor.ts';
import type { WorkerProtocol } from './worker.ts';

export type Worker = ActorRef<WorkerProtocol>;

export interface PoolDeskOptions {
  readonly workers: readonly Worker[];
  readonly inFlight: InFlight;
  readonly context: Pick<ActorContext<never>, 'clock' | 'log'>;
  /** Aborted: nothing more is claimed. */
  readonly signal: AbortSignal;
  readonly claim: (cappedBots: readonly string[]) => Promise<ClaimedJob | null>;
  readonly ended: (job: ClaimedJob, outcome: JobOutcome) => void;
  /** How long a worker may take for one job, all told. */
  readonly runDeadlineMs: number;
  /** Puts another in the place of a worker that hangs. */
  readonly replace: (worker: Worker) => Promise<Worker>;
}

const CLAIM_RETRY_MS = 1_000;

/**
 * Hands one pool's jobs to its idle workers.
 *   D1 One claim at a time, so turns are taken in order.
 *   D2 While a worker is idle and the last claim found something, another claim follows.
 *   D3 A wake during a claim is not lost: it claims once more.
 *   D4 A claim that a bot's cap may have left empty-handed is made again when the cap lifts by the clock.
 *   D5 Once the signal aborted nothing is claimed, and `closed` resolves when every job in hand has come to its end.
 */
export class PoolDesk {
  readonly #options: PoolDeskOptions;
  readonly #idle: Worker[];
  readonly #running = new Set<Promise<void>>();
  #claiming: Promise<void> | null = null;
  #wokenAgain = false;
  /** Of the next claim that nobody will ask for: after a failure, or when a cap lifts. */
  #claimTimer: Timer | null = null;

  constructor(options: PoolDeskOptions) {
    this.#options = options;
    this.#idle = [...options.workers];
    options.signal.addEventListener('abort', () => this.#claimTimer?.cancel(), { once: true });
  }

  wake(): void {
    this.#wokenAgain = true;
    this.#claiming ??= this.#claimWhileWoken();
  }

  async closed(): Promise<void> {
    await this.#claiming;
    await Promise.all(this.#running);
  }

  get load(): { readonly busy: number; readonly idle: number } {
    return { busy: this.#running.size, idle: this.#idle.length };
  }

  inspect(): string {
    return `${this.#running.size} busy, ${this.#idle.length} idle`;
  }

  async #claimWhileWoken(): Promise<void> {
    while (this.#wokenAgain) {
      this.#wokenAgain = false;
      await this.#claimAll();
    }
    this.#claiming = null;
  }

  async #claimAll(): Promise<void> {
    const { context, signal } = this.#options;
    try {
      while (!signal.aborted) {
        const worker = this.#idle.pop();
        if (worker === undefined || !(await this.#claimFor(worker))) return;
      }
    } catch (error) {
      context.log.warn({ reason: describeError(error), delay_ms: CLAIM_RETRY_MS }, 'claiming waits');
      this.#claimAgainIn(CLAIM_RETRY_MS);
    }
  }

  #claimAgainIn(delayMs: number): void {
    const { context, signal } = this.#options;
    this.#claimTimer?.cancel();
    if (!signal.aborted) this.#claimTimer = context.clock.schedule(delayMs, () => this.wake());
  }

  /** False when there is no job for it. */
  async #claimFor(worker: Worker): Promise<boolean> {
    const { inFlight, claim, context } = this.#options;
    let job: ClaimedJob | null = null;
    const capped = inFlight.capped();
    try {
      job = await claim(capped);
    } finally {
      if (job === null) this.#idle.push(worker);
    }
    if (job === null) {
      const liftsAt = capped.length === 0 ? null : inFlight.capLiftsAt();
      if (liftsAt !== null) this.#claimAgainIn(Math.max(0, liftsAt - context.clock.now()));
      return false;
    }
    const { guid, pool, correspondent } = job;
    context.log.info({ guid, bot_id: correspondent.botId, pool, worker: worker.name }, 'job claimed');
    inFlight.started(job.correspondent.botId);
    const run = this.#run(worker, job).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return true;
  }

  async #run(worker: Worker, job: ClaimedJob): Promise<void> {
    const { inFlight, context, ended, runDeadlineMs } = this.#options;
    let next = worker;
    try {
      ended(job, await worker.ask('run', job, { deadlineMs: runDeadlineMs }));
    } catch (error) {
      // The worker's own supervision saw to the worker; the lease gives the job back, unless its result is durable.
      context.log.error({ guid: job.guid, reason: describeError(error) }, 'a worker failed');
      ended(job, { kind: 'unsaved' });
      if (hasCode(error, 'deadline_exceeded')) next = await this.#replace(worker);
    } finally {
      inFlight.ended(job.correspondent.botId);
      this.#idle.push(next);
      this.wake();
    }
  }

  async #replace(worker: Worker): Promise<Worker> {
    try {
      return await this.#options.replace(worker);
    } catch (error) {
      this.#options.context.log.error({ reason: describeError(error) }, 'a worker hangs and stays');
      return worker;
    }
  }
}
