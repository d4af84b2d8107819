import type { Timer } from '../base/clock.ts';
import { describeError, isRetryable } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { InboundFrame } from '../protocol/frames.ts';
import type { CorrespondentQueue } from '../queue/correspondent-queue.ts';
import type { Eviction } from '../queue/eviction.ts';
import { isPlaceholder, type Placeholder } from '../queue/message.ts';
import type { Plan } from '../queue/plan.ts';
import type {
  ChatProtocol,
  Delivery,
  IngestReport,
  Outcome,
  Receipt,
  RetryOutcome,
} from './chat-protocol.ts';
import type { ChatServices } from './chat-services.ts';
import { orCloseLink } from './frame-link.ts';
import { draftOf, newJobOf } from './inbound.ts';
import type { ActorContext, ActorDefinition, Detail } from './kit/actor.ts';
import type { ForgottenChat } from '../store/chat-store.ts';
import type { ClaimedSettleOutcome } from '../store/message-store.ts';
import { countsOf, QueueMemory } from './queue-memory.ts';
import { correctedBy, retryDraft } from './retried.ts';

/** Messages that one transaction moves into the history. */
const INGEST_LIMIT = 100;

/**
 * Owns one chat's queue: every change of it is planned, made durable and applied in one turn of the mailbox.
 *
 *   C1 Memory is never ahead of the disk: a plan is applied after its transaction.
 *   C2 When a write's outcome is unknown, memory is forgotten (`QueueMemory`), and the link that brought the message is
 *      closed before the next frame of it is looked at.
 *   C3 Nothing is evicted before it was offered to the history: limits bite only when ingestion fails or is held.
 *   C4 Whenever memory is empty, at the start and after a failure, the chat announces itself: the journal may hold
 *      something ready that nobody else knows of.
 */
class Correspondent {
  readonly #key: CorrespondentKey;
  readonly #services: ChatServices;
  readonly #context: ActorContext<ChatProtocol>;
  readonly #memory: QueueMemory;
  #ageTimer: Timer | null = null;

  constructor(key: CorrespondentKey, services: ChatServices, context: ActorContext<ChatProtocol>) {
    this.#key = key;
    this.#services = services;
    this.#context = context;
    const { store, limits, ordering, events } = services;
    this.#memory = new QueueMemory({
      key,
      store,
      limits,
      ordering,
      ready: () => services.messageReady(context.self),
      rehydrated: (messages) => {
        events.emit({ kind: 'rehydrated', chat: key, messages });
        this.#changed([]);
      },
    });
  }

  started(): void {
    this.noteQueue();
    this.#services.messageReady(this.#context.self);
  }

  stopped(): void {
    this.#ageTimer?.cancel();
  }

  noteQueue(): void {
    const { queue, isGone } = this.#memory;
    this.#services.noteQueue(this.#context.self, queue?.isEmpty ?? isGone);
  }

  async accept(delivery: Delivery): Promise<Receipt> {
    const { frame, link } = delivery;
    link.signal.throwIfAborted();
    return orCloseLink(delivery, this.#accept(frame, link.gatewayId));
  }

  async #accept(frame: InboundFrame, gatewayId: string): Promise<Receipt> {
    const { store, events } = this.#services;
    const draft = draftOf(frame);
    const guid = draft.mediaProcessingId;
    // A chat may have been joined to this one since it accepted the medium.
    const known = guid === null ? null : await store.jobByGuid(guid);
    if (known !== null && known.placeholder.providerMessageId !== draft.providerMessageId) return 'refused';
    if (known !== null) return this.#duplicate(known.placeholder.id);

    const { queue, plan } = await this.#plan((present) => present.planAdd(draft, this.#now()));
    const job = await newJobOf(frame, plan, { gatewayId, ...this.#services });
    const outcome = await this.#memory.durably(() =>
      store.accept({
        correspondent: this.#key,
        message: plan.message,
        evictedIds: idsOf(plan.evicted),
        job,
      }),
    );
    if (outcome.kind === 'duplicate') return this.#duplicate(outcome.id);
    queue.apply(plan);
    events.emit({ kind: 'accepted', chat: this.#key, message: plan.message });
    this.#changed(plan.evicted);
    return job?.start.kind === 'failed' ? 'unprocessed' : 'accepted';
  }

  #duplicate(id: number): 'duplicate' {
    this.#services.events.emit({ kind: 'duplicate', chat: this.#key, id });
    return 'duplicate';
  }

  async settle(outcome: Outcome): Promise<ClaimedSettleOutcome> {
    try {
      return await this.#settle(outcome);
    } catch (error) {
      // Its job went with the chat.
      if (this.#memory.isGone) return 'gone';
      throw error;
    }
  }

  async #settle(result: Outcome): Promise<ClaimedSettleOutcome> {
    const { guid, place, words, error, times, claim } = result;
    const { store, events } = this.#services;
    const { queue, plan } = await this.#plan((present) =>
      present.planFulfil(guid, words, this.#now(), times ?? null),
    );
    if (plan === null) return claim === undefined ? this.#settleMissing(result) : 'gone';
    // It was settled before, and its dead letter is being retried: that try has an outcome of its own.
    if (place !== undefined && plan.placeholder.id !== place) return 'gone';
    const settlement = {
      correspondent: this.#key,
      guid,
      message: plan.message,
      evictedIds: idsOf(plan.evicted),
      error,
    };
    const outcome = await this.#memory.durably(() =>
      claim === undefined
        ? store.settle(settlement)
        : store.completeAndSettle({
            ...settlement,
            claimToken: claim.token,
            words,
            completedAt: claim.completedAt,
          }),
    );
    if (outcome === 'gone') this.#memory.forget();
    if (outcome !== 'settled') return outcome;
    queue.apply(plan);
    events.emit({ kind: 'fulfilled', chat: this.#key, guid, message: plan.message, failed: error !== null });
    this.#changed(plan.evicted);
    return 'settled';
  }

  /**
   * Of a placeholder that is not here. Mostly it was settled before, and its job went with it. A job that lives tells that
   * the journal has lost it: so it is put back first, unless its place is another's.
   */
  async #settleMissing(result: Outcome): Promise<ClaimedSettleOutcome> {
    const { store } = this.#services;
    const { guid, place, error } = result;
    const job = await store.jobByGuid(guid);
    if (job === null || job.collection === 'failed') return 'gone';
    const { placeholder } = job;
    if (place !== undefined && placeholder.id !== place) return 'gone';
    const queue = await this.#memory.load();
    if (!queue.holds(placeholder.id) && (await this.#putBack(placeholder))) return this.#settle(result);
    await store.discardJob(guid, error, this.#now());
    return 'gone';
  }

  async retry(guid: Guid): Promise<RetryOutcome> {
    const { store, events, routeToPool } = this.#services;
    const job = await store.jobByGuid(guid);
    if (job === null) return { kind: 'not_found' };
    if (job.collection !== 'failed') return { kind: 'not_failed' };
    const { gatewayId } = job.media;
    if (!(await this.#services.hasFile(guid, gatewayId))) return { kind: 'file_gone' };
    const mimeType = await this.#services.mimeTypeOf(guid, job.mimeType, gatewayId);
    const pool = routeToPool(mimeType).name;
    const { queue, plan } = await this.#plan((present) => present.planAdd(retryDraft(job), this.#now()));
    const { message, evicted } = plan;
    if (!isPlaceholder(message)) return { kind: 'too_many_pending' };
    const outcome = await this.#memory.durably(() =>
      store.retryFailedJob({
        correspondent: this.#key,
        placeholder: message,
        evictedIds: idsOf(evicted),
        mimeType,
        pool,
        collection: this.#services.jobsStartIn(),
      }),
    );
    if (outcome !== 'retried') return { kind: outcome };
    queue.apply(plan);
    events.emit({ kind: 'accepted', chat: this.#key, message });
    this.#changed(evicted);
    return { kind: 'retried', id: message.id, correctsId: correctedBy(job) };
  }

  async inject(placeholder: Placeholder): Promise<void> {
    // Recovery listed the job a while ago. Nobody but this chat ends it, so what is true now stays true in this turn.
    const job = await this.#services.store.jobByGuid(placeholder.mediaProcessingId);
    if (job === null || job.collection === 'failed') return;
    await this.#putBack(placeholder);
  }

  /** False when its place has had a message before, or its job ended. */
  async #putBack(placeholder: Placeholder): Promise<boolean> {
    const { queue, plan } = await this.#plan((present) => present.planInject(placeholder, this.#now()));
    if (plan === null) return false;
    const outcome = await this.#memory.durably(() =>
      this.#services.store.reinstate(this.#key, placeholder, idsOf(plan.evicted)),
    );
    if (outcome === 'gone') return false;
    queue.apply(plan);
    this.#changed(plan.evicted);
    return true;
  }

  async ingest(): Promise<IngestReport> {
    const queue = await this.#memory.load();
    const plan = queue.planPop(this.#now(), INGEST_LIMIT);
    if (plan.kind === 'held') return { kind: 'held', until: plan.heldUntil };
    if (plan.kind === 'empty') return plan;
    const { messages } = plan;
    const now = this.#now();
    await this.#memory.durably(() =>
      this.#services.store.ingest({ correspondent: this.#key, messages, now }),
    );
    queue.apply(plan);
    this.#services.events.emit({ kind: 'ingested', chat: this.#key, at: this.#now(), messages });
    this.#changed([]);
    return { kind: 'ingested', more: queue.readyCount > 0 };
  }

  async forget(): Promise<ForgottenChat | null> {
    const forgotten = await this.#memory.durably(() => this.#services.store.forgetChat(this.#key));
    this.#memory.erase();
    this.#services.events.emit({ kind: 'forgotten', chat: this.#key });
    this.#context.log.info({ messages: forgotten?.messages ?? 0 }, 'chat forgotten');
    return forgotten;
  }

  async wake(): Promise<readonly Placeholder[]> {
    const queue = await this.#memory.load();
    return queue.snapshot().filter(isPlaceholder);
  }

  async tick(): Promise<void> {
    const { queue, plan } = await this.#plan((present) => present.planTick(this.#now()));
    const evictedIds = idsOf(plan.evicted);
    if (evictedIds.length > 0) {
      await this.#memory.durably(() => this.#services.store.evict(this.#key, evictedIds));
    }
    queue.apply(plan);
    this.#changed(plan.evicted);
  }

  inspect(): Detail {
    const { queue } = this.#memory;
    if (queue === null) return { memory: 'forgotten' };
    const oldest = queue.oldestPlaceholderTime;
    return {
      ready: queue.readyCount,
      characters: queue.readyCharacters,
      placeholders: queue.placeholderCount,
      oldest_placeholder_ms: oldest === null ? null : this.#now() - oldest,
    };
  }

  #now(): number {
    return this.#context.clock.now();
  }

  /** Makes a plan. Should it evict something, that is offered to the history, and the plan is made again. */
  async #plan<P extends Plan | null>(
    make: (queue: CorrespondentQueue) => P,
  ): Promise<{ readonly queue: CorrespondentQueue; readonly plan: P }> {
    const queue = await this.#memory.load();
    const plan = make(queue);
    if (plan === null || plan.evicted.length === 0) return { queue, plan };
    await this.#offerReady();
    const present = await this.#memory.load();
    return { queue: present, plan: make(present) };
  }

  async #offerReady(): Promise<void> {
    try {
      for (let more = true; more;) {
        const report = await this.ingest();
        more = report.kind === 'ingested' && report.more;
      }
    } catch (error) {
      if (!isRetryable(error)) throw error;
      this.#context.log.warn({ reason: describeError(error) }, 'ingestion fails; limits apply');
    }
  }

  #changed(evicted: readonly Eviction[]): void {
    for (const { message, reason } of evicted) {
      this.#services.events.emit({ kind: 'evicted', chat: this.#key, id: message.id, reason });
    }
    const { queue } = this.#memory;
    if (queue !== null) {
      this.#services.events.emit({ kind: 'queue', chat: this.#key, counts: countsOf(queue) });
    }
    this.#ageTimer?.cancel();
    const dueAt = queue?.nextAgeAt ?? null;
    const { clock, self } = this.#context;
    this.#ageTimer =
      dueAt === null ? null : clock.schedule(dueAt - clock.now(), () => self.tell('tick', undefined));
  }
}

const idsOf = (evicted: readonly Eviction[]): readonly number[] => evicted.map(({ message }) => message.id);

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
    const turn =
      <Payload, Reply>(handle: (payload: Payload) => Promise<Reply>) =>
      (payload: Payload): Promise<Reply> =>
        handle(payload).finally(() => chat.noteQueue());
    return {
      handlers: {
        accept: turn((delivery: Delivery) => chat.accept(delivery)),
        settle: turn((outcome: Outcome) => chat.settle(outcome)),
        retry: turn((guid: Guid) => chat.retry(guid)),
        inject: turn((placeholder: Placeholder) => chat.inject(placeholder)),
        ingest: turn(() => chat.ingest()),
        wake: turn(() => chat.wake()),
        tick: turn(() => chat.tick()),
        forget: turn(() => chat.forget()),
        catchUp: turn(() => Promise.resolve()),
      },
      started: () => chat.started(),
      stopped: () => chat.stopped(),
      inspect: () => chat.inspect(),
    };
  },
};
