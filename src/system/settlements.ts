import type { BotProtocol } from '../actors/bot-protocol.ts';
import { type Completion, completionOf } from '../actors/completion.ts';
import type { ActorRef } from '../actors/kit/actor.ts';
import { describeError, hasCode } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { ClaimedJob, ProcessingResult } from '../jobs/job.ts';
import { type JobLedger, type Kept, keptOn, ledgerOf } from '../processors/job-ledger.ts';
import type { WorkStore } from '../store/work-store.ts';

export interface SettlementsOptions {
  readonly store: WorkStore;
  readonly bots: ReadonlyMap<string, { readonly ref: Pick<ActorRef<BotProtocol>, 'ask'> }>;
  readonly releaseFile: (completion: Completion) => Promise<void>;
  readonly log: Logger;
}

/** A result waits on its job anyhow: this only bounds how long one try to settle it may take. */
const SETTLE_DEADLINE_MS = 600_000;
/** How long a worker waits for a chat before it leaves its result on the job. */
const CONCLUDE_DEADLINE_MS = 10_000;
/** The job would not take the result either. */
const STORE_FAULTS = ['store_unavailable', 'disk_full', 'fenced'] as const;

/**
 * Results on their way from their jobs to their chats.
 *   T1 A result that is not settled, because its bot is not there or cannot, waits on its job for the bot's recovery.
 *   T2 A result that is heard of twice is on its way once, and settled once.
 *   T3 When `settled` resolves, nothing that was begun before is on its way.
 *   T4 A worker that is beside the chats hands its result to the chat itself, which settles in the transaction in which the
 *      job is completed. When the chat cannot, the result is put on the job.
 */
export class Settlements {
  readonly #options: SettlementsOptions;
  /** By GUID and place: a failed job that is retried has its GUID again. */
  readonly #onTheirWay = new Map<string, Promise<unknown>>();

  constructor(options: SettlementsOptions) {
    this.#options = options;
  }

  /** That of the workers of this process. */
  get ledger(): JobLedger {
    const onJob = ledgerOf(this.#options.store);
    return { ...onJob, complete: (job, result, now) => this.#complete(onJob, job, result, now) };
  }

  /** What was settled by its worker already: only its file is left. */
  concluded(completion: Completion): void {
    void this.#follow(completion, this.#options.releaseFile(completion));
  }

  /** Resolves to whether the result came to its place by this: not if it is on its way already, or was there before. */
  begin(completion: Completion): Promise<boolean> {
    if (this.#onTheirWay.has(nameOf(completion))) return Promise.resolve(false);
    return this.#follow(completion, this.#settle(completion));
  }

  #follow<T>(completion: Completion, way: Promise<T>): Promise<T> {
    const name = nameOf(completion);
    const followed = way.finally(() => this.#onTheirWay.delete(name));
    this.#onTheirWay.set(name, followed);
    return followed;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#onTheirWay.values());
  }

  async #complete(
    onJob: JobLedger,
    job: ClaimedJob,
    result: ProcessingResult,
    completedAt: number,
  ): Promise<Kept | 'stale'> {
    const concluded = await this.#conclude(job, result, completedAt);
    if (concluded !== null) return concluded;
    const kept = await onJob.complete(job, result, completedAt);
    // The chat may have settled it all the same.
    return kept === 'stale' ? keptOn(await this.#options.store.jobByGuid(job.guid), result) : kept;
  }

  /** Null: the chat has not, or nobody knows. */
  async #conclude(
    job: ClaimedJob,
    result: ProcessingResult,
    completedAt: number,
  ): Promise<'settled' | 'stale' | null> {
    const { bots, log } = this.#options;
    const bot = bots.get(job.correspondent.botId);
    if (bot === undefined) return null;
    const claim = { token: job.claimToken, completedAt };
    const completion = { ...completionOf(job, result, completedAt), claim };
    try {
      const outcome = await bot.ref.ask('conclude', completion, { deadlineMs: CONCLUDE_DEADLINE_MS });
      return outcome === 'gone' ? null : outcome;
    } catch (error) {
      if (STORE_FAULTS.some((code) => hasCode(error, code))) throw error;
      log.warn({ guid: job.guid, reason: describeError(error) }, 'a result is left on its job');
      return null;
    }
  }

  async #settle(completion: Completion): Promise<boolean> {
    const { bots, releaseFile, log } = this.#options;
    await releaseFile(completion);
    try {
      const bot = bots.get(completion.correspondent.botId);
      const outcome = await bot?.ref.ask('settle', completion, { deadlineMs: SETTLE_DEADLINE_MS });
      return outcome === 'settled';
    } catch (error) {
      log.warn({ guid: completion.guid, reason: describeError(error) }, 'a result waits on its job');
      return false;
    }
  }
}

const nameOf = ({ guid, place }: Completion): string => `${guid} ${place}`;
