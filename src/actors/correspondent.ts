import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { InboundFrame } from '../protocol/frames.ts';
import { isPlaceholder, type Placeholder } from '../queue/message.ts';
import type { ForgottenChat } from '../store/chat-store.ts';
import { ChatMedia } from './chat-media.ts';
import type { ChatProtocol, Delivery, Outcome, Receipt } from './chat-protocol.ts';
import { ChatQueue, evictedIdsOf } from './chat-queue.ts';
import type { ChatServices } from './chat-services.ts';
import { orCloseLink } from './frame-link.ts';
import { draftOf, newJobOf } from './inbound.ts';
import type { ActorContext, ActorDefinition, Detail } from './kit/actor.ts';

/**
 * Owns one chat's queue: every change of it is planned, made durable and applied in one turn of the mailbox.
 *
 *   C1 Memory is never ahead of the disk: a plan is applied after its transaction (`ChatQueue`).
 *   C2 When a write's outcome is unknown, memory is forgotten (`QueueMemory`), and the link that brought the message is
 *      closed before the next frame of it is looked at.
 *   C3 Nothing is evicted before it was offered to the history: limits bite only when ingestion fails or is held.
 *   C4 Whenever memory is empty, at the start and after a failure, the chat announces itself: the journal may hold
 *      something ready that nobody else knows of.
 */
class Correspondent {
  readonly queue: ChatQueue;
  readonly media: ChatMedia;
  readonly #key: CorrespondentKey;
  readonly #services: ChatServices;
  readonly #context: ActorContext<ChatProtocol>;

  constructor(key: CorrespondentKey, services: ChatServices, context: ActorContext<ChatProtocol>) {
    this.#key = key;
    this.#services = services;
    this.#context = context;
    this.queue = new ChatQueue(key, services, context);
    this.media = new ChatMedia(key, services, this.queue);
  }

  started(): void {
    this.noteQueue();
    this.#services.messageReady(this.#context.self);
  }

  noteQueue(): void {
    const { inMemory, isGone } = this.queue;
    this.#services.noteQueue(this.#context.self, inMemory?.isEmpty ?? isGone);
  }

  async accept(delivery: Delivery): Promise<Receipt> {
    const { frame, link } = delivery;
    link.signal.throwIfAborted();
    return orCloseLink(delivery, this.#accept(frame, link.gatewayId));
  }

  async #accept(frame: InboundFrame, gatewayId: string): Promise<Receipt> {
    const { store } = this.#services;
    const draft = draftOf(frame);
    const guid = draft.mediaProcessingId;
    // A chat may have been joined to this one since it accepted the medium.
    const known = guid === null ? null : await store.jobByGuid(guid);
    if (known !== null && known.placeholder.providerMessageId !== draft.providerMessageId) return 'refused';
    if (known !== null) return this.#duplicate(known.placeholder.id);

    const planned = await this.queue.plan((present, now) => present.planAdd(draft, now));
    const { plan } = planned;
    const { message } = plan;
    const job = await newJobOf(frame, plan, { gatewayId, ...this.#services });
    const outcome = await this.queue.durably(() =>
      store.accept({ correspondent: this.#key, message, evictedIds: evictedIdsOf(plan), job }),
    );
    if (outcome.kind === 'duplicate') return this.#duplicate(outcome.id);
    this.queue.apply(planned, { kind: 'accepted', chat: this.#key, message });
    return job?.start.kind === 'failed' ? 'unprocessed' : 'accepted';
  }

  #duplicate(id: number): 'duplicate' {
    this.#services.events.emit({ kind: 'duplicate', chat: this.#key, id });
    return 'duplicate';
  }

  async forget(): Promise<ForgottenChat | null> {
    const forgotten = await this.queue.durably(() => this.#services.store.forgetChat(this.#key));
    this.queue.erase();
    this.#services.events.emit({ kind: 'forgotten', chat: this.#key });
    this.#context.log.info({ messages: forgotten?.messages ?? 0 }, 'chat forgotten');
    return forgotten;
  }

  async wake(): Promise<readonly Placeholder[]> {
    const queue = await this.queue.load();
    return queue.snapshot().filter(isPlaceholder);
  }

  async tick(): Promise<void> {
    const planned = await this.queue.plan((present, now) => present.planTick(now));
    const evictedIds = evictedIdsOf(planned.plan);
    if (evictedIds.length > 0) {
      await this.queue.durably(() => this.#services.store.evict(this.#key, evictedIds));
    }
    this.queue.apply(planned);
  }

  inspect(): Detail {
    const { inMemory: queue } = this.queue;
    if (queue === null) return { memory: 'forgotten' };
    const oldest = queue.oldestPlaceholderTime;
    return {
      ready: queue.readyCount,
      characters: queue.readyCharacters,
      placeholders: queue.placeholderCount,
      oldest_placeholder_ms: oldest === null ? null : this.queue.now() - oldest,
    };
  }
}

export interface CorrespondentArgs {
  readonly key: CorrespondentKey;
  readonly services: ChatServices;
}

export const correspondentActor: ActorDefinition<ChatProtocol, CorrespondentArgs> = {
  kind: 'correspondent',
  lifecycleLevel: 'debug',
  // What waits is bounded by the links that bring it: a frame that were refused here alone would lose its place.
  mailboxCapacity: 100_000,
  create(context, { key, services }) {
    const chat = new Correspondent(key, services, context);
    const { queue, media } = chat;
    const turn =
      <Payload, Reply>(handle: (payload: Payload) => Promise<Reply>) =>
      (payload: Payload): Promise<Reply> =>
        handle(payload).finally(() => chat.noteQueue());
    return {
      handlers: {
        accept: turn((delivery: Delivery) => chat.accept(delivery)),
        settle: turn((outcome: Outcome) => media.settle(outcome)),
        retry: turn((guid: Guid) => media.retry(guid)),
        inject: turn((placeholder: Placeholder) => media.inject(placeholder)),
        ingest: turn(() => queue.ingest()),
        wake: turn(() => chat.wake()),
        tick: turn(() => chat.tick()),
        forget: turn(() => chat.forget()),
        catchUp: turn(() => Promise.resolve()),
      },
      started: () => chat.started(),
      stopped: () => queue.close(),
      inspect: () => chat.inspect(),
    };
  },
};
