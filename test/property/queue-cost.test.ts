import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message, Placeholder, ReadyMessage } from '../../src/queue/message.ts';
import { textDraft, voiceDraft } from '../support/drafts.ts';
import { runs } from '../support/property-runs.ts';
import { queueWith } from '../support/queues.ts';

const DAY_MS = 86_400_000;
/** Reads of messages that one step of a structure may take. */
const FEW = 12;
const NO_LIMITS = { maxMessages: 1_000_000, maxCharacters: 1_000_000, maxPlaceholders: 1_000_000 };

/** Counts how often the queue looks at its messages: whatever scans, looks at many. */
class Looks {
  #count = 0;

  watch<T extends Message>(message: T): T {
    return new Proxy(message, {
      get: (target, field) => {
        this.#count += 1;
        return Reflect.get(target, field);
      },
    });
  }

  /** How many looks `operation` takes. */
  during(operation: () => void): number {
    const before = this.#count;
    operation();
    return this.#count - before;
  }
}

const text = (id: number): ReadyMessage => ({
  ...textDraft('x'),
  id,
  mediaProcessingId: null,
  acceptedTime: id,
  readyTime: id,
  mediaTimes: null,
  messageSize: 1,
});
const placeholder = (id: number): Placeholder => ({
  ...voiceDraft(`guid-${id}`),
  id,
  mediaProcessingId: `guid-${id}`,
  acceptedTime: id,
  readyTime: null,
  mediaTimes: null,
  messageSize: 0,
});
const lateMessage = (id: number, readyTime: number): ReadyMessage => ({ ...text(id), readyTime });

const range = (from: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => from + index);
const logarithmOf = (count: number): number => Math.ceil(Math.log2(count + 1)) + 1;

const many = fc.integer({ min: 1, max: 2_000 });
const few = fc.integer({ min: 0, max: 200 });
const property = <T extends [unknown, ...unknown[]]>(
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  check: (...values: T) => void,
): void => fc.assert(fc.property(...arbitraries, check), { numRuns: runs(15) });

describe('Q10: what an operation costs does not depend on what it does not touch', () => {
  test('popping a text takes a few looks, however many texts and placeholders there are, and behind late words', () => {
    property([many, few], (texts, placeholders) => {
      const looks = new Looks();
      const messages = [
        lateMessage(0, 2_900),
        ...range(1, placeholders).map(placeholder),
        ...range(1 + placeholders, texts).map(text),
      ].map((message) => looks.watch(message));
      const queue = queueWith({ limits: NO_LIMITS, messages });
      queue.popReady(3_000);
      for (let popped = 0; popped < texts; popped += 1) {
        expect(looks.during(() => queue.popReady(3_000))).toBeLessThanOrEqual(FEW);
      }
      expect(queue.readyCount).toBe(0);
    });
  });

  test('adding a text that evicts another takes a few looks', () => {
    property([many, few], (texts, placeholders) => {
      const looks = new Looks();
      const messages = [
        ...range(1, placeholders).map(placeholder),
        ...range(1 + placeholders, texts).map(text),
      ].map((message) => looks.watch(message));
      const queue = queueWith({ limits: { ...NO_LIMITS, maxMessages: texts }, messages });
      for (let added = 0; added < texts; added += 1) {
        expect(looks.during(() => queue.add(textDraft('y'), 3_000))).toBeLessThanOrEqual(FEW);
      }
      expect(queue.snapshot().filter(({ content }) => content === 'y')).toHaveLength(texts);
    });
  });

  test('popping a fulfilled message takes looks in the order of the logarithm of how many there are', () => {
    property([many], (count) => {
      const looks = new Looks();
      const messages = range(1, count).map((id) =>
        looks.watch(lateMessage(id, 5_000 + ((id * 7_919) % count))),
      );
      const queue = queueWith({ limits: NO_LIMITS, messages });
      for (let popped = 0; popped < count; popped += 1) {
        const taken = looks.during(() => queue.popReady(9_000));
        expect(taken).toBeLessThanOrEqual(FEW * logarithmOf(count));
      }
      expect(queue.isEmpty).toBe(true);
    });
  });

  test('fulfilling takes looks in the order of the logarithm of how many placeholders there are', () => {
    property([many], (count) => {
      const looks = new Looks();
      const messages = range(1, count).map((id) => looks.watch(placeholder(id)));
      const queue = queueWith({
        limits: NO_LIMITS,
        messages,
        ordering: { kind: 'strict', strictHoldMs: 60_000 },
      });
      for (const id of range(1, count)) {
        const guid = `guid-${((id * 7_919) % count) + 1}`;
        const taken = looks.during(() => queue.fulfil(guid, 'words', 9_000));
        // Making the ready message copies each field of the placeholder once.
        expect(taken).toBeLessThanOrEqual(FEW * logarithmOf(count) + Object.keys(text(0)).length);
      }
    });
  });

  test('evicting some of the fulfilled for their age does not look at all of them', () => {
    property([many, few], (young, old) => {
      const looks = new Looks();
      const messages = range(1, young + old)
        .map((id) => lateMessage(id, id > young ? 5_000 : 5_000 + DAY_MS))
        .map((message) => looks.watch(message));
      const queue = queueWith({ limits: { ...NO_LIMITS, maxDays: 1 }, messages });
      const taken = looks.during(() => queue.tick(5_001 + DAY_MS));
      // Each is found in one heap and taken out of two.
      expect(taken).toBeLessThanOrEqual(3 * FEW * (old + 1) * logarithmOf(young + old));
      expect(queue.readyCount).toBe(young);
    });
  });
});
