import type { Clock } from '../../../src/base/clock.ts';
import type { MediaProcessingJob } from '../../../src/jobs/job.ts';
import type { QueueLimits } from '../../../src/queue/limits.ts';
import { isPlaceholder, type Message } from '../../../src/queue/message.ts';
import type { MemoryDatabase } from '../memory-store/memory-database.ts';
import type { Acceptance, Settlement } from '../../../src/store/message-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { faultOfEvictions } from './fault-of-evictions.ts';
import type { Weather } from './faulty-store.ts';
import type { Trace } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What the invariants need to know of the past, beside the data as they are. */
export class Ledger {
  /** `BOT CHAT ID` of messages that were evicted, with their numbers. */
  readonly evicted = new Map<string, number>();
  /** Until when, by virtual time, a job belongs to its worker. */
  readonly leases = new Map<string, { readonly token: string; readonly until: number }>();
  /** Jobs that a dead worker used up. */
  readonly poisoned = new Set<string>();
  /** Numbers of media that were one too many for their chat. */
  readonly overCap = new Set<number>();
  /** Jobs that workers settled themselves, and the fences of their owners. */
  readonly settledBy = new Map<string, number>();
  readonly killedOwners = new Set<number>();
  /** Such jobs whose workers may not have heard of it. */
  readonly unheard = new Set<string>();
  /** Set when something was written. */
  changed = false;
}

export interface ObservedStoreOptions {
  readonly database: MemoryDatabase;
  readonly ledger: Ledger;
  readonly trace: Trace;
  readonly time: VirtualTime;
  readonly weather: Weather;
  /** Of the process that calls. */
  readonly clock: Clock;
  readonly limits: QueueLimits;
  /** False while ingestion works, and has for a while: then nothing has to be evicted. */
  readonly mayEvict: () => boolean;
  readonly broken: (rule: string, detail: string) => void;
}

const READS: ReadonlySet<string> = new Set([
  ...(['rehydrate', 'chatsWithJournal', 'jobsOfBot', 'jobByGuid', 'countJobs', 'history'] as const),
  ...(['correspondents', 'bots', 'close', 'jobsAmong', 'listJobs'] as const),
]);

/** Clocks tell whole milliseconds. */
const CLOCK_STEP_MS = 1;

/** The number that a scripted message was given. */
export const numberOf = (providerMessageId: string | null): number => Number(providerMessageId?.slice(2));

/** Watches what is carried out on a memory store, right before and after each call. */
export function observeStore(store: Store, options: ObservedStoreOptions): Store {
  const { database, ledger, trace, time, weather, clock, limits, mayEvict, broken } = options;

  const doomedIn = (key: Parameters<Store['evict']>[0], ids: readonly number[]) => {
    const journal = database.chats.journal(key);
    return ids.flatMap((id) => {
      const message = journal.get(id);
      return message === undefined
        ? []
        : [[`${key.botId} ${key.correspondentId} ${id}`, numberOf(message.providerMessageId)] as const];
    });
  };
  const recordEvicted = (doomed: ReturnType<typeof doomedIn>): void => {
    for (const [name, number] of doomed) ledger.evicted.set(name, number);
    trace.count('evicted', doomed.length);
  };
  const checkEvictions = (
    journal: readonly Message[],
    { evictedIds, message }: Pick<Acceptance, 'evictedIds' | 'message'>,
  ): void => {
    const fault = faultOfEvictions(journal, evictedIds, message, limits);
    if (fault !== null) broken('limits', fault);
    if (evictedIds.length > 0 && !mayEvict()) {
      broken('limits', `messages ${evictedIds.join()} were evicted while ingestion worked`);
    }
  };
  const checkCap = (journal: readonly Message[], { job, message }: Acceptance): void => {
    if (job?.start.kind !== 'failed') return;
    const pending = journal.filter(isPlaceholder).length;
    if (pending < limits.maxPlaceholders) broken('limits', `a medium was one too many, beside ${pending}`);
    ledger.overCap.add(numberOf(message.providerMessageId));
  };
  /** By virtual time, which no step of the clock moves. */
  const untilOf = (leaseExpiresAt: number): number => time.now + leaseExpiresAt - clock.now();
  const ended = (job: MediaProcessingJob | null): void => {
    if (job !== null) ledger.leases.delete(job.guid);
  };
  const settling = async <Outcome extends string>(
    settlement: Settlement,
    settle: () => Promise<Outcome>,
  ): Promise<Outcome> => {
    const job = database.jobs.get(settlement.guid);
    const { correspondent, evictedIds } = settlement;
    const doomed = doomedIn(correspondent, evictedIds);
    const journal = [...database.chats.journal(correspondent).values()];
    const outcome = await settle();
    if (outcome === 'stale') return outcome;
    if (outcome === 'settled') {
      recordEvicted(doomed);
      checkEvictions(journal, settlement);
    } else trace.count('settled before');
    ended(job);
    return outcome;
  };
  /** `before`: the job as it was when it was completed. */
  const checkWords = (before: MediaProcessingJob | null, words: string): void => {
    const attempt = /^w\.\d+\.(\d+)$/.exec(words)?.[1];
    if (attempt !== undefined && before !== null && Number(attempt) !== before.attempts + 1) {
      broken('a stale token changes nothing', `job ${before.guid} took the words of attempt ${attempt}`);
    }
  };

  const observed: Partial<Store> = {
    async accept(acceptance) {
      const { correspondent, evictedIds } = acceptance;
      const doomed = doomedIn(correspondent, evictedIds);
      const journal = [...database.chats.journal(correspondent).values()];
      const outcome = await store.accept(acceptance);
      if (outcome.kind === 'duplicate') {
        trace.count('duplicate');
        return outcome;
      }
      recordEvicted(doomed);
      checkEvictions(journal, acceptance);
      checkCap(journal, acceptance);
      return outcome;
    },
    settle: (settlement) => settling(settlement, () => store.settle(settlement)),
    async completeAndSettle(settlement) {
      const before = database.jobs.get(settlement.guid);
      const outcome = await settling(settlement, () => store.completeAndSettle(settlement));
      if (outcome === 'stale') {
        trace.count('stale completion');
        return outcome;
      }
      checkWords(before, settlement.words);
      ledger.settledBy.set(settlement.guid, store.fence);
      if (weather.unheard) ledger.unheard.add(settlement.guid);
      return outcome;
    },
    async evict(key, ids) {
      const doomed = doomedIn(key, ids);
      if (doomed.length > 0) broken('limits', 'a message was evicted for an age that none reaches here');
      await store.evict(key, ids);
      recordEvicted(doomed);
    },
    async reinstate(key, placeholder, ids) {
      const doomed = doomedIn(key, ids);
      const outcome = await store.reinstate(key, placeholder, ids);
      if (outcome === 'reinstated') {
        recordEvicted(doomed);
        trace.count('reinstated');
      }
      return outcome;
    },
    async claim(request) {
      const job = await store.claim(request);
      if (job === null) return job;
      const lease = ledger.leases.get(job.guid);
      if (lease !== undefined && lease.until > time.now + CLOCK_STEP_MS) {
        broken('a lease is its worker’s until it ends', `job ${job.guid} was claimed twice`);
      }
      if (lease !== undefined) trace.count('lease lapsed');
      ledger.leases.set(job.guid, { token: job.claimToken, until: untilOf(job.leaseExpiresAt) });
      return job;
    },
    async heartbeat(claim, leaseExpiresAt) {
      const isOurs = await store.heartbeat(claim, leaseExpiresAt);
      const lease = ledger.leases.get(claim.guid);
      if (isOurs && lease?.token === claim.claimToken) {
        ledger.leases.set(claim.guid, { ...lease, until: untilOf(leaseExpiresAt) });
      }
      if (!isOurs) trace.count('stale heartbeat');
      return isOurs;
    },
    async complete(claim, result, at) {
      const before = database.jobs.get(claim.guid);
      const isOurs = await store.complete(claim, result, at);
      if (!isOurs) {
        trace.count('stale completion');
        return false;
      }
      checkWords(before, result.words);
      ended(before);
      return true;
    },
    async release(claim, at) {
      const isOurs = await store.release(claim, at);
      if (isOurs) ledger.leases.delete(claim.guid);
      if (isOurs) trace.count('released');
      return isOurs;
    },
    async postpone(claim, availableAt, error, at) {
      const isOurs = await store.postpone(claim, availableAt, error, at);
      if (isOurs) ledger.leases.delete(claim.guid);
      if (isOurs) trace.count('postponed');
      return isOurs;
    },
    async reviveJobs(at, maxAttempts) {
      const revived = await store.reviveJobs(at, maxAttempts);
      for (const { guid } of revived.poisoned) {
        ledger.poisoned.add(guid);
        ledger.leases.delete(guid);
        trace.count('poisoned');
      }
      return revived;
    },
    async stage(guid, staged, at) {
      const outcome = await store.stage(guid, staged, at);
      trace.count(`staged: ${outcome}`);
      return outcome;
    },
  };

  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(observed, name) ?? Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        const result: unknown = await Reflect.apply(member, target, args);
        // An idle worker asks again and again.
        const isIdle = name === 'claim' && result === null;
        if (!isIdle && !READS.has(String(name))) ledger.changed = true;
        return result;
      };
    },
  });
}
