import type { BotStore } from './bot-store.ts';
import type { ChatStore } from './chat-store.ts';
import type { FailedJobStore } from './failed-job-store.ts';
import type { JobStore } from './job-store.ts';
import type { MessageStore } from './message-store.ts';
import type { WorkStore } from './work-store.ts';

/**
 * The durable side of Dragoman. Two adapters pass one contract suite (test/contract). It has a part for each
 * concern, and each adapter has a file for each part; whoever needs one part asks for no more.
 *
 *   S1 Each method that writes is one transaction: all of it is durable when the promise resolves, or none of it
 *      is there. A rejection with `store_unavailable` means the outcome is unknown: forget and rehydrate.
 *      What works on any number of jobs or keys may be several transactions, each row in one: it can be called again.
 *   S2 Every transaction of a chat also updates that chat's document where `fence <= mine`, and rejects with
 *      `fenced` when a newer owner has been there.
 *   S3 A message is in exactly one of journal and history; only ready messages are ever in the history.
 *   S4 A GUID has at most one job over all collections. A journal entry is a placeholder if and only if an active
 *      or holding job has its GUID.
 *   S5 A claim token is valid until its job is completed, released, revived or claimed again; a stale token changes nothing.
 *   S6 `ingestSeq` rises by one per correspondent in insertion order.
 *   S7 Expected outcomes are values; only faults reject.
 *
 * Times are epoch milliseconds from the caller's clock. (On MongoDB leases and back-offs go by the server's instead.)
 */
export interface Store
  extends ChatStore, MessageStore, WorkStore, JobStore, FailedJobStore, BotStore, Closable {
  /** The fencing token of this owner; rises with each owner of the store. */
  readonly fence: number;
}

/** What a process that only works needs of a store that several share: it can claim jobs, and write to no chat. */
export type WorkerStore = WorkStore & Pick<BotStore, 'bots'> & Closable;

interface Closable {
  /** Finishes what was begun, then lets go of the store. */
  close(): Promise<void>;
}
