import type { Guid } from '../base/ids.ts';
import { isStale, type JanitorLimits } from '../jobs/janitor-rules.ts';
import type { JobCollection, JobStatus, MediaProcessingJob } from '../jobs/job.ts';
import { jobPages } from '../store/job-pages.ts';
import type { JobStore } from '../store/job-store.ts';
import { type SharedFolder, type SurveyedFile, surveyFiles } from './janitor-files.ts';
import { type Leftovers, surveyLeftovers } from './leftover-files.ts';

export interface StaleJob {
  readonly guid: Guid;
  readonly botId: string;
  readonly pool: string | null;
  readonly status: JobStatus;
  readonly collection: JobCollection;
  readonly changedAt: number;
}

/** What the janitor would do now. */
export interface JanitorPlan {
  /** The first ones; `staleJobCount` tells how many there are. */
  readonly staleJobs: readonly StaleJob[];
  readonly staleJobCount: number;
  /** Records of failed jobs that are too old. */
  readonly oldFailedJobCount: number;
  /** Every file of the staging folders, what becomes of it and why. */
  readonly files: readonly SurveyedFile[];
  /** Bots whose history is pruned, and up to when. */
  readonly history: readonly { readonly botId: string; readonly before: number }[];
}

export interface JanitorBot {
  readonly id: string;
  isConnected(): boolean;
  /** Null: its history is kept for ever. */
  readonly historyMs: number | null;
}

export interface JanitorSurveyOptions {
  readonly store: Pick<JobStore, 'jobsOfBot' | 'jobsAmong'>;
  readonly folders: () => readonly SharedFolder[];
  readonly hasFile: (guid: Guid, gatewayId: string) => Promise<boolean>;
  /** Those that there are, and those that there were: what they left is still here. */
  readonly bots: () => Promise<readonly JanitorBot[]>;
  readonly limits: JanitorLimits;
}

/** What only a running janitor knows. */
export interface JanitorTimes {
  now(): number;
  /** Before, nobody could have done anything. */
  countsFrom(): number;
  /** When a job of the pool was completed last; null: not since then. */
  poolCompletedAt(pool: string): number | null;
}

const LISTED_JOBS = 1_000;
const UNDONE: readonly JobStatus[] = ['downloading', 'pending', 'waiting'];

/** Finds what is to go, and changes nothing. A page of jobs at a time is in memory. */
export class JanitorSurvey {
  readonly #options: JanitorSurveyOptions;
  readonly #times: JanitorTimes;

  constructor(options: JanitorSurveyOptions, times: JanitorTimes) {
    this.#options = options;
    this.#times = times;
  }

  async plan(): Promise<JanitorPlan> {
    const staleJobs: StaleJob[] = [];
    let staleJobCount = 0;
    for await (const job of this.staleJobs()) {
      staleJobCount += 1;
      if (staleJobCount <= LISTED_JOBS) staleJobs.push(listed(job));
    }
    const files: SurveyedFile[] = [];
    for (const shared of this.#options.folders()) files.push(...(await this.files(shared)));
    let oldFailedJobCount = 0;
    for await (const _ of this.oldFailedJobs()) oldFailedJobCount += 1;
    const history = await this.outdatedHistories();
    return { staleJobs, staleJobCount, oldFailedJobCount, files, history };
  }

  /** Every job that is stale now. */
  async *staleJobs(): AsyncGenerator<MediaProcessingJob> {
    const { store, bots, limits } = this.#options;
    const changedBefore = this.#times.now() - Math.min(limits.staleJobMs, limits.heldJobMs) + 1;
    for (const bot of await bots()) {
      for (const collection of ['holding', 'active'] as const) {
        const pages = jobPages(store, bot.id, { collection, statuses: UNDONE, changedBefore });
        for await (const jobs of pages) {
          for (const job of jobs) if (await this.#isStale(job, bot)) yield job;
        }
      }
    }
  }

  /** Every failed job that is too old: nobody retries it any more, for its file is gone. */
  async *oldFailedJobs(): AsyncGenerator<MediaProcessingJob> {
    const { store, bots, limits } = this.#options;
    const changedBefore = this.#times.now() - limits.failedJobMs + 1;
    for (const bot of await bots()) {
      for await (const jobs of jobPages(store, bot.id, { collection: 'failed', changedBefore })) yield* jobs;
    }
  }

  async #isStale(job: MediaProcessingJob, bot: JanitorBot): Promise<boolean> {
    const facts = {
      now: this.#times.now(),
      countsFrom: this.#times.countsFrom(),
      isBotConnected: bot.isConnected(),
      poolCompletedAt: job.pool === null ? null : this.#times.poolCompletedAt(job.pool),
    };
    // The file is looked for only where it decides.
    if (!isStale(job, { ...facts, hasFile: false }, this.#options.limits)) return false;
    const hasFile = await this.#options.hasFile(job.guid, job.media.gatewayId);
    return isStale(job, { ...facts, hasFile }, this.#options.limits);
  }

  /** Every file of a folder, and what becomes of it. */
  files(shared: SharedFolder): Promise<readonly SurveyedFile[]> {
    const { store, limits } = this.#options;
    return surveyFiles({ ...shared, store, limits, now: this.#times.now() });
  }

  /** Those of a folder's files that an earlier life left, and what becomes of them. */
  leftovers(shared: SharedFolder, known: Leftovers): Promise<readonly SurveyedFile[]> {
    const { store, limits } = this.#options;
    return surveyLeftovers(known, { ...shared, store, limits, now: this.#times.now() });
  }

  async outdatedHistories(): Promise<JanitorPlan['history']> {
    const bots = await this.#options.bots();
    return bots.flatMap(({ id, historyMs }) =>
      historyMs === null ? [] : [{ botId: id, before: this.#times.now() - historyMs }],
    );
  }
}

const listed = ({
  guid,
  correspondent,
  pool,
  status,
  collection,
  changedAt,
}: MediaProcessingJob): StaleJob => ({
  guid,
  botId: correspondent.botId,
  pool,
  status,
  collection,
  changedAt,
});
