import type { Eviction, EvictionReason } from '../../src/queue/eviction.ts';
import type { Ordering, QueueLimits } from '../../src/queue/limits.ts';
import {
  isPlaceholder,
  isReady,
  type Message,
  type MessageDraft,
  type Placeholder,
  type ReadyMessage,
} from '../../src/queue/message.ts';

const DAY_MS = 86_400_000;

/** Whole characters from the front of `text`, as many as fit in `max` UTF-16 units. */
export function naiveCut(text: string, max: number): string {
  let cut = '';
  for (const character of text) {
    if (cut.length + character.length > max) return cut;
    cut += character;
  }
  return cut;
}

/** Drops one character of the words after the other until all fits. */
export function naiveMediaText(words: string, caption: string, max: number): string {
  for (let kept = Array.from(words); ; kept = kept.slice(0, -1)) {
    const text = `[${kept.join('')}]${caption === '' ? '' : ` ${caption}`}`;
    if (text.length <= max || kept.length === 0) return naiveCut(text, max);
  }
}

/**
 * The queue's rules in the plainest words: one array, everything computed anew each time. What the real queue does is
 * compared with it.
 */
export class NaiveQueue {
  readonly limits: QueueLimits;
  readonly ordering: Ordering;
  messages: readonly Message[];
  nextId: number;
  time: number;
  readonly announced: number[];

  /** `announced`: ids that were announced before the queue was forgotten. */
  constructor(
    limits: QueueLimits,
    ordering: Ordering,
    nextId: number,
    messages: readonly Message[],
    announced: readonly number[],
  ) {
    this.limits = limits;
    this.ordering = ordering;
    this.nextId = nextId;
    this.messages = messages;
    this.time = Math.max(...messages.flatMap((each) => [each.acceptedTime, each.readyTime ?? -Infinity]));
    this.announced = [...new Set([...announced, ...this.ready.map(({ id }) => id)])];
  }

  get ready(): readonly ReadyMessage[] {
    return this.messages.filter(isReady);
  }

  get placeholders(): readonly Placeholder[] {
    return this.messages.filter(isPlaceholder);
  }

  get nextAgeAt(): number | null {
    const times = this.ready.map(({ readyTime }) => readyTime);
    return times.length === 0 ? null : Math.min(...times) + this.limits.maxDays * DAY_MS + 1;
  }

  add(draft: MessageDraft, now: number): readonly Eviction[] {
    this.see(now);
    const { maxCharacters, maxCharactersSingleMessage, maxPlaceholders } = this.limits;
    const id = this.nextId;
    const content = naiveCut(draft.content, Math.min(maxCharactersSingleMessage, maxCharacters));
    const common = {
      ...draft,
      id,
      acceptedTime: this.time,
      content,
      messageSize: content.length,
      mediaTimes: null,
    };
    this.nextId += 1;
    if (draft.mediaProcessingId === null) return this.#admit({ ...common, readyTime: this.time });
    if (this.placeholders.length < maxPlaceholders) return this.#admit({ ...common, readyTime: null });
    return this.#admit(this.#withWords(common, 'Unprocessed audio media: too many pending'));
  }

  fulfil(guid: string, words: string, now: number): readonly Eviction[] | null {
    this.see(now);
    const placeholder = this.placeholders.find(({ mediaProcessingId }) => mediaProcessingId === guid);
    if (placeholder === undefined) return null;
    this.messages = this.messages.filter((message) => message !== placeholder);
    return this.#admit(this.#withWords(placeholder, words));
  }

  inject(placeholder: Placeholder, now: number): readonly Eviction[] | null | 'taken' {
    this.see(Math.max(now, placeholder.acceptedTime));
    const guid = placeholder.mediaProcessingId;
    if (this.placeholders.some(({ mediaProcessingId }) => mediaProcessingId === guid)) return null;
    if (this.messages.some(({ id }) => id === placeholder.id)) return 'taken';
    this.nextId = Math.max(this.nextId, placeholder.id + 1);
    return this.#admit(placeholder);
  }

  tick(now: number): readonly Eviction[] {
    this.see(now);
    return this.#makeRoom(0, 0);
  }

  pop(now: number, limit: number): readonly ReadyMessage[] | number | null {
    this.see(now);
    const popped: ReadyMessage[] = [];
    for (const message of this.ready.slice(0, limit)) {
      const holder = this.placeholders.find(({ id, acceptedTime }) => {
        const holdMs = this.ordering.kind === 'strict' ? this.ordering.strictHoldMs : 0;
        return id < message.id && this.time - acceptedTime < holdMs;
      });
      if (holder !== undefined && this.ordering.kind === 'strict') {
        if (popped.length === 0) return holder.acceptedTime + this.ordering.strictHoldMs;
        break;
      }
      popped.push(message);
    }
    this.messages = this.messages.filter((message) => !popped.some(({ id }) => id === message.id));
    return popped.length === 0 ? null : popped;
  }

  see(now: number): void {
    this.time = Math.max(this.time, now);
  }

  #withWords(message: Omit<Message, 'readyTime'>, words: string): ReadyMessage {
    const { maxCharacters, maxCharactersMediaResult } = this.limits;
    const content = naiveMediaText(words, message.content, Math.min(maxCharactersMediaResult, maxCharacters));
    return {
      ...message,
      mediaProcessingId: null,
      readyTime: this.time,
      content,
      messageSize: content.length,
    };
  }

  #admit(message: Message): readonly Eviction[] {
    const evicted = isReady(message) ? this.#makeRoom(1, message.messageSize) : this.#makeRoom(0, 0);
    this.messages = [...this.messages, message].toSorted((a, b) => a.id - b.id);
    if (isReady(message)) this.announced.push(message.id);
    return evicted;
  }

  #makeRoom(count: number, characters: number): readonly Eviction[] {
    const { maxDays, maxMessages, maxCharacters } = this.limits;
    const evicted: Eviction[] = [];
    const evict = (message: ReadyMessage, reason: EvictionReason): void => {
      evicted.push({ message, reason });
      this.messages = this.messages.filter(({ id }) => id !== message.id);
    };
    for (const message of this.ready)
      if (this.time - message.readyTime > maxDays * DAY_MS) evict(message, 'age');
    for (const message of this.ready) {
      const size = this.ready.reduce((sum, { messageSize }) => sum + messageSize, characters);
      if (this.ready.length + count > maxMessages) evict(message, 'count');
      else if (size > maxCharacters) evict(message, 'characters');
    }
    return evicted;
  }
}
