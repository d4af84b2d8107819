import type { CorrespondentKey } from '../jobs/job.ts';
import type { Message, ReadyMessage } from '../queue/message.ts';
import type { BotState } from '../protocol/frames.ts';

/** What happened inside, for whoever watches: logs, metrics, a terminal, a page. Durable when it is told. */
export type DragomanEvent =
  | {
      readonly kind: 'bot';
      readonly botId: string;
      readonly state: BotState;
      readonly qr: string | null;
      readonly detail: string | null;
    }
  | { readonly kind: 'accepted'; readonly chat: CorrespondentKey; readonly message: Message }
  | { readonly kind: 'duplicate'; readonly chat: CorrespondentKey; readonly id: number }
  | {
      readonly kind: 'fulfilled';
      readonly chat: CorrespondentKey;
      readonly message: ReadyMessage;
      readonly failed: boolean;
    }
  | {
      readonly kind: 'evicted';
      readonly chat: CorrespondentKey;
      readonly id: number;
      readonly reason: 'age' | 'count' | 'characters';
    }
  | {
      readonly kind: 'ingested';
      readonly chat: CorrespondentKey;
      readonly messages: readonly ReadyMessage[];
    };

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
