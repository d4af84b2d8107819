import { DragomanError } from '../../src/base/errors.ts';
import type { ClaimedJob, MediaProcessingJob } from '../../src/jobs/job.ts';
import type { JobLedger } from '../../src/processors/job-ledger.ts';

/** How the store answers one call. `lost answer`: it writes, and the caller learns only that it failed. */
export type Answer = 'ok' | 'unavailable' | 'lost answer' | 'fenced' | 'broken' | 'never';

type Write = 'heartbeat' | 'complete' | 'postpone' | 'release';

/**
 * The worker's part of a store with one claimed job in it, which fails as the script says.
 *   L1 A write under a stale token changes nothing; `complete`, `postpone` and `release` spend the token.
 *   L2 Each write takes the next answer of its script; with none left it succeeds.
 */
export class ScriptedLedger implements JobLedger {
  readonly calls: Write[] = [];
  /** The job as it is stored; null once it is gone. */
  stored: MediaProcessingJob | null;
  readonly #scripts = new Map<Write, Answer[]>();

  constructor(job: ClaimedJob) {
    this.stored = job;
  }

  script(write: Write, ...answers: Answer[]): this {
    this.#scripts.set(write, answers);
    return this;
  }

  /** Another worker claims the job. */
  takeOver(): void {
    this.#change({ claimToken: 'token-of-another' });
  }

  callsOf(write: Write): number {
    return this.calls.filter((call) => call === write).length;
  }

  heartbeat: JobLedger['heartbeat'] = (claim, leaseExpiresAt) =>
    this.#answer('heartbeat', claim.claimToken, { leaseExpiresAt });

  complete: JobLedger['complete'] = async (claim, result) => {
    const isOurs = await this.#answer('complete', claim.claimToken, {
      status: 'completed',
      claimToken: null,
      result: result.words,
      error: result.kind === 'failure' ? result.error : null,
    });
    return isOurs ? 'completed' : 'stale';
  };

  postpone: JobLedger['postpone'] = (claim, availableAt, error) =>
    this.#answer('postpone', claim.claimToken, {
      status: 'waiting',
      claimToken: null,
      availableAt,
      attempts: (this.stored?.attempts ?? 0) + 1,
      error,
    });

  release: JobLedger['release'] = (claim) =>
    this.#answer('release', claim.claimToken, { status: 'pending', claimToken: null });

  jobByGuid: JobLedger['jobByGuid'] = async () => this.stored;

  async #answer(write: Write, token: string, change: Partial<MediaProcessingJob>): Promise<boolean> {
    this.calls.push(write);
    const answer = this.#scripts.get(write)?.shift() ?? 'ok';
    switch (answer) {
      case 'unavailable':
        throw new DragomanError('store_unavailable', 'the store is down');
      case 'fenced':
        throw new DragomanError('fenced', 'another backend owns the store');
      case 'broken':
        throw new DragomanError('invariant_broken', 'a bug');
      case 'never':
        return new Promise(() => {});
      case 'lost answer':
        this.#write(token, change);
        throw new DragomanError('store_unavailable', 'the connection broke before the answer');
      case 'ok':
        return this.#write(token, change);
    }
  }

  #write(token: string, change: Partial<MediaProcessingJob>): boolean {
    if (this.stored?.claimToken !== token) return false;
    this.#change(change);
    return true;
  }

  #change(change: Partial<MediaProcessingJob>): void {
    if (this.stored !== null) this.stored = { ...this.stored, ...change };
  }
}
