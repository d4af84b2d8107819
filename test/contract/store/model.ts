import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { hasCode } from '../../../src/base/errors.ts';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { jobsIn } from '../../support/jobs-in.ts';
import { PROVIDER } from '../../support/store-records.ts';
import { COMMANDS } from './model-commands.ts';
import { BOTS, comparable, KEYS, World } from './model-world.ts';
import { chat, type OpenSubject } from './subject.ts';

/**
 * The memory store is the model: the same random calls on it and on the store under test have the same outcomes and
 * leave the same state.
 */
const WHOLE = { afterSeq: 0, limit: 1_000 };

/** Null: it was forgotten. */
async function journalOf(
  store: Store,
  key: CorrespondentKey,
): Promise<Awaited<ReturnType<Store['rehydrate']>> | null> {
  try {
    return await store.rehydrate(key);
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}

async function stateOf(store: Store): Promise<object> {
  const chats = [];
  for (const each of KEYS) {
    chats.push({ journal: await journalOf(store, each), history: await store.history(each, WHOLE) });
  }
  const bots = [];
  for (const botId of BOTS) {
    const correspondents = await store.correspondents(botId);
    bots.push({
      withJournal: (await store.chatsWithJournal(botId))
        .map(({ correspondentId }) => correspondentId)
        .toSorted(),
      correspondents: correspondents.map((record) => ({
        ...record,
        aliases: record.aliases.toSorted(),
        createdAt: null,
      })),
      active: (await jobsIn(store, botId, 'active')).map(comparable),
      holding: (await jobsIn(store, botId, 'holding')).map(comparable),
      failed: (await jobsIn(store, botId, 'failed')).map(comparable),
    });
  }
  return { chats, bots, records: await store.bots(), counts: new Set(await store.countJobs()) };
}

async function namesOf(store: Store, botId: string): Promise<object[]> {
  const records = await store.correspondents(botId);
  return records.map(({ correspondentId, aliases }) => ({ correspondentId, aliases: aliases.toSorted() }));
}

/** S3: no id is in both journal and history, or twice in one. */
async function expectOnePlaceEach(store: Store): Promise<void> {
  for (const each of KEYS) {
    const journal = ((await journalOf(store, each))?.messages ?? []).map(({ id }) => id);
    const history = (await store.history(each, WHOLE)).map(({ message }) => message.id);
    expect(new Set([...journal, ...history]).size).toBe(journal.length + history.length);
  }
}

const TIMEOUT_PER_RUN_MS = 20_000;

export interface ModelRuns {
  readonly runs: number;
  readonly calls: number;
}

/** `runs` random histories of up to `calls` calls each. */
export function describeModel(name: string, open: OpenSubject, { runs, calls }: ModelRuns): void {
  const timeout = runs * TIMEOUT_PER_RUN_MS;
  describe(`${name} behaves as the memory store`, () => {
    test('S1–S7: random calls have the same outcomes and leave the same state', { timeout }, async () => {
      const property = fc.asyncProperty(
        fc.commands(COMMANDS, { maxCommands: calls, size: 'max' }),
        async (commands) => {
          const world = await World.open(open);
          try {
            for (const { correspondentId, botId } of KEYS) {
              await chat(world.model.store, correspondentId, botId);
              await chat(world.real.store, correspondentId, botId);
            }
            await fc.asyncModelRun(() => ({ model: world, real: null }), commands);
            expect(await stateOf(world.real.store)).toEqual(await stateOf(world.model.store));
            await expectOnePlaceEach(world.real.store);
          } finally {
            await world.real.subject.dispose();
          }
        },
      );
      // To shrink what fails takes longer than a test may, for it opens stores: replay its seed with that allowed.
      await fc.assert(property, { numRuns: runs, endOnFailure: true });
    });

    test('identifiers that turn up in any order name the same chats', { timeout }, async () => {
      const { store, dispose } = await open();
      const memory = openMemoryStore({ clock: systemClock(), newClaimToken: newGuid });
      let bots = 0;
      const identifiers = fc.uniqueArray(fc.constantFrom('p', 'q', 'r', 's', 't', 'u'), {
        minLength: 1,
        maxLength: 3,
      });
      const property = fc.asyncProperty(fc.array(identifiers, { maxLength: 12 }), async (sightings) => {
        // No bot knows another one's chats.
        bots += 1;
        const botId = `bot-${bots}`;
        for (const [first, ...others] of sightings) {
          if (first === undefined) continue;
          const expected = await memory.resolveCorrespondent(botId, PROVIDER, [first, ...others]);
          const { correspondentId } = await store.resolveCorrespondent(botId, PROVIDER, [first, ...others]);
          expect(correspondentId).toBe(expected.correspondentId);
        }
        expect(await namesOf(store, botId)).toEqual(await namesOf(memory, botId));
      });
      try {
        await fc.assert(property, { numRuns: 5 * runs });
      } finally {
        await dispose();
      }
    });
  });
}
