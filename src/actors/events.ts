import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { EvictionReason } from '../queue/eviction.ts';
import type { Message, ReadyMessage } from '../queue/message.ts';
import type { BotStatus } from './bot-protocol.ts';

/** What happened inside, for whoever watches: logs, metrics, a terminal, a page. Durable when it is told. */
export type DragomanEvent =
  | ({ readonly kind: 'bot'; readonly botId: string } & BotStatus)
  /** A chat's queue is in memory, again or for the first time: this is what its journal held. */
  | { readonly kind: 'rehydrated'; readonly chat: CorrespondentKey; readonly messages: readonly Message[] }
  /** Nothing of the chat is kept: whoever remembers some of it lets go. */
  | { readonly kind: 'forgotten'; readonly chat: CorrespondentKey }
  /** After each change of a chat's queue. */
  | { readonly kind: 'queue'; readonly chat: CorrespondentKey; readonly counts: QueueCounts }
  | { readonly kind: 'accepted'; readonly chat: CorrespondentKey; readonly message: Message }
  | { readonly kind: 'duplicate'; readonly chat: CorrespondentKey; readonly id: number }
  | {
      readonly kind: 'fulfilled';
      readonly chat: CorrespondentKey;
      /** Of the medium that its words came from. */
      readonly guid: Guid;
      readonly message: ReadyMessage;
      readonly failed: boolean;
    }
  /** A worker's result is durable on its job, or the job's last worker died. */
  | { readonly kind: 'job_done'; readonly botId: string; readonly pool: string }
  | {
      readonly kind: 'evicted';
      readonly chat: CorrespondentKey;
      readonly id: number;
      readonly reason: EvictionReason;
    }
  | {
      readonly kind: 'ingested';
      readonly chat: CorrespondentKey;
      /** When. */
      readonly at: number;
      readonly messages: readonly ReadyMessage[];
    };

/** What a chat's queue holds. */
export interface QueueCounts {
  readonly ready: number;
  /** Of the ready messages. */
  readonly characters: number;
  readonly placeholders: number;
  /** When the oldest placeholder was accepted. */
  readonly oldestPlaceholderTime: number | null;
}

export type EventListener = (event: DragomanEvent) => void;

/** Fans events out, in order, to listeners that must neither throw nor block. */
export class EventBus {
  readonly #listeners = new Set<EventListener>();

  emit(event: DragomanEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Returns what ends the subscription. */
  listen(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
