import type { Timer } from '../base/clock.ts';
import { describeError, isRetryable } from '../base/errors.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { CorrespondentQueue } from '../queue/correspondent-queue.ts';
import type { Eviction } from '../queue/eviction.ts';
import type { Plan } from '../queue/plan.ts';
import type { ChatProtocol, IngestReport } from './chat-protocol.ts';
import type { ChatServices } from './chat-services.ts';
import type { DragomanEvent } from './events.ts';
import type { ActorContext } from './kit/actor.ts';
import { countsOf, QueueMemory } from './queue-memory.ts';

/** Messages that one transaction moves into the history. */
const INGEST_LIMIT = 100;

/** A plan, and the queue that it was made for. */
export interface Planned<P extends Plan | null> {
  readonly queue: CorrespondentQueue;
  readonly plan: P;
}

/**
 * One chat's queue, as its actor changes it: `plan`, make it durable by `durably`, `apply`. All of it in one turn of the
 * actor's mailbox.
 */
export class ChatQueue {
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

  /** Null while it is forgotten. */
  get inMemory(): CorrespondentQueue | null {
    return this.#memory.queue;
  }

  /** The store has no such chat: it was forgotten. */
  get isGone(): boolean {
    return this.#memory.isGone;
  }

  now(): number {
    return this.#context.clock.now();
  }

  /** Rejects with `actor_stopped` when the chat is gone. */
  load(): Promise<CorrespondentQueue> {
    return this.#memory.load();
  }

  /** Makes a plan. Should it evict something, that is offered to the history, and the plan is made again. */
  async plan<P extends Plan | null>(
    make: (queue: CorrespondentQueue, now: number) => P,
  ): Promise<Planned<P>> {
    const queue = await this.load();
    const plan = make(queue, this.now());
    if (plan === null || plan.evicted.length === 0) return { queue, plan };
    await this.#offerReady();
    const present = await this.load();
    return { queue: present, plan: make(present, this.now()) };
  }

  /** Runs a transaction; when it fails, what it did is unknown. */
  durably<T>(transaction: () => Promise<T>): Promise<T> {
    return this.#memory.durably(transaction);
  }

  /** Of a plan that is durable. `event`: what it means to whoever watches. */
  apply({ queue, plan }: Planned<Plan>, event?: DragomanEvent): void {
    queue.apply(plan);
    if (event !== undefined) this.#services.events.emit(event);
    this.#changed(plan.evicted);
  }

  /** Memory may differ from the disk. */
  forget(): void {
    this.#memory.forget();
  }

  /** Nothing of the chat is there any more. */
  erase(): void {
    this.#memory.erase();
  }

  /** Moves what is ready into the history. */
  async ingest(): Promise<IngestReport> {
    const queue = await this.load();
    const plan = queue.planPop(this.now(), INGEST_LIMIT);
    if (plan.kind === 'held') return { kind: 'held', until: plan.heldUntil };
    if (plan.kind === 'empty') return plan;
    const { messages } = plan;
    const now = this.now();
    await this.durably(() => this.#services.store.ingest({ correspondent: this.#key, messages, now }));
    this.apply({ queue, plan }, { kind: 'ingested', chat: this.#key, at: this.now(), messages });
    return { kind: 'ingested', more: queue.readyCount > 0 };
  }

  close(): void {
    this.#ageTimer?.cancel();
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

export const evictedIdsOf = ({ evicted }: Plan): readonly number[] =>
  evicted.map(({ message }) => message.id);
