import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Eviction } from '../../src/queue/eviction.ts';
import { isPlaceholder } from '../../src/queue/message.ts';
import { NaiveQueue } from '../support/naive-queue.ts';
import { runs } from '../support/property-runs.ts';
import {
  isPlan,
  limitsArbitrary,
  operationArbitrary,
  orderingArbitrary,
  QueueRun,
  type Call,
  type Operation,
  type Planned,
} from '../support/queue-run.ts';

interface Model {
  naive: NaiveQueue;
}

let executed = 0;

/** Does the same with the queue and with the naive one, and compares what came of it. */
class Both implements fc.Command<Model, QueueRun> {
  readonly #operation: Operation;
  readonly #isApplied: boolean;

  constructor(operation: Operation, isApplied: boolean) {
    this.#operation = operation;
    this.#isApplied = isApplied;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, real: QueueRun): void {
    executed += 1;
    doBoth(this.#operation, this.#isApplied, model, real);
  }

  toString(): string {
    return JSON.stringify({ ...this.#operation, isApplied: this.#isApplied });
  }
}

function doBoth(operation: Operation, isApplied: boolean, model: Model, real: QueueRun): void {
  const call = real.resolve(operation);
  if (call.kind === 'restore') {
    restoreBoth(model, real, call.journal);
  } else if (isApplied) {
    expect(outcomeOf(real.perform(call))).toEqual(naiveOutcome(model.naive, call, real.now));
  } else {
    real.plan(call);
    naiveSees(model.naive, call, real.now);
  }
  expectSameState(model.naive, real);
}

function restoreBoth(
  model: Model,
  real: QueueRun,
  journal: Extract<Call, { kind: 'restore' }>['journal'],
): void {
  const { limits, ordering, nextId, announced } = model.naive;
  real.restore(journal);
  model.naive = new NaiveQueue(limits, ordering, nextId, journal, announced);
}

type Outcome = unknown;

const byId = (evicted: readonly Eviction[]): readonly Eviction[] =>
  evicted.toSorted((a, b) => a.message.id - b.message.id);

function outcomeOf(planned: Planned): Outcome {
  if (!isPlan(planned)) return planned;
  return planned.kind === 'pop' ? planned.messages : byId(planned.evicted);
}

function naiveOutcome(naive: NaiveQueue, call: Exclude<Call, { kind: 'restore' }>, now: number): Outcome {
  switch (call.kind) {
    case 'add':
      return byId(naive.add(call.draft, now));
    case 'fulfil': {
      const evicted = naive.fulfil(call.guid, call.words, now);
      return evicted === null ? null : byId(evicted);
    }
    case 'inject': {
      const evicted = naive.inject(call.placeholder, now);
      return evicted === null || evicted === 'taken' ? evicted : byId(evicted);
    }
    case 'tick':
      return byId(naive.tick(now));
    case 'pop': {
      const popped = naive.pop(now, call.limit);
      if (popped === null) return { kind: 'empty' };
      return typeof popped === 'number' ? { kind: 'held', heldUntil: popped } : popped;
    }
  }
}

function naiveSees(naive: NaiveQueue, call: Call, now: number): void {
  naive.see(call.kind === 'inject' ? Math.max(now, call.placeholder.acceptedTime) : now);
}

function expectSameState(naive: NaiveQueue, { queue, announced }: QueueRun): void {
  expect(queue.snapshot()).toEqual(naive.messages);
  expect({
    nextId: queue.nextId,
    readyCount: queue.readyCount,
    readyCharacters: queue.readyCharacters,
    placeholderCount: queue.placeholderCount,
    oldestPlaceholderTime: queue.oldestPlaceholderTime,
    nextAgeAt: queue.nextAgeAt,
    isEmpty: queue.isEmpty,
    announced,
  }).toEqual({
    nextId: naive.nextId,
    readyCount: naive.ready.length,
    readyCharacters: naive.ready.reduce((sum, { messageSize }) => sum + messageSize, 0),
    placeholderCount: naive.placeholders.length,
    oldestPlaceholderTime: naive.messages.find(isPlaceholder)?.acceptedTime ?? null,
    nextAgeAt: naive.nextAgeAt,
    isEmpty: naive.messages.length === 0,
    announced: naive.announced,
  });
}

const command = fc
  .tuple(operationArbitrary, fc.integer({ min: 0, max: 9 }))
  .map(([operation, chance]) => new Both(operation, chance > 0));

describe('the queue and the naive queue', () => {
  test('do the same, whatever is done to them', () => {
    executed = 0;
    fc.assert(
      fc.property(
        limitsArbitrary,
        orderingArbitrary,
        fc.commands([command], { maxCommands: 150, size: 'max' }),
        (limits, ordering, commands) => {
          fc.modelRun(
            () => ({
              model: { naive: new NaiveQueue(limits, ordering, 1, [], []) },
              real: new QueueRun(limits, ordering),
            }),
            commands,
          );
        },
      ),
      { numRuns: runs(60) },
    );
    expect(executed).toBeGreaterThan(runs(2_000));
  });
});
