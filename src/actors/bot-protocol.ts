import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { BotState } from '../protocol/frames.ts';
import type { ForgottenChat } from '../store/chat-store.ts';
import type { ClaimedSettleOutcome } from '../store/message-store.ts';
import type { Chat, Claim, Delivery, Receipt, RetryOutcome } from './chat-protocol.ts';
import type { Completion } from './completion.ts';

export interface BotStatus {
  readonly state: BotState;
  readonly qr: string | null;
  readonly detail: string | null;
}

export const NOT_CONNECTED: BotStatus = {
  state: 'closed',
  qr: null,
  detail: 'the gateway is not connected',
};

/** Within which a chat with a long history is forgotten. */
export const FORGET_DEADLINE_MS = 600_000;

export interface BotProtocol {
  /** A failure that may pass has closed the link that the frame came over. */
  inbound(delivery: Delivery): Promise<Receipt>;
  /** A result is durable on its job: settle it, again and again while the store is away. */
  settle(completion: Completion): Promise<ClaimedSettleOutcome>;
  /** A worker's last act, beside the chat: see `ChatProtocol.settle`. */
  conclude(completion: Completion & { readonly claim: Claim }): Promise<ClaimedSettleOutcome>;
  /** Gives a failed job of one of its chats another try. */
  retry(job: FailedJobAddress): Promise<RetryOutcome>;
  status(status: BotStatus): void;
  /** The gateway is gone, and with it whatever its last status said. */
  linkLost(): void;
  /** A result may be durable without anybody having heard of it: look. */
  reconcile(): void;
  /** Nobody remembers which chats have something for the history: each says it again. */
  announce(): void;
  /** The chat's actor, made when there is none: for recovery. */
  open(key: CorrespondentKey): Promise<Chat>;
  /** Deletes the chat that an identifier names, with those merged into it; null when there is none. */
  forget(identifier: string): Promise<ForgottenChat | null>;
  /** A chat is gone: whoever was led to it is to be looked up anew. */
  unlearn(correspondentId: string): void;
  passivateIdle(): Promise<void>;
  /** Jobs → holding. Resolves when nothing of the bot's life is on its way. */
  retire(): Promise<void>;
}

export interface FailedJobAddress {
  readonly correspondent: CorrespondentKey;
  readonly guid: Guid;
}
