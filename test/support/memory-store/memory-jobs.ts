import type { Guid } from '../../../src/base/ids.ts';
import { roundForJob } from '../../../src/jobs/fairness.ts';
import type { CorrespondentKey, JobError, MediaProcessingJob } from '../../../src/jobs/job.ts';
import { claimablePool, POISON, type UnplacedJob } from '../../../src/store/job-records.ts';
import type { FailedJobProblem, JobRetry } from '../../../src/store/failed-job-store.ts';
import type { IdleJob, JobCount, JobPage, JobQuery } from '../../../src/store/job-store.ts';
import type { StagedMedia } from '../../../src/store/message-store.ts';
import type { ClaimHandle, ClaimRequest, RevivedJobs } from '../../../src/store/work-store.ts';
import { MemoryTurns } from './memory-turns.ts';

/** A job that may be claimed. */
type ClaimableJob = MediaProcessingJob & { readonly status: 'pending'; readonly pool: string };

/** What an attempt gave: words, which are those of a failure when there is an error. */
interface Result {
  readonly words: string;
  readonly error: JobError | null;
}

export const UNCLAIMED = { claimToken: null, leaseExpiresAt: null } as const;

/** The jobs of a memory store. */
export class MemoryJobs {
  /** In seq order. */
  readonly #jobs = new Map<Guid, MediaProcessingJob>();
  readonly #turns = new MemoryTurns();
  #lastSeq = 0;

  all(): MediaProcessingJob[] {
    return [...this.#jobs.values()];
  }

  get(guid: Guid): MediaProcessingJob | null {
    return this.#jobs.get(guid) ?? null;
  }

  add(job: UnplacedJob): void {
    this.#lastSeq += 1;
    this.#enter({ ...job, round: 0, seq: this.#lastSeq });
  }

  stage(guid: Guid, staged: StagedMedia, now: number): 'pending' | 'already' | 'unknown' {
    const job = this.#jobs.get(guid);
    if (job === undefined || job.collection === 'failed') return 'unknown';
    if (job.status !== 'downloading') return 'already';
    this.#enter({ ...job, ...staged, status: 'pending', stagedAt: now, changedAt: now });
    return 'pending';
  }

  /** Deletes a live job, or keeps it as failed when there is an error. */
  end(guid: Guid, error: JobError | null, now: number): boolean {
    const job = this.#jobs.get(guid);
    if (job === undefined || job.collection === 'failed') return false;
    if (error === null) this.#jobs.delete(guid);
    else {
      this.#put({
        ...job,
        ...UNCLAIMED,
        collection: 'failed',
        status: 'completed',
        error,
        availableAt: null,
        changedAt: now,
      });
    }
    return true;
  }

  /** Deletes every job of a chat. Returns them. */
  forget(key: CorrespondentKey): MediaProcessingJob[] {
    const forgotten = this.all().filter(({ correspondent }) => isSameChat(correspondent, key));
    for (const { guid } of forgotten) this.#jobs.delete(guid);
    return forgotten;
  }

  /** Completes an idle job as a failure; null when it is not idle any more. */
  expire({ guid, changedAt }: IdleJob, error: JobError, now: number): MediaProcessingJob | null {
    const job = this.#jobs.get(guid);
    if (job === undefined || job.collection === 'failed' || job.changedAt !== changedAt) return null;
    if (job.status === 'processing' || job.status === 'completed') return null;
    return this.#put({ ...job, status: 'completed', error, availableAt: null, changedAt: now });
  }

  claim({ pool, now, leaseMs, cappedBots }: ClaimRequest, claimToken: string): MediaProcessingJob | null {
    const claimable = this.all()
      .filter(isClaimable)
      .filter((each) => each.pool === pool);
    const job = this.#turns.serve(pool, claimable, new Set(cappedBots));
    if (job === null) return null;
    return this.#put({
      ...job,
      status: 'processing',
      claimToken,
      leaseExpiresAt: now + leaseMs,
      claimedAt: now,
      changedAt: now,
    });
  }

  /** Replaces the job that `claim` holds. False when the token is stale. */
  withClaim(claim: ClaimHandle, change: (job: MediaProcessingJob) => MediaProcessingJob): boolean {
    const job = this.#jobs.get(claim.guid);
    if (job?.claimToken !== claim.claimToken) return false;
    this.#giveBack(change(job));
    return true;
  }

  complete(claim: ClaimHandle, { words, error }: Result, now: number): boolean {
    return this.withClaim(claim, (job) => ({
      ...job,
      ...UNCLAIMED,
      status: 'completed',
      result: words,
      error,
      attempts: job.attempts + (error === null ? 0 : 1),
      completedAt: now,
      changedAt: now,
    }));
  }

  revive(now: number, maxAttempts: number): RevivedJobs {
    const pools = new Set<string>();
    const poisoned: MediaProcessingJob[] = [];
    for (const job of this.all()) {
      if (hasLapsed(job, now) && job.attempts + 1 >= maxAttempts) {
        const attempts = job.attempts + 1;
        poisoned.push(
          this.#put({
            ...job,
            ...UNCLAIMED,
            status: 'completed',
            error: POISON,
            attempts,
            completedAt: now,
            changedAt: now,
          }),
        );
      } else if (hasLapsed(job, now) || isDue(job, now)) {
        const revived = this.#giveBack({
          ...lapse(job, now),
          status: 'pending',
          availableAt: null,
          changedAt: now,
        });
        if (isClaimable(revived)) pools.add(revived.pool);
      }
    }
    return { pools: [...pools], poisoned, nextDueAt: this.#nextDueAt() };
  }

  /** Those of `jobs` whose lease has ended become pending; returns them all. */
  endLapsed(jobs: readonly MediaProcessingJob[], now: number): MediaProcessingJob[] {
    return jobs.map((job) => this.#put(lapse(job, now)));
  }

  /** Moves `jobs` to another collection. Returns how many moved. */
  move(jobs: readonly MediaProcessingJob[], collection: 'active' | 'holding', now: number): number {
    for (const job of jobs) this.#enter({ ...job, collection, changedAt: now });
    return jobs.length;
  }

  /**
   * A job that was last changed in the future is one of before the host's clock was set back: what is left of its lease
   * or back-off counts from now.
   */
  countFromNow(now: number): void {
    for (const job of this.all()) {
      const back = job.changedAt - now;
      if (back <= 0) continue;
      const { status, leaseExpiresAt, availableAt } = job;
      if (status === 'processing' && leaseExpiresAt !== null) {
        this.#put({ ...job, leaseExpiresAt: leaseExpiresAt - back, changedAt: now });
      } else if (status === 'waiting' && availableAt !== null) {
        this.#put({ ...job, availableAt: availableAt - back, changedAt: now });
      }
    }
  }

  counts(): JobCount[] {
    const groups = Map.groupBy(this.all(), ({ pool, collection, status }) =>
      JSON.stringify([pool, collection, status]),
    );
    return [...groups.values()].flatMap((jobs) => {
      const [first] = jobs;
      if (first === undefined) return [];
      const { pool, collection, status } = first;
      const oldestCreatedAt = Math.min(...jobs.map(({ createdAt }) => createdAt));
      return [{ pool, collection, status, count: jobs.length, oldestCreatedAt }];
    });
  }

  /** Gives the held jobs the pools of their types. Returns how many moved. */
  reroute(poolOf: (mimeType: string) => string): number {
    const stranded = this.all().filter(
      ({ collection, pool, mimeType }) =>
        collection === 'holding' && pool !== null && pool !== poolOf(mimeType),
    );
    for (const job of stranded) this.#put({ ...job, pool: poolOf(job.mimeType) });
    return stranded.length;
  }

  page({ collection, filter: { botId, pool, status }, beforeSeq, limit }: JobQuery): JobPage {
    const found = this.all()
      .filter(
        (job) =>
          job.collection === collection &&
          (botId === undefined || job.correspondent.botId === botId) &&
          (pool === undefined || job.pool === pool) &&
          (status === undefined || job.status === status) &&
          (beforeSeq === null || job.seq < beforeSeq),
      )
      .toReversed();
    const jobs = found.slice(0, limit);
    return { jobs, nextBeforeSeq: found.length > limit ? (jobs.at(-1)?.seq ?? null) : null };
  }

  drop(guid: Guid): 'dropped' | FailedJobProblem {
    const job = this.#jobs.get(guid);
    if (job === undefined) return 'not_found';
    if (job.collection !== 'failed') return 'not_failed';
    this.#jobs.delete(guid);
    return 'dropped';
  }

  /** Gives a failed job another life. */
  retry(job: MediaProcessingJob, { placeholder, mimeType, pool, collection }: JobRetry): void {
    const { acceptedTime: createdAt } = placeholder;
    const anew = {
      round: 0,
      result: null,
      error: null,
      attempts: 0,
      createdAt,
      changedAt: createdAt,
      stagedAt: createdAt,
      claimedAt: null,
      completedAt: null,
    };
    this.#enter({ ...job, ...anew, placeholder, mimeType, pool, collection, status: 'pending' });
  }

  #put(job: MediaProcessingJob): MediaProcessingJob {
    this.#jobs.set(job.guid, job);
    return job;
  }

  /** Puts a job that may have become claimable: it gets its round. */
  #enter(job: MediaProcessingJob): void {
    if (!isClaimable(job)) {
      this.#put(job);
      return;
    }
    const { pool, correspondent } = job;
    const chatRounds = this.all()
      .filter((other) => isClaimable(other) && other.pool === pool && takeTurnsAsOne(other, job))
      .map(({ round }) => round);
    const bot = this.#turns.arrived(pool, correspondent.botId);
    this.#put({ ...job, round: roundForJob(bot.round, Math.max(0, ...chatRounds)) });
  }

  /** Puts a job that may be claimable again: it keeps its round. */
  #giveBack(job: MediaProcessingJob): MediaProcessingJob {
    if (isClaimable(job)) this.#turns.arrived(job.pool, job.correspondent.botId);
    return this.#put(job);
  }

  #nextDueAt(): number | null {
    const due = this.all().flatMap(({ status, leaseExpiresAt, availableAt }) => {
      const at = status === 'processing' ? leaseExpiresAt : status === 'waiting' ? availableAt : null;
      return at === null ? [] : [at];
    });
    return due.length === 0 ? null : Math.min(...due);
  }
}

const isClaimable = (job: MediaProcessingJob): job is ClaimableJob => claimablePool(job) !== null;

const isDue = ({ status, availableAt }: MediaProcessingJob, now: number): boolean =>
  status === 'waiting' && availableAt !== null && availableAt <= now;

const hasLapsed = ({ status, leaseExpiresAt }: MediaProcessingJob, now: number): boolean =>
  status === 'processing' && leaseExpiresAt !== null && leaseExpiresAt <= now;

const lapse = (job: MediaProcessingJob, now: number): MediaProcessingJob =>
  hasLapsed(job, now) ? { ...job, ...UNCLAIMED, status: 'pending', attempts: job.attempts + 1 } : job;

/** As the other stores' indexes of rounds have it: chats of two providers with one id would take turns as one. */
const takeTurnsAsOne = (a: MediaProcessingJob, b: MediaProcessingJob): boolean =>
  a.correspondent.botId === b.correspondent.botId &&
  a.correspondent.correspondentId === b.correspondent.correspondentId;

export const isSameChat = (one: CorrespondentKey, other: CorrespondentKey): boolean =>
  one.botId === other.botId &&
  one.providerName === other.providerName &&
  one.correspondentId === other.correspondentId;
