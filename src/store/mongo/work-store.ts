import { readSound } from '../records.ts';
import type { ClaimHandle, WorkStore } from '../work-store.ts';
import { jobOfDocument } from './job-document.ts';
import { lanesOf } from './lanes.ts';
import type { MongoParts } from './mongo-parts.ts';
import {
  type ClaimChange,
  completion,
  jobByGuid,
  postponement,
  prolongation,
  release,
} from './operations/jobs.ts';
import { CHANGING_CLAIMED } from './operations/changing-claimed.ts';
import { claiming } from './operations/claiming.ts';
import { dueJobs, nextDueAt, type Revival, reviveJob } from './operations/revival.ts';

/** Due jobs of a kind that are revived in one call; the next is due at once when there are more. */
const REVIVE_STEP = 500;

/** Claims, and what is written on claimed jobs, at the same time share a transaction. */
export function mongoWorkStore({
  transactions,
  watches,
  news,
  clock,
  serverClock,
  log,
}: MongoParts): WorkStore {
  const toServer = (at: number): number => serverClock.toServer(at);
  const claim = transactions.coalesce(claiming());
  const change = transactions.coalesce(CHANGING_CLAIMED);
  const changeClaimed = (handle: ClaimHandle, written: ClaimChange): Promise<boolean> =>
    change([lanesOf.guid(handle.guid)], { handle, change: written });
  return {
    async claim(request) {
      const job = await claim([], { ...request, now: toServer(request.now) });
      return job && serverClock.jobToHost(job);
    },

    heartbeat: (handle, leaseExpiresAt) => changeClaimed(handle, prolongation(leaseExpiresAt - clock.now())),

    complete(handle, result, now) {
      const error = result.kind === 'failure' ? result.error : null;
      return changeClaimed(handle, completion({ words: result.words, error }, toServer(now)));
    },

    postpone: (handle, availableAt, error, now) =>
      changeClaimed(handle, postponement(availableAt - now, error, toServer(now))),

    release: (handle, now) =>
      transactions.run([lanesOf.guid(handle.guid)], (transaction) =>
        release(transaction, handle, toServer(now)),
      ),

    /** Each job in a transaction of its own: a call that ended early is made again. */
    async reviveJobs(now, maxAttempts) {
      await transactions.read((collections) => serverClock.measure(collections));
      const pools = new Set<string>();
      const poisoned: Extract<Revival, { readonly kind: 'poisoned' }>[] = [];
      for (const due of await transactions.read((collections) => dueJobs(collections, REVIVE_STEP))) {
        const revival = await transactions.run([lanesOf.guid(due.guid)], (transaction) =>
          reviveJob(transaction, due, toServer(now), maxAttempts),
        );
        if (revival.kind === 'poisoned') poisoned.push(revival);
        if (revival.kind === 'revived' && revival.claimablePool !== null) pools.add(revival.claimablePool);
      }
      return {
        pools: [...pools],
        poisoned: readSound(
          poisoned.toSorted((a, b) => a.job.seq - b.job.seq),
          ({ job, collection }) => serverClock.jobToHost(jobOfDocument(job, collection)),
          log,
        ),
        nextDueAt: await transactions.read((collections) => nextDueAt(collections, now)),
      };
    },

    async jobByGuid(guid) {
      const job = await transactions.run([], (transaction) => jobByGuid(transaction, guid));
      return job && serverClock.jobToHost(job);
    },

    onClaimable(listener) {
      news.listen(listener);
      watches.claimable(listener);
    },
  };
}
