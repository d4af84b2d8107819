import { DragomanError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import { cutText } from '../base/text.ts';
import { planEvictions, type Eviction } from './eviction.ts';
import {
  limitsProblems,
  maxAgeMs,
  maxMediaTextSize,
  maxTextSize,
  type Ordering,
  type QueueLimits,
} from './limits.ts';
import {
  isPlaceholder,
  isReady,
  type MediaTimes,
  type Message,
  type MessageDraft,
  type Placeholder,
  type ReadyMessage,
} from './message.ts';
import { fulfilled, placePlaceholder, placeText } from './place.ts';
import { Placeholders } from './placeholders.ts';
import type {
  AddPlan,
  Empty,
  FulfilPlan,
  Held,
  InjectPlan,
  Plan,
  PopPlan,
  Popped,
  TickPlan,
} from './plan.ts';
import { ReadyMessages } from './ready-messages.ts';
import { composeMediaText, tooManyPendingWords } from './text.ts';

export interface QueueOptions {
  readonly limits: QueueLimits;
  readonly ordering: Ordering;
  /** The id of the next message to be accepted. */
  readonly nextId: number;
  /** The journal, in id order. */
  readonly messages: readonly Message[];
  /** Told of each message that became ready, after the change is complete. Must not throw. */
  readonly onReady: (message: ReadyMessage) => void;
  /** Ids of the journal that this process announced before: they are not announced again. */
  readonly announced?: ReadonlySet<number>;
}

/**
 * One chat's messages that are not ingested yet: bounded, in id order. Placeholders keep their place until their
 * media are words; ready messages leave from the oldest on.
 *
 * Every change is first planned, which changes nothing, and then applied, so that it can be made durable in between
 * and memory is never ahead of the disk. `add`, `fulfil`, `inject`, `tick` and `popReady` do both at once.
 * Times are epoch milliseconds.
 *
 *   Q1 A placeholder is never evicted and counts towards no limit but `maxPlaceholders`.
 *   Q2 After add, fulfil, inject and tick the ready messages are within count, characters and age (from `readyTime`).
 *   Q3 Evicted are those too old, then the oldest ready ones: never the one added or fulfilled, no more than needed.
 *   Q4 `readyCount`, `readyCharacters` and `placeholderCount` equal a recount.
 *   Q5 Messages are in id order. Ids rise by one per accepted message and are never used twice.
 *   Q6 `onReady` is called once per message: at add for a text, at fulfil for a placeholder, at construction for what was
 *      ready and not announced; never at inject.
 *   Q7 Popped is the oldest ready message, never a placeholder; in strict ordering only if no placeholder younger than
 *      `strictHoldMs` is before it.
 *   Q8 Fulfilling keeps place and id.
 *   Q9 Inject keeps id and content, raises the next id above it, and does nothing when its GUID is there.
 *   Q10 Adding and popping a text and evicting one are O(1) amortised; what concerns media is O(log media) at most.
 *   Q11 A plan is applied to the very state that it was made from, or refused.
 *   Q12 Time never runs backwards: a `now` before the latest time seen counts as that.
 */
export class CorrespondentQueue {
  readonly #limits: QueueLimits;
  readonly #onReady: (message: ReadyMessage) => void;
  readonly #ready = new ReadyMessages();
  readonly #placeholders: Placeholders;
  #nextId: number;
  #latestTime = -Infinity;
  /** How often the queue has changed. */
  #changes = 0;

  /**
   * @throws `config_invalid` for limits that cannot be kept, `invariant_broken` when `messages` are not in id order or
   * share a GUID.
   */
  constructor({ limits, ordering, nextId, messages, onReady, announced = new Set() }: QueueOptions) {
    const problems = limitsProblems(limits);
    if (problems.length > 0) throw new DragomanError('config_invalid', problems.join('; '));
    this.#limits = limits;
    this.#onReady = onReady;
    this.#placeholders = new Placeholders(ordering);
    this.#restore(messages);
    this.#nextId = Math.max(nextId, (messages.at(-1)?.id ?? -1) + 1);
    for (const message of messages) {
      if (isReady(message) && !announced.has(message.id)) onReady(message);
    }
  }

  get readyCount(): number {
    return this.#ready.count;
  }

  /** Sum of the ready messages' `messageSize`, UTF-16 units. */
  get readyCharacters(): number {
    return this.#ready.characters;
  }

  get placeholderCount(): number {
    return this.#placeholders.count;
  }

  get isEmpty(): boolean {
    return this.#ready.count === 0 && this.#placeholders.count === 0;
  }

  get nextId(): number {
    return this.#nextId;
  }

  /** When the first of the placeholders was accepted, or null when there are none. */
  get oldestPlaceholderTime(): number | null {
    return this.#placeholders.oldest?.acceptedTime ?? null;
  }

  /** The first time at which `tick` evicts something for its age, or null when nothing is ready. */
  get nextAgeAt(): number | null {
    const oldest = this.#ready.oldestReadyTime;
    return oldest === null ? null : oldest + maxAgeMs(this.#limits) + 1;
  }

  /** Whether a placeholder with this GUID is here. */
  has(guid: Guid): boolean {
    return this.#placeholders.get(guid) !== undefined;
  }

  /** Whether a message with this id is here. */
  holds(id: number): boolean {
    return this.#placeholders.has(id) || this.#ready.has(id);
  }

  /** Every message, in id order. */
  snapshot(): readonly Message[] {
    return [...this.#ready, ...this.#placeholders].toSorted((a, b) => a.id - b.id);
  }

  /** A GUID that is here already is refused by `apply` alone: the store may yet find the message to be a duplicate. */
  planAdd(draft: MessageDraft, now: number): AddPlan {
    const time = this.#timeAt(now);
    const content = cutText(draft.content, maxTextSize(this.#limits));
    const place = { id: this.#nextId, acceptedTime: time };
    if (draft.mediaProcessingId === null) return this.#addPlan(placeText(draft, content, place), null);
    const placeholder = placePlaceholder(draft, content, place, draft.mediaProcessingId);
    if (this.#placeholders.count < this.#limits.maxPlaceholders) return this.#addPlan(placeholder, null);
    const words = tooManyPendingWords(draft.mimeType ?? '');
    return this.#addPlan(this.#withWords(placeholder, words, time, null), placeholder);
  }

  /**
   * `words` come without brackets; `times` tell how they came about, where that is known. Null when no placeholder has this GUID: it was settled before.
   */
  planFulfil(guid: Guid, words: string, now: number, times: MediaTimes | null = null): FulfilPlan | null {
    const time = this.#timeAt(now);
    const placeholder = this.#placeholders.get(guid);
    if (placeholder === undefined) return null;
    const message = this.#withWords(placeholder, words, time, times);
    const evicted = planEvictions(this.#ready, this.#limits, message, time);
    return { kind: 'fulfil', queue: this, changes: this.#changes, placeholder, message, evicted };
  }

  /**
   * Puts back a placeholder that the journal lost, however many there are. Null when its GUID is here.
   * @throws `invariant_broken` when another message has its id.
   */
  planInject(placeholder: Placeholder, now: number): InjectPlan | null {
    const time = this.#timeAt(Math.max(now, placeholder.acceptedTime));
    const { id, mediaProcessingId: guid } = placeholder;
    if (this.has(guid)) return null;
    if (this.holds(id)) {
      throw new DragomanError('invariant_broken', `expected place ${id} to be free for ${guid}, it is taken`);
    }
    const evicted = planEvictions(this.#ready, this.#limits, null, time);
    return { kind: 'inject', queue: this, changes: this.#changes, placeholder, evicted };
  }

  /** Evicts what is over the limits at `now`, and does nothing else. */
  planTick(now: number): TickPlan {
    const evicted = planEvictions(this.#ready, this.#limits, null, this.#timeAt(now));
    return { kind: 'tick', queue: this, changes: this.#changes, evicted };
  }

  /** Takes the oldest ready messages, at most `limit` (at least 1). Evicts nothing. */
  planPop(now: number, limit: number): PopPlan | Held | Empty {
    const time = this.#timeAt(now);
    const oldestFirst = this.#ready.oldestFirst();
    const first = oldestFirst.next();
    if (first === undefined) return EMPTY;
    const hold = this.#placeholders.firstHold(time);
    if (hold !== null && hold.id < first.id) return { kind: 'held', heldUntil: hold.endsAt };
    const messages: [ReadyMessage, ...ReadyMessage[]] = [first];
    while (messages.length < limit) {
      const message = oldestFirst.next();
      if (message === undefined || (hold !== null && hold.id < message.id)) break;
      messages.push(message);
    }
    return { kind: 'pop', queue: this, changes: this.#changes, messages, evicted: [] };
  }

  /** @throws `invariant_broken` when the queue changed since the plan was made, or for a GUID that is here already. */
  apply(plan: Plan): void {
    switch (plan.kind) {
      case 'add':
        return this.#applyAdd(plan);
      case 'fulfil':
        return this.#applyFulfil(plan);
      case 'inject':
        return this.#applyInject(plan);
      case 'tick':
        return this.#applyTick(plan);
      case 'pop':
        return this.#applyPop(plan);
    }
  }

  add(draft: MessageDraft, now: number): AddPlan {
    const plan = this.planAdd(draft, now);
    this.apply(plan);
    return plan;
  }

  /** False when no placeholder has this GUID. */
  fulfil(guid: Guid, words: string, now: number): boolean {
    return this.#applied(this.planFulfil(guid, words, now));
  }

  /** False when its GUID is here. */
  inject(placeholder: Placeholder, now: number): boolean {
    return this.#applied(this.planInject(placeholder, now));
  }

  tick(now: number): readonly Eviction[] {
    const plan = this.planTick(now);
    this.apply(plan);
    return plan.evicted;
  }

  popReady(now: number): Popped | Held | Empty {
    const plan = this.planPop(now, 1);
    if (plan.kind !== 'pop') return plan;
    this.apply(plan);
    return { kind: 'popped', message: plan.messages[0] };
  }

  #applied(plan: FulfilPlan | InjectPlan | null): boolean {
    if (plan === null) return false;
    this.apply(plan);
    return true;
  }

  #applyAdd({ queue, changes, message, evicted }: AddPlan): void {
    this.#begin(queue, changes);
    if (isPlaceholder(message)) this.#placeholders.add(message);
    else this.#ready.addInTurn(message);
    this.#nextId = message.id + 1;
    this.#evict(evicted);
    if (isReady(message)) this.#onReady(message);
  }

  #applyFulfil({ queue, changes, placeholder, message, evicted }: FulfilPlan): void {
    this.#begin(queue, changes);
    this.#placeholders.remove(placeholder);
    this.#ready.addLate(message);
    this.#evict(evicted);
    this.#onReady(message);
  }

  #applyInject({ queue, changes, placeholder, evicted }: InjectPlan): void {
    this.#begin(queue, changes);
    this.#placeholders.add(placeholder);
    this.#nextId = Math.max(this.#nextId, placeholder.id + 1);
    this.#evict(evicted);
  }

  #applyTick({ queue, changes, evicted }: TickPlan): void {
    this.#begin(queue, changes);
    this.#evict(evicted);
  }

  #applyPop({ queue, changes, messages }: PopPlan): void {
    this.#begin(queue, changes);
    for (const message of messages) this.#ready.remove(message);
  }

  /** Takes two fields instead of any plan: reading them from objects of five kinds would slow the adding of texts. */
  #begin(queue: object, changes: number): void {
    if (queue !== this || changes !== this.#changes) {
      throw new DragomanError('invariant_broken', 'expected a plan for the present state, got a stale one');
    }
    this.#changes += 1;
  }

  #evict(evicted: readonly Eviction[]): void {
    for (const { message } of evicted) this.#ready.remove(message);
  }

  #restore(messages: readonly Message[]): void {
    let lastId = -1;
    for (const message of messages) {
      if (message.id <= lastId) {
        throw new DragomanError('invariant_broken', `expected ids above ${lastId}, got ${message.id}`);
      }
      lastId = message.id;
      this.#timeAt(Math.max(message.acceptedTime, message.readyTime ?? 0));
      if (isReady(message)) this.#ready.restore(message);
      else if (isPlaceholder(message)) this.#placeholders.add(message);
    }
  }

  #addPlan(message: AddPlan['message'], overCap: Placeholder | null): AddPlan {
    const incoming = isReady(message) ? message : null;
    const evicted = planEvictions(this.#ready, this.#limits, incoming, message.acceptedTime);
    return { kind: 'add', queue: this, changes: this.#changes, message, overCap, evicted };
  }

  #withWords(placeholder: Placeholder, words: string, time: number, times: MediaTimes | null): ReadyMessage {
    const content = composeMediaText(words, placeholder.content, maxMediaTextSize(this.#limits));
    return fulfilled(placeholder, content, time, times);
  }

  /** The queue's time at `now`. */
  #timeAt(now: number): number {
    this.#latestTime = Math.max(this.#latestTime, now);
    return this.#latestTime;
  }
}

const EMPTY: Empty = { kind: 'empty' };
