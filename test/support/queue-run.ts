import fc from 'fast-check';
import { hasCode } from '../../src/base/errors.ts';
import { CorrespondentQueue } from '../../src/queue/correspondent-queue.ts';
import { SKIP_POP, type Ordering, type QueueLimits } from '../../src/queue/limits.ts';
import { isPlaceholder, type Message, type MessageDraft, type Placeholder } from '../../src/queue/message.ts';
import type { Empty, Held, Plan } from '../../src/queue/plan.ts';
import { textDraft, voiceDraft } from './drafts.ts';

const HOUR_MS = 3_600_000;
const START = 1_700_000_000_000;

/** What a run does next. `pick` chooses among what the run has at that moment; `stepMs` moves the caller's clock first. */
export type Operation = { readonly stepMs: number } & (
  | { readonly kind: 'text'; readonly content: string }
  | { readonly kind: 'media'; readonly content: string }
  | { readonly kind: 'fulfil'; readonly pick: number; readonly words: string }
  | { readonly kind: 'inject'; readonly what: 'lost' | 'ahead' | 'present' | 'taken'; readonly pick: number }
  | { readonly kind: 'tick' }
  | { readonly kind: 'pop'; readonly limit: number }
  /** The owner forgets its memory; of the journal's placeholders, those whose id is a multiple of `losing` are gone. */
  | { readonly kind: 'restore'; readonly losing: number }
);

/** An operation with its choices made. */
export type Call =
  | { readonly kind: 'add'; readonly draft: MessageDraft }
  | { readonly kind: 'fulfil'; readonly guid: string; readonly words: string }
  | { readonly kind: 'inject'; readonly placeholder: Placeholder }
  | { readonly kind: 'tick' }
  | { readonly kind: 'pop'; readonly limit: number }
  | { readonly kind: 'restore'; readonly journal: readonly Message[] };

/** `taken`: refused, because another message has the id. */
export type Planned = Plan | Held | Empty | null | 'taken';

const unit = fc.constantFrom('a', 'b', ' ', '😀', '\u{10FFFF}', '\uD83D', '\uDE00');
const text = fc.string({ unit, maxLength: 14 });
const huge = fc.constant(1_000_000);
const pick = fc.nat({ max: 20 });

export const limitsArbitrary: fc.Arbitrary<QueueLimits> = fc.record({
  maxMessages: fc.oneof(fc.integer({ min: 1, max: 6 }), huge),
  maxCharacters: fc.oneof(fc.integer({ min: 1, max: 40 }), huge),
  maxDays: fc.integer({ min: 1, max: 2 }),
  maxCharactersSingleMessage: fc.oneof(fc.integer({ min: 1, max: 10 }), huge),
  maxCharactersMediaResult: fc.oneof(fc.integer({ min: 1, max: 20 }), huge),
  maxPlaceholders: fc.oneof(fc.integer({ min: 0, max: 4 }), huge),
});

export const orderingArbitrary: fc.Arbitrary<Ordering> = fc.oneof(
  fc.constant(SKIP_POP),
  fc.record({
    kind: fc.constant('strict' as const),
    strictHoldMs: fc.integer({ min: 0, max: 30 * HOUR_MS }),
  }),
);

const stepMs = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 1_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 30 * HOUR_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: -30 * HOUR_MS, max: -1 }) },
);

export const operationArbitrary: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('text' as const), stepMs, content: text }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('media' as const), stepMs, content: text }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('fulfil' as const), stepMs, pick, words: text }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('inject' as const),
      stepMs,
      what: fc.constantFrom('lost', 'ahead', 'present', 'taken'),
      pick,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tick' as const), stepMs }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pop' as const),
      stepMs,
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restore' as const),
      stepMs,
      losing: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

/** A queue in use by an owner that forgets and rehydrates, within one process life. */
export class QueueRun {
  readonly limits: QueueLimits;
  readonly ordering: Ordering;
  /** Ids, in the order in which they were announced. */
  readonly announced: number[] = [];
  queue: CorrespondentQueue;
  /** The caller's clock, which may step backwards. */
  now = START;
  #lost: readonly Placeholder[] = [];
  #guids: readonly string[] = [];

  constructor(limits: QueueLimits, ordering: Ordering) {
    this.limits = limits;
    this.ordering = ordering;
    this.queue = this.#queueOf([], 1);
  }

  /** Moves the clock and makes the operation's choices. */
  resolve(operation: Operation): Call {
    this.now += operation.stepMs;
    switch (operation.kind) {
      case 'text':
        return { kind: 'add', draft: textDraft(operation.content) };
      case 'media':
        return { kind: 'add', draft: voiceDraft(this.#newGuid(), operation.content) };
      case 'fulfil':
        return { kind: 'fulfil', guid: this.#guidAt(operation.pick), words: operation.words };
      case 'inject':
        return { kind: 'inject', placeholder: this.#placeholderFor(operation.what, operation.pick) };
      case 'tick':
        return { kind: 'tick' };
      case 'pop':
        return { kind: 'pop', limit: operation.limit };
      case 'restore': {
        const isLost = (message: Message): message is Placeholder =>
          isPlaceholder(message) && message.id % operation.losing === 0 && operation.losing > 1;
        const journal = this.queue.snapshot();
        this.#lost = [...this.#lost, ...journal.filter(isLost)];
        return { kind: 'restore', journal: journal.filter((message) => !isLost(message)) };
      }
    }
  }

  /** Plans the call and changes nothing. */
  plan(call: Exclude<Call, { kind: 'restore' }>): Planned {
    switch (call.kind) {
      case 'add':
        return this.queue.planAdd(call.draft, this.now);
      case 'fulfil':
        return this.queue.planFulfil(call.guid, call.words, this.now);
      case 'inject':
        return this.#planInject(call.placeholder);
      case 'tick':
        return this.queue.planTick(this.now);
      case 'pop':
        return this.queue.planPop(this.now, call.limit);
    }
  }

  /** Plans the call and applies the plan, if there is one. */
  perform(call: Exclude<Call, { kind: 'restore' }>): Planned {
    const planned = this.plan(call);
    if (isPlan(planned)) this.queue.apply(planned);
    return planned;
  }

  restore(journal: readonly Message[]): void {
    this.queue = this.#queueOf(journal, this.queue.nextId);
  }

  #queueOf(messages: readonly Message[], nextId: number): CorrespondentQueue {
    return new CorrespondentQueue({
      limits: this.limits,
      ordering: this.ordering,
      nextId,
      messages,
      onReady: ({ id }) => this.announced.push(id),
      announced: new Set(this.announced),
    });
  }

  #planInject(placeholder: Placeholder): Planned {
    try {
      return this.queue.planInject(placeholder, this.now);
    } catch (error) {
      if (hasCode(error, 'invariant_broken')) return 'taken';
      throw error;
    }
  }

  #newGuid(): string {
    const guid = `guid-${this.#guids.length}`;
    this.#guids = [...this.#guids, guid];
    return guid;
  }

  #guidAt(choice: number): string {
    const waiting = this.queue.snapshot().filter(isPlaceholder);
    if (choice % 5 === 0) return this.#guids[choice % Math.max(this.#guids.length, 1)] ?? 'unknown';
    return waiting[choice % Math.max(waiting.length, 1)]?.mediaProcessingId ?? 'unknown';
  }

  #placeholderFor(what: 'lost' | 'ahead' | 'present' | 'taken', choice: number): Placeholder {
    const present = this.queue.snapshot();
    const waiting = present.filter(isPlaceholder);
    const chosen = present[choice % Math.max(present.length, 1)];
    if (what === 'lost' && this.#lost[0] !== undefined) return this.#takeLost(this.#lost[0]);
    if (what === 'present' && waiting[0] !== undefined) return waiting[choice % waiting.length] ?? waiting[0];
    if (what === 'taken' && chosen !== undefined) return this.#strange(chosen.id);
    return this.#strange(this.queue.nextId + (choice % 3));
  }

  #takeLost(lost: Placeholder): Placeholder {
    this.#lost = this.#lost.filter((each) => each !== lost);
    return lost;
  }

  #strange(id: number): Placeholder {
    const guid = this.#newGuid();
    return {
      ...voiceDraft(guid, 'found'),
      id,
      acceptedTime: this.now,
      readyTime: null,
      mediaTimes: null,
      messageSize: 'found'.length,
      mediaProcessingId: guid,
    };
  }
}

/** Whether there is something to apply. */
export function isPlan(planned: Planned): planned is Plan {
  return planned !== null && planned !== 'taken' && planned.kind !== 'held' && planned.kind !== 'empty';
}
