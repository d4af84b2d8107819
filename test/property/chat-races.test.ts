import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChatWorld, type Happening } from '../support/chat-world.ts';

const RUNS = process.env['DRAGOMAN_DEEP'] === '1' ? 3_000 : 60;

const sender = fc.constantFrom('ann', 'bob', 'cat');
const which = fc.nat({ max: 5 });
const operation = fc.constantFrom(
  ...(['resolveCorrespondent', 'rehydrate', 'accept', 'settle', 'ingest', 'stage', 'jobByGuid'] as const),
  ...(['discardJob', 'reinstate', 'chatsWithJournal', 'jobsOfBot', 'holdJobs', 'promoteJobs'] as const),
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('text'), sender }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('medium'), sender }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('staged'), which }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'claimed' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('finished'), which }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'connect' }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'disconnect' }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.nat({ max: 6_000 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault'),
      operation,
      point: fc.constantFrom('before', 'after'),
    }),
  },
);

const stories = fc.array(fc.tuple(happening, fc.nat({ max: 6 })), {
  minLength: 1,
  maxLength: 60,
  size: 'max',
});

/** What happens, and how many calls of the store are carried out after each. */
type Story = readonly (readonly [Happening, number])[];

/** Nothing is lost or doubled, nothing is left behind, no bug came to light, no timer is left. */
async function expectHistoryAsWritten(world: ChatWorld, story: Story): Promise<void> {
  await world.boot();
  for (const [each, calls] of story) {
    await world.happen(each);
    await world.run(calls);
  }
  await world.comeToRest();
  for (const [name, written] of world.written) {
    const entries = await world.historyOf(name);
    const byId = entries.toSorted((one, other) => one.message.id - other.message.id);
    expect(byId.map(({ message }) => message.content)).toEqual(written);
    const texts = entries.map(({ message }) => message).filter(({ mimeType }) => mimeType === null);
    expect(texts).toEqual(texts.toSorted((one, other) => one.id - other.id));
  }
  expect(await world.leftovers()).toEqual([]);
  expect(world.escalations).toEqual([]);
  expect(world.log.at('error')).toEqual([]);
  await world.end();
  expect(world.clock.pendingTimers).toBe(0);
}

test('whatever fails, reconnects and restarts, the history is what was written: once, in id order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), stories, (scheduler, story) =>
      expectHistoryAsWritten(new ChatWorld(scheduler), story),
    ),
    { numRuns: RUNS },
  );
});

test('C3: with the tightest limits too, as long as the history can be written', async () => {
  const limits = { maxMessages: 1 };
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), stories, (scheduler, story) =>
      expectHistoryAsWritten(
        new ChatWorld(scheduler, limits),
        story.filter(([each]) => !stopsIngestion(each)),
      ),
    ),
    { numRuns: RUNS },
  );
});

const stopsIngestion = (each: Happening): boolean =>
  each.kind === 'fault' && (each.operation === 'ingest' || each.operation === 'rehydrate');
