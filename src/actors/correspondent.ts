import type { Timer } from '../base/clock.ts';
import { describeError, isRetryable } from '../base/errors.ts';
import type { CorrespondentKey, JobError } from '../jobs/job.ts';
import { CorrespondentQueue, type Eviction } from '../queue/correspondent-queue.ts';
import { isPlaceholder, isReady, type Placeholder } from '../queue/message.ts';
import type { InboundFrame } from '../protocol/frames.ts';
import type { ChatServices } from './chat-services.ts';
import { draftOf, newJobOf } from './inbound.ts';
import type { ActorContext, ActorDefinition } from './kit/actor.ts';

/** The link that a frame came over: nothing of it is accepted once it is down. */
export interface FrameLink {
  readonly gatewayId: string;
  readonly signal: AbortSignal;
  fail(reason: string): void;
}

export interface Delivery {
  readonly frame: InboundFrame;
  readonly link: FrameLink;
}

/** What became of a medium: the words that stand in its place, and why they are not its content. */
export interface Outcome {
  readonly guid: string;
  readonly words: string;
  readonly error: JobError | null;
}

export type IngestReport =
  | { readonly kind: 'ingested'; readonly more: boolean }
  | { readonly kind: 'held'; readonly until: number }
  | { readonly kind: 'empty' };

export interface CorrespondentProtocol {
  accept(delivery: Delivery): Promise<'accepted' | 'duplicate'>;
  settle(outcome: Outcome): Promise<'settled' | 'gone'>;
  /** Puts a placeholder back whose job was found at recovery. */
  inject(placeholder: Placeholder): Promise<void>;
  /** Moves what is ready into the history. */
  ingest(): Promise<IngestReport>;
  /** Rehydrates, which announces what is ready. Returns the GUIDs whose placeholders are here. */
  wake(): Promise<readonly string[]>;
  /** Evicts what grew too old. */
  tick(): Promise<void>;
}

/** Messages that one transaction moves into the history. */
const INGEST_LIMIT = 100;

/**
 * Owns one chat's queue: every change of it is planned, made durable and applied in one turn of the mailbox.
 *
 *   C1 Memory is never ahead of the disk: a plan is applied after its transaction.
 *   C2 When a write's outcome is unknown, memory is forgotten and rehydrated before the next change, and the link
 *      that brought the message is closed before the next frame of it is looked at.
 *   C3 What is ready is offered to the history before a further result is applied, so settling evicts nothing
 *      while ingestion works.
 */
class Correspondent {
  readonly #key: CorrespondentKey;
  readonly #services: ChatServices;
  readonly #context: ActorContext<CorrespondentProtocol>;
  #queue: CorrespondentQueue | null = null;
  /** Ready ids announced before memory was forgotten: they are not announced again. */
  #announced: ReadonlySet<number> = new Set();
  #ageTimer: Timer | null = null;

  constructor(key: CorrespondentKey, services: ChatServices, context: ActorContext<CorrespondentProtocol>) {
    this.#key = key;
    this.#services = services;
    this.#context = context;
  }

  async accept({ frame, link }: Delivery): Promise<'accepted' | 'duplicate'> {
    link.signal.throwIfAborted();
    const { store, events } = this.#services;
    try {
      const queue = await this.#load();
      const plan = queue.planAdd(draftOf(frame), this.#now());
      const job = newJobOf(frame, plan, { gatewayId: link.gatewayId, ...this.#services });
      const outcome = await this.#durably(() =>
        store.accept({
          correspondent: this.#key,
          message: plan.message,
          evictedIds: idsOf(plan.evicted),
          job,
        }),
      );
      if (outcome.kind === 'duplicate') {
        events.emit({ kind: 'duplicate', chat: this.#key, id: outcome.id });
        return 'duplicate';
      }
      events.emit({ kind: 'accepted', chat: this.#key, message: plan.message });
      queue.apply(plan);
      this.#changed(plan.evicted);
      if (job?.start.kind === 'staged') this.#services.wakePool(job.start.media.pool);
      return 'accepted';
    } catch (error) {
      link.fail(describeError(error));
      throw error;
    }
  }

  async settle({ guid, words, error }: Outcome): Promise<'settled' | 'gone'> {
    const { store, events, ingesting } = this.#services;
    if (ingesting()) await this.#offerReady();
    const queue = await this.#load();
    const plan = queue.planFulfil(guid, words, this.#now());
    if (plan === null) {
      await this.#durably(() => store.discardJob(guid, error, this.#now()));
      return 'gone';
    }
    const outcome = await this.#durably(() =>
      store.settle({
        correspondent: this.#key,
        guid,
        message: plan.message,
        evictedIds: idsOf(plan.evicted),
        error,
      }),
    );
    if (outcome === 'gone') {
      this.#forget();
      return 'gone';
    }
    events.emit({ kind: 'fulfilled', chat: this.#key, message: plan.message, failed: error !== null });
    queue.apply(plan);
    this.#changed(plan.evicted);
    return 'settled';
  }

  async inject(placeholder: Placeholder): Promise<void> {
    const queue = await this.#load();
    queue.inject(placeholder, this.#now());
    this.#changed([]);
  }

  async ingest(): Promise<IngestReport> {
    const queue = await this.#load();
    const plan = queue.planPop(this.#now(), INGEST_LIMIT);
    if (plan.kind === 'held') return { kind: 'held', until: plan.heldUntil };
    if (plan.kind === 'empty') return plan;
    await this.#durably(() =>
      this.#services.store.ingest({
        correspondent: this.#key,
        messages: plan.messages,
        now: this.#now(),
      }),
    );
    this.#services.events.emit({ kind: 'ingested', chat: this.#key, messages: plan.messages });
    queue.apply(plan);
    this.#changed([]);
    return { kind: 'ingested', more: queue.readyCount > 0 };
  }

  async wake(): Promise<readonly string[]> {
    const queue = await this.#load();
    return queue
      .snapshot()
      .filter(isPlaceholder)
      .map(({ mediaProcessingId }) => mediaProcessingId);
  }

  async tick(): Promise<void> {
    const queue = await this.#load();
    const plan = queue.planTick(this.#now());
    if (plan.evicted.length > 0) {
      await this.#durably(() => this.#services.store.evict(this.#key, idsOf(plan.evicted)));
    }
    queue.apply(plan);
    this.#changed(plan.evicted);
  }

  stopped(): void {
    this.#ageTimer?.cancel();
  }

  inspect(): Readonly<Record<string, unknown>> {
    const queue = this.#queue;
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

  async #load(): Promise<CorrespondentQueue> {
    if (this.#queue !== null) return this.#queue;
    const { nextId, messages } = await this.#services.store.rehydrate(this.#key);
    this.#queue = new CorrespondentQueue({
      limits: this.#services.limits,
      ordering: this.#services.ordering,
      nextId,
      messages,
      announced: this.#announced,
      onReady: () => this.#services.messageReady(this.#context.self),
    });
    this.#changed([]);
    return this.#queue;
  }

  /** Runs a transaction; when it fails, what it did is unknown, and so memory cannot be trusted. */
  async #durably<T>(transaction: () => Promise<T>): Promise<T> {
    try {
      return await transaction();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Memory comes back from the journal: at the next message, or when ingestion asks. */
  #forget(): void {
    if (this.#queue === null) return;
    this.#announced = new Set(
      this.#queue
        .snapshot()
        .filter(isReady)
        .map(({ id }) => id),
    );
    this.#queue = null;
    this.#services.messageReady(this.#context.self);
  }

  async #offerReady(): Promise<void> {
    try {
      for (let more = true; more;) {
        const report = await this.ingest();
        more = report.kind === 'ingested' && report.more;
      }
    } catch (error) {
      if (!isRetryable(error)) throw error;
      this.#context.log.warn({ reason: describeError(error) }, 'ingestion is failing; limits apply');
    }
  }

  #changed(evicted: readonly Eviction[]): void {
    for (const { message, reason } of evicted) {
      this.#services.events.emit({ kind: 'evicted', chat: this.#key, id: message.id, reason });
    }
    this.#ageTimer?.cancel();
    const queue = this.#queue;
    if (queue === null) return;
    const { clock, self } = this.#context;
    const dueAt = queue.nextAgeAt;
    this.#ageTimer =
      dueAt === null ? null : clock.schedule(dueAt - clock.now(), () => self.tell('tick', undefined));
    if (queue.isEmpty) this.#services.chatEmpty(this.#key);
  }
}

const idsOf = (evicted: readonly Eviction[]): readonly number[] => evicted.map(({ message }) => message.id);

export interface CorrespondentArgs {
  readonly key: CorrespondentKey;
  readonly services: ChatServices;
}

export const correspondentActor: ActorDefinition<CorrespondentProtocol, CorrespondentArgs> = {
  kind: 'correspondent',
  lifecycleLevel: 'debug',
  create(context, { key, services }) {
    const chat = new Correspondent(key, services, context);
    return {
      handlers: {
        accept: (delivery) => chat.accept(delivery),
        settle: (outcome) => chat.settle(outcome),
        inject: (placeholder) => chat.inject(placeholder),
        ingest: () => chat.ingest(),
        wake: () => chat.wake(),
        tick: () => chat.tick(),
      },
      stopped: () => chat.stopped(),
      inspect: () => chat.inspect(),
    };
  },
};
