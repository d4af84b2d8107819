import { readSound } from '../documents.ts';
import type { WorkStore } from '../work-store.ts';
import { jobOfDocument } from './job-document.ts';
import { lanesOf } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import { claim, complete, heartbeat, jobByGuid, postpone, release } from './operations/jobs.ts';
import { dueJobs, nextDueAt, type Revival, reviveJob } from './operations/revival.ts';

/** Due jobs of a kind that are revived in one call; the next is due at once when there are more. */
const REVIVE_STEP = 500;

export function mongoWorkStore({ transactions, watches, clock, log }: MongoParts): WorkStore {
  /** The last turn that this process gave, by pool. */
  const latestTurns = new Map<string, number>();
  return {
    async claim(request) {
      const { pool } = request;
      const claimed = await transactions.run([lanesOf.pool(pool)], (transaction) =>
        claim(transaction, request, latestTurns.get(pool) ?? 0),
      );
      if (claimed === null) return null;
      latestTurns.set(pool, claimed.turn);
      return claimed.job;
    },

    heartbeat(handle, leaseExpiresAt) {
      const leaseMs = leaseExpiresAt - clock.now();
      return transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
        heartbeat(transaction, handle, leaseMs),
      );
    },

    complete: (handle, result, now) =>
      transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
        complete(transaction, handle, result, now),
      ),

    release: (handle, now) =>
      transactions.run([lanesOf.guid(handle.guid)], (transaction) => release(transaction, handle, now)),

    postpone: (handle, availableAt, error, now) =>
      transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
        postpone(transaction, handle, availableAt, error, now),
      ),

    /** Each job in a transaction of its own: a call that ended early is made again. */
    async reviveJobs(now, maxAttempts) {
      const pools = new Set<string>();
      const poisoned: Extract<Revival, { readonly kind: 'poisoned' }>[] = [];
      for (const due of await transactions.single((collections) => dueJobs(collections, now, REVIVE_STEP))) {
        const revival = await transactions.run([lanesOf.guid(due.guid)], (transaction) =>
          reviveJob(transaction, due, now, maxAttempts),
        );
        if (revival.kind === 'poisoned') poisoned.push(revival);
        if (revival.kind === 'revived' && revival.claimablePool !== null) pools.add(revival.claimablePool);
      }
      return {
        pools: [...pools],
        poisoned: readSound(
          poisoned.toSorted((a, b) => a.job.seq - b.job.seq),
          ({ job, collection }) => jobOfDocument(job, collection),
          log,
        ),
        nextDueAt: await transactions.single((collections) => nextDueAt(collections, now)),
      };
    },

    jobByGuid: (guid) => transactions.run([], (transaction) => jobByGuid(transaction, guid)),

    onClaimable: (listener) => watches.claimable(listener),
  };
}
