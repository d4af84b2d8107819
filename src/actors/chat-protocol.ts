import type { Guid } from '../base/ids.ts';
import type { JobError } from '../jobs/job.ts';
import type { InboundFrame } from '../protocol/frames.ts';
import type { MediaTimes, Placeholder } from '../queue/message.ts';
import type { ForgottenChat } from '../store/chat-store.ts';
import type { ClaimedSettleOutcome } from '../store/message-store.ts';
import type { FrameLink } from './frame-link.ts';
import type { ActorRef } from './kit/actor.ts';

export interface Delivery {
  readonly frame: InboundFrame;
  readonly link: FrameLink;
  /** It has met a bug before: should it meet one again, it is left to lie, and its link goes on. */
  readonly isLastTry: boolean;
}

/**
 * `unprocessed`: it is accepted, as a text that says that its medium is one too many. `refused`: it names the GUID of
 * another message's medium, and can never be accepted.
 */
export type Receipt = 'accepted' | 'unprocessed' | 'duplicate' | 'refused';

/** A worker's hold on a job, and when it was done with it. */
export interface Claim {
  readonly token: string;
  readonly completedAt: number;
}

/** What became of a medium: the words that stand in its place, and why they are not its content. */
export interface Outcome {
  readonly guid: string;
  /** The id of the message that it is for, where that is known. */
  readonly place?: number;
  readonly words: string;
  readonly error: JobError | null;
  /** How they came about, where that is known. */
  readonly times?: MediaTimes;
  /** Of a worker that has not put it on its job yet: that is done in the same transaction. */
  readonly claim?: Claim;
}

/** A failed job retried: the place of its new message, and of the one whose words that will replace. */
export type RetryOutcome =
  | { readonly kind: 'retried'; readonly id: number; readonly correctsId: number }
  | { readonly kind: 'not_found' | 'not_failed' | 'file_gone' | 'too_many_pending' };

export type IngestReport =
  | { readonly kind: 'ingested'; readonly more: boolean }
  | { readonly kind: 'held'; readonly until: number }
  | { readonly kind: 'empty' };

/** What one chat's actor understands. */
export interface ChatProtocol {
  /** A failure that may pass has closed the link that the frame came over. */
  accept(delivery: Delivery): Promise<Receipt>;
  /** `gone`: nothing here waits for it; a job that is claimed is left alone. `stale`: its claim is, nothing was written. */
  settle(outcome: Outcome): Promise<ClaimedSettleOutcome>;
  /** Gives a failed job of this chat a placeholder of its own at the tail, and another try. */
  retry(guid: Guid): Promise<RetryOutcome>;
  /** Puts a placeholder back whose job was found at recovery. */
  inject(placeholder: Placeholder): Promise<void>;
  /** Moves what is ready into the history. */
  ingest(): Promise<IngestReport>;
  /** Rehydrates. Returns the placeholders that are here. */
  wake(): Promise<readonly Placeholder[]>;
  /** Evicts what grew too old. */
  tick(): Promise<void>;
  /** Deletes the chat, in its turn: nothing of it is half done. Null: it was not there. */
  forget(): Promise<ForgottenChat | null>;
  /** Does nothing, in its turn: what the chat began before is over. */
  catchUp(): void;
}

export type Chat = ActorRef<ChatProtocol>;
