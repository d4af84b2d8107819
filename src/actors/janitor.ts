import { backOffMs } from '../base/back-off.ts';
import type { Timer } from '../base/clock.ts';
import { describeError, hasCode } from '../base/errors.ts';
import { HOUR_MS } from '../base/units.ts';
import { needsFile } from '../jobs/janitor-rules.ts';
import type { JobError } from '../jobs/job.ts';
import type { FailedJobStore } from '../store/failed-job-store.ts';
import type { JobStore } from '../store/job-store.ts';
import type { MessageStore } from '../store/message-store.ts';
import { type Completion, storedCompletion } from './completion.ts';
import type { SharedFolder, SurveyedFile } from './janitor-files.ts';
import { type JanitorPlan, JanitorSurvey, type JanitorSurveyOptions } from './janitor-survey.ts';
import type { ActorContext, ActorDefinition } from './kit/actor.ts';
import type { Leftovers } from './leftover-files.ts';

/** What the janitor did. */
export interface JanitorReport {
  readonly staleJobs: number;
  readonly failedFiles: number;
  readonly orphanFiles: number;
  readonly prunedJobs: number;
  readonly prunedMessages: number;
}

export interface JanitorProtocol {
  /** Looks, and does what is to be done. */
  sweep(): Promise<JanitorReport>;
  /** Looks, and changes nothing. */
  plan(): Promise<JanitorPlan>;
  /** A job of this pool came to its end. */
  completed(pool: string): void;
  /** A gateway is there to be asked about what an earlier life left. */
  gatewayCame(): void;
  /** Deletes what an earlier life left; what cannot be decided yet, later. */
  reclaim(): Promise<void>;
}

/** What the janitor knows of this process's life; it outlives restarts of the actor. */
export interface JanitorMemory {
  /** Age counts from here at the earliest. */
  countsFrom: number;
  /** By pool, when a job of it came to its end last. */
  readonly poolCompletedAt: Map<string, number>;
  readonly leftovers: Leftovers;
}

/** Of a process that starts now. */
export const freshMemory = (now: number): JanitorMemory => ({
  countsFrom: now,
  poolCompletedAt: new Map(),
  leftovers: new Map(),
});

export interface JanitorArgs extends JanitorSurveyOptions {
  readonly store: JobStore & Pick<FailedJobStore, 'dropFailedJob'> & Pick<MessageStore, 'pruneHistory'>;
  readonly memory: JanitorMemory;
  /** 0: it sweeps only when it is told to. */
  readonly everyMs: number;
  readonly firstAfterMs: number;
  /** A job was ended for stale: its bot's owner settles it. Must not block. */
  readonly expired: (completion: Completion) => void;
}

/** A gateway has frames to send again first; one that stays busy is asked ever less often. */
const RECLAIM_AFTER_MS = 1_000;
/** A gateway that comes back is heard of: this is for one that does not answer, and for a store, folder or file that fails. */
const RECLAIM_AGAIN_MS = 30_000;
/** Between looks at what goes on failing. */
const LONGEST_RECLAIM_MS = HOUR_MS;
const STALE: JobError = { code: 'stale', reason: 'nothing happened to it for too long', stack: null };

/**
 * Ends what nobody will come for, and deletes what nobody needs.
 *   J1 A job is ended only while it is as it was when it was found stale: never one that is leased or completed.
 *   J2 It is ended like any other, by a result: its bot's owner settles it, now or at the bot's recovery.
 *   J3 A file goes only when no job needs it any more; one without any job, only when every gateway that may know it is
 *      connected, has nothing unacked and does not hold it: one that an earlier life left as soon as that is so, any other
 *      when it is old.
 *   J4 Time in which the store was away, or this process, makes nothing stale.
 *   J5 What a plan lists is what a sweep at that moment would do: both look by the same code.
 *   J6 A folder or file that cannot be used keeps it from nothing else.
 */
class Janitor {
  readonly #context: ActorContext<JanitorProtocol>;
  readonly #args: JanitorArgs;
  readonly #survey: JanitorSurvey;
  #timer: Timer | null = null;
  #reclaiming: Timer | null = null;
  /** How often a gateway was busy since one came. */
  #busyLooks = 0;
  /** How often it met a folder or file that it may not use. */
  #unusable = 0;
  /** How many looks at what an earlier life left did so, one after the other. */
  #failedLooks = 0;

  constructor(context: ActorContext<JanitorProtocol>, args: JanitorArgs) {
    this.#context = context;
    this.#args = args;
    this.#survey = new JanitorSurvey(args, {
      now: () => this.#now(),
      countsFrom: () => args.memory.countsFrom,
      poolCompletedAt: (pool) => args.memory.poolCompletedAt.get(pool) ?? null,
    });
  }

  plan(): Promise<JanitorPlan> {
    return this.#survey.plan();
  }

  started(): void {
    if (this.#args.everyMs === 0) return;
    this.#sweepIn(this.#args.firstAfterMs);
    this.#reclaimIn(RECLAIM_AFTER_MS);
  }

  stopped(): void {
    this.#timer?.cancel();
    this.#reclaiming?.cancel();
  }

  gatewayCame(): void {
    this.#busyLooks = 0;
    if (this.#args.everyMs > 0) this.#reclaimIn(RECLAIM_AFTER_MS);
  }

  completed(pool: string): void {
    this.#args.memory.poolCompletedAt.set(pool, this.#now());
  }

  async sweep(): Promise<JanitorReport> {
    try {
      const report = {
        staleJobs: await this.#expireJobs(),
        ...(await this.#deleteFiles((shared) => this.#survey.files(shared))),
        // After their files.
        prunedJobs: await this.#pruneFailedJobs(),
        prunedMessages: await this.#pruneHistories(),
      };
      this.#context.log.info(inWords(report), 'janitor swept');
      return report;
    } catch (error) {
      // Any other failure keeps nobody from his work.
      if (hasCode(error, 'store_unavailable')) this.#args.memory.countsFrom = this.#now();
      this.#context.log.warn({ reason: describeError(error) }, 'the janitor stopped half way');
      throw error;
    } finally {
      if (this.#args.everyMs > 0) this.#sweepIn(this.#args.everyMs);
    }
  }

  async #expireJobs(): Promise<number> {
    const { store, expired } = this.#args;
    let count = 0;
    for await (const { guid, changedAt } of this.#survey.staleJobs()) {
      this.#context.signal.throwIfAborted();
      const job = await store.expireJob({ guid, changedAt }, STALE, this.#now());
      if (job === null) continue;
      count += 1;
      this.#context.log.warn({ guid, bot_id: job.correspondent.botId }, 'stale: given up');
      expired(storedCompletion(job));
    }
    return count;
  }

  async reclaim(): Promise<void> {
    const { leftovers } = this.#args.memory;
    let isBusy = false;
    const unusableBefore = this.#unusable;
    try {
      await this.#deleteFiles(async (shared) => {
        const files = await this.#survey.leftovers(shared, leftovers);
        isBusy ||= files.some(({ fate }) => fate.why === 'gateway busy');
        return files;
      });
    } catch (error) {
      this.#context.log.warn(
        { reason: describeError(error) },
        'what an earlier life left cannot be looked at',
      );
      return this.#reclaimIn(RECLAIM_AGAIN_MS);
    }
    const isLeft = this.#args.folders().some(({ folder }) => leftovers.get(folder)?.size !== 0);
    this.#failedLooks = this.#unusable === unusableBefore ? 0 : this.#failedLooks + 1;
    if (isLeft) this.#reclaimIn(isBusy ? this.#busyPauseMs() : this.#failedPauseMs());
  }

  #busyPauseMs(): number {
    const pauseMs = backOffMs(RECLAIM_AFTER_MS, this.#busyLooks, RECLAIM_AGAIN_MS);
    this.#busyLooks += 1;
    return pauseMs;
  }

  #failedPauseMs(): number {
    return backOffMs(RECLAIM_AGAIN_MS, Math.max(this.#failedLooks - 1, 0), LONGEST_RECLAIM_MS);
  }

  async #deleteFiles(
    survey: (shared: SharedFolder) => Promise<readonly SurveyedFile[]>,
  ): Promise<Pick<JanitorReport, 'failedFiles' | 'orphanFiles'>> {
    const gone = { failed: 0, orphan: 0 };
    for (const shared of this.#args.folders()) {
      for (const file of await this.#unlessUnusable([], () => survey(shared))) {
        this.#context.signal.throwIfAborted();
        if (file.fate.kind === 'stays') continue;
        const { why } = file.fate;
        if (await this.#unlessUnusable(false, () => this.#delete(shared, file, why))) gone[why] += 1;
      }
    }
    return { failedFiles: gone.failed, orphanFiles: gone.orphan };
  }

  /** False when it is needed after all: a failed job may have been retried since its file was looked at. */
  async #delete(
    { folder, gateways }: SharedFolder,
    { guid, partial }: SurveyedFile,
    why: 'failed' | 'orphan',
  ): Promise<boolean> {
    const [job] = why === 'failed' ? await this.#args.store.jobsAmong([guid]) : [];
    if (job !== undefined && needsFile(job)) return false;
    await (partial ? folder.removePartial(guid) : folder.remove(guid));
    if (!partial) this.#args.memory.leftovers.get(folder)?.delete(guid);
    for (const gateway of gateways) gateway.released(guid);
    this.#context.log.info({ guid, partial, why }, 'file deleted');
    return true;
  }

  /** What `work` resolves to; `otherwise` when it met a folder or file that this process may not use (J6). */
  async #unlessUnusable<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      this.#unusable += 1;
      this.#context.log.warn({ reason: describeError(error) }, 'the janitor leaves out what it may not use');
      return otherwise;
    }
  }

  async #pruneFailedJobs(): Promise<number> {
    let pruned = 0;
    for await (const { guid } of this.#survey.oldFailedJobs()) {
      this.#context.signal.throwIfAborted();
      if ((await this.#args.store.dropFailedJob(guid)) === 'dropped') pruned += 1;
    }
    return pruned;
  }

  async #pruneHistories(): Promise<number> {
    let pruned = 0;
    for (const { botId, before } of await this.#survey.outdatedHistories()) {
      this.#context.signal.throwIfAborted();
      pruned += await this.#args.store.pruneHistory(botId, before);
    }
    return pruned;
  }

  #sweepIn(delayMs: number): void {
    const { clock, self, signal } = this.#context;
    this.#timer?.cancel();
    if (!signal.aborted) this.#timer = clock.schedule(delayMs, () => self.tell('sweep', undefined));
  }

  #reclaimIn(delayMs: number): void {
    const { clock, self, signal } = this.#context;
    this.#reclaiming?.cancel();
    if (!signal.aborted) this.#reclaiming = clock.schedule(delayMs, () => self.tell('reclaim', undefined));
  }

  #now(): number {
    return this.#context.clock.now();
  }
}

const inWords = ({
  staleJobs,
  failedFiles,
  orphanFiles,
  prunedJobs,
  prunedMessages,
}: JanitorReport): object => ({
  stale_jobs: staleJobs,
  failed_files: failedFiles,
  orphan_files: orphanFiles,
  pruned_jobs: prunedJobs,
  pruned_messages: prunedMessages,
});

export const janitorActor: ActorDefinition<JanitorProtocol, JanitorArgs> = {
  kind: 'janitor',
  mailboxCapacity: 100_000,
  create(context, args) {
    const janitor = new Janitor(context, args);
    return {
      handlers: {
        sweep: () => janitor.sweep(),
        plan: () => janitor.plan(),
        completed: (pool) => janitor.completed(pool),
        gatewayCame: () => janitor.gatewayCame(),
        reclaim: () => janitor.reclaim(),
      },
      started: () => janitor.started(),
      stopped: () => janitor.stopped(),
    };
  },
};
