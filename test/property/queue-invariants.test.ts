import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasCode } from '../../src/base/errors.ts';
import type { CorrespondentQueue } from '../../src/queue/correspondent-queue.ts';
import { isPlaceholder, isReady, type Message, type ReadyMessage } from '../../src/queue/message.ts';
import { textDraft } from '../support/drafts.ts';
import { runs } from '../support/property-runs.ts';
import {
  isPlan,
  limitsArbitrary,
  operationArbitrary,
  orderingArbitrary,
  QueueRun,
  type Call,
  type Planned,
} from '../support/queue-run.ts';
import { queueWith } from '../support/queues.ts';

const DAY_MS = 86_400_000;

/** One operation and what was there before and after it. */
interface Step {
  readonly run: QueueRun;
  readonly call: Call;
  /** Null also for a restore. */
  readonly planned: Planned;
  readonly before: readonly Message[];
  readonly after: readonly Message[];
  readonly nextIdBefore: number;
  readonly announcedBefore: readonly number[];
  /** The latest time that the queue has seen. */
  readonly time: number;
}

/** Checks every step of random runs. */
function everyStep(check: (step: Step) => void): void {
  fc.assert(
    fc.property(
      limitsArbitrary,
      orderingArbitrary,
      fc.array(operationArbitrary, { maxLength: 60, size: 'max' }),
      (limits, ordering, operations) => {
        const run = new QueueRun(limits, ordering);
        let time = -Infinity;
        for (const operation of operations) {
          const call = run.resolve(operation);
          const [before, nextIdBefore, announcedBefore] = [
            run.queue.snapshot(),
            run.queue.nextId,
            [...run.announced],
          ];
          let planned: Planned = null;
          if (call.kind === 'restore') {
            run.restore(call.journal);
            time = latestTimeIn(call.journal);
          } else {
            planned = run.perform(call);
            time = Math.max(time, run.now, call.kind === 'inject' ? call.placeholder.acceptedTime : 0);
          }
          check({
            run,
            call,
            planned,
            before,
            after: run.queue.snapshot(),
            nextIdBefore,
            announcedBefore,
            time,
          });
        }
      },
    ),
    { numRuns: runs(60) },
  );
}

const latestTimeIn = (messages: readonly Message[]): number =>
  Math.max(...messages.flatMap((each) => [each.acceptedTime, each.readyTime ?? -Infinity]));
const idsOf = (messages: readonly Message[]): readonly number[] => messages.map(({ id }) => id);
const sizeOf = (messages: readonly Message[]): number =>
  messages.reduce((sum, { content }) => sum + content.length, 0);

const originatingTimesOfReady = (queue: CorrespondentQueue): readonly unknown[] =>
  queue
    .snapshot()
    .filter(isReady)
    .map(({ originatingTime }) => originatingTime);

/** The ready message that the step brought, if it did. */
function arrivalOf({ planned }: Step): ReadyMessage | null {
  if (!isPlan(planned)) return null;
  if (planned.kind !== 'add' && planned.kind !== 'fulfil') return null;
  return isReady(planned.message) ? planned.message : null;
}

describe('whatever is done to a queue', () => {
  test('Q1: a placeholder stays until it is fulfilled', () => {
    everyStep(({ call, before, after }) => {
      if (call.kind === 'restore') return;
      const fulfilledGuid = call.kind === 'fulfil' ? call.guid : null;
      const expected = before
        .filter(isPlaceholder)
        .filter((each) => each.mediaProcessingId !== fulfilledGuid);
      expect(after).toEqual(expect.arrayContaining(expected));
    });
  });

  test('Q1: placeholders change nothing about which texts are evicted', () => {
    const addition = fc.record({ size: fc.integer({ min: 0, max: 9 }), isMedia: fc.boolean() });
    fc.assert(
      fc.property(limitsArbitrary, fc.array(addition), (limits, additions) => {
        const mixed = queueWith({ limits: { ...limits, maxPlaceholders: additions.length } });
        const textsAlone = queueWith({ limits });
        for (const [index, { size, isMedia }] of additions.entries()) {
          const draft = textDraft('x'.repeat(size), { originatingTime: index });
          mixed.add({ ...draft, mediaProcessingId: isMedia ? `guid-${index}` : null }, 0);
          if (!isMedia) textsAlone.add(draft, 0);
        }
        expect(originatingTimesOfReady(mixed)).toEqual(originatingTimesOfReady(textsAlone));
      }),
      { numRuns: runs(60) },
    );
  });

  test('Q2: after add, fulfil, inject and tick the ready messages are within count, characters and age', () => {
    everyStep(({ run: { limits }, planned, after, time }) => {
      if (!isPlan(planned) || planned.kind === 'pop') return;
      const ready = after.filter(isReady);
      expect(ready.length).toBeLessThanOrEqual(limits.maxMessages);
      expect(sizeOf(ready)).toBeLessThanOrEqual(limits.maxCharacters);
      for (const { readyTime } of ready)
        expect(time - readyTime).toBeLessThanOrEqual(limits.maxDays * DAY_MS);
    });
  });

  test('Q3: evicted are those too old, then the oldest, never the arrival, and no more than needed', () => {
    everyStep((step) => {
      const { run, planned, before, after, time } = step;
      if (!isPlan(planned) || planned.kind === 'pop') return;
      const arrival = arrivalOf(step);
      const tooOld = before
        .filter(isReady)
        .filter(({ readyTime }) => time - readyTime > run.limits.maxDays * DAY_MS);
      const forAge = planned.evicted.filter(({ reason }) => reason === 'age').map(({ message }) => message);
      const forRoom = planned.evicted.filter(({ reason }) => reason !== 'age').map(({ message }) => message);
      expect(idsOf(forAge).toSorted((a, b) => a - b)).toEqual(idsOf(tooOld));
      expect(idsOf(planned.evicted.map(({ message }) => message))).not.toContain(arrival?.id);

      const survivors = after.filter(isReady).filter(({ id }) => id !== arrival?.id);
      const lastEvicted = forRoom.at(-1);
      if (lastEvicted === undefined) return;
      for (const { id } of survivors) expect(id).toBeGreaterThan(lastEvicted.id);
      const withIt = [...after.filter(isReady), lastEvicted];
      const isOver = withIt.length > run.limits.maxMessages || sizeOf(withIt) > run.limits.maxCharacters;
      expect(isOver).toBe(true);
    });
  });

  test('Q4: the counters equal a recount', () => {
    everyStep(({ run: { queue }, after }) => {
      expect(queue.readyCount).toBe(after.filter(isReady).length);
      expect(queue.readyCharacters).toBe(sizeOf(after.filter(isReady)));
      expect(queue.placeholderCount).toBe(after.filter(isPlaceholder).length);
    });
  });

  test('Q5: ids rise by one per accepted message, and the queue is in id order', () => {
    everyStep(({ run: { queue }, planned, after, nextIdBefore }) => {
      for (const [index, { id }] of after.entries()) expect(id).toBeGreaterThan(after[index - 1]?.id ?? -1);
      expect(queue.nextId).toBeGreaterThan(Math.max(...idsOf(after)));
      expect(queue.nextId).toBeGreaterThanOrEqual(nextIdBefore);
      if (!isPlan(planned) || planned.kind !== 'add') return;
      expect(planned.message.id).toBe(nextIdBefore);
      expect(queue.nextId).toBe(nextIdBefore + 1);
    });
  });

  test('Q6: what becomes ready is announced at once, once, and nothing else is', () => {
    everyStep((step) => {
      const arrival = arrivalOf(step);
      const { announced } = step.run;
      expect(announced).toEqual([...step.announcedBefore, ...(arrival === null ? [] : [arrival.id])]);
      expect(new Set(announced).size).toBe(announced.length);
      for (const id of idsOf(step.after.filter(isReady))) expect(announced).toContain(id);
    });
  });

  test('Q7: popped are the oldest ready messages, as far as no young placeholder is before them', () => {
    everyStep(({ run: { ordering }, call, planned, before, after, time }) => {
      if (call.kind !== 'pop' || planned === null || planned === 'taken') return;
      const holdMs = ordering.kind === 'strict' ? ordering.strictHoldMs : 0;
      const isHeld = ({ id }: Message): boolean =>
        before.filter(isPlaceholder).some((each) => each.id < id && time < each.acceptedTime + holdMs);
      const free = before.filter(isReady).filter((message) => !isHeld(message));
      const popped = planned.kind === 'pop' ? planned.messages : [];
      expect(popped).toEqual(free.slice(0, call.limit));
      expect(after).toEqual(before.filter((message) => !idsOf(popped).includes(message.id)));
      expect(planned.kind === 'empty').toBe(before.every(isPlaceholder));
      expect(planned.kind === 'held' ? planned.heldUntil : Infinity).toBeGreaterThan(time);
    });
  });

  test('Q8: fulfilling keeps place, id and all but the text, and succeeds once', () => {
    everyStep(({ run, call, planned, before, after }) => {
      if (call.kind !== 'fulfil') return;
      const placeholder = before.filter(isPlaceholder).find((each) => each.mediaProcessingId === call.guid);
      expect(planned !== null).toBe(placeholder !== undefined);
      expect(run.queue.fulfil(call.guid, call.words, run.now)).toBe(false);
      if (placeholder === undefined) return;
      const { content, messageSize, readyTime, ...kept } =
        after.find(({ id }) => id === placeholder.id) ?? placeholder;
      expect(placeholder).toMatchObject({ ...kept, mediaProcessingId: call.guid });
      expect({ messageSize, isReady: readyTime !== null }).toEqual({
        messageSize: content.length,
        isReady: true,
      });
    });
  });

  test('Q9: an injected placeholder keeps id and content, raises the next id, and is injected once', () => {
    everyStep(({ run: { queue }, call, planned, before, after, nextIdBefore }) => {
      if (call.kind !== 'inject') return;
      const { placeholder } = call;
      const isThere = before.some((each) => each.mediaProcessingId === placeholder.mediaProcessingId);
      const isTaken = !isThere && before.some(({ id }) => id === placeholder.id);
      expect({ isThere: planned === null, isTaken: planned === 'taken' }).toEqual({ isThere, isTaken });
      expect(after.includes(placeholder)).toBe(!isTaken);
      expect(isThere || isTaken ? after : before).toEqual(before);
      expect(queue.nextId).toBe(
        isThere || isTaken ? nextIdBefore : Math.max(nextIdBefore, placeholder.id + 1),
      );
    });
  });

  test('Q11: planning changes nothing, and a plan is refused once the queue has changed', () => {
    everyStep(({ run, after }) => {
      const { queue, now } = run;
      const stale = queue.planTick(now);
      queue.planPop(now, 3);
      queue.planAdd(textDraft('not applied'), now);
      expect(queue.snapshot()).toEqual(after);
      queue.apply(stale);
      expect(() => queue.apply(stale)).toThrow(
        expect.toSatisfy((error) => hasCode(error, 'invariant_broken')),
      );
    });
  });

  test('Q12: no time that the queue gives is before one that it gave or was given', () => {
    everyStep(({ planned, time }) => {
      if (!isPlan(planned) || (planned.kind !== 'add' && planned.kind !== 'fulfil')) return;
      expect(planned.message.readyTime ?? planned.message.acceptedTime).toBe(time);
    });
  });
});
