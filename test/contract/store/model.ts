import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { newGuid } from '../../../src/base/ids.ts';
import type { ClaimedJob, MediaProcessingJob } from '../../../src/jobs/job.ts';
import { isPlaceholder } from '../../../src/queue/message.ts';
import { openMemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { Acceptance } from '../../../src/store/message-store.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  HOUR_MS,
  jobError,
  keyOf,
  newJob,
  NOW,
  placeholderMessage,
  PROVIDER,
  stagedMedia,
  textMessage,
} from '../../support/store-records.ts';
import { chat, type OpenSubject } from './subject.ts';
import { jobsIn } from '../../support/jobs-in.ts';

/**
 * The memory store is the model: the same random calls on it and on the store under test have the same outcomes and
 * leave the same state. Claim tokens and seqs are each store's own, and are compared by what they do.
 */
const BOTS = ['bot-a', 'bot-b'] as const;
const CHATS = ['one', 'two', 'three'] as const;
const KEYS = BOTS.flatMap((botId) => CHATS.map((identifier) => keyOf(identifier, botId)));
const MAX_ATTEMPTS = 3;
const WHOLE = { afterSeq: 0, limit: 1_000 };

type Side = 'model' | 'real';

/** What the commands know of the run: every claim and GUID that was given, live or not. */
interface Known {
  readonly memory: Store;
  readonly claims: Readonly<Record<Side, ClaimedJob[]>>;
  readonly guids: string[];
  now: number;
}

type Call = (store: Store, side: Side) => Promise<unknown>;
/** Chooses the call from the model's state; then both stores are called. */
type Plan = (known: Known) => Promise<Call> | Call;

class Step implements fc.AsyncCommand<Known, Store> {
  readonly #name: string;
  readonly #plan: Plan;

  constructor(name: string, plan: Plan) {
    this.#name = name;
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(known: Known, real: Store): Promise<void> {
    known.now += 1;
    const call = await this.#plan(known);
    const expected = await call(known.memory, 'model');
    assert.deepEqual(await call(real, 'real'), expected, this.#name);
  }

  toString(): string {
    return this.#name;
  }
}

const step = (name: string, plan: Plan): fc.AsyncCommand<Known, Store> => new Step(name, plan);
const pick = <T>(items: readonly T[], index: number): T | undefined =>
  items[index % Math.max(items.length, 1)];
const nothing: Call = () => Promise.resolve();

const leaseState = (leaseExpiresAt: number | null): string => {
  if (leaseExpiresAt === null) return 'none';
  return leaseExpiresAt > NOW ? 'live' : 'lapsed';
};

const comparable = (job: MediaProcessingJob): object => ({
  ...job,
  seq: null,
  claimToken: job.claimToken !== null,
  leaseExpiresAt: leaseState(job.leaseExpiresAt),
});

// ── The calls ────────────────────────────────────────────────────────────────────────────────────────────────────

const index = fc.nat({ max: 30 });
const key = fc.constantFrom(...KEYS);
const bot = fc.constantFrom(...BOTS);
const pool = fc.constantFrom('audio', 'video');
const leaseMs = fc.constantFrom(HOUR_MS, -HOUR_MS);
const error = fc.constantFrom(null, jobError('stale'));

interface Arrival {
  readonly start: 'text' | 'downloading' | 'staged' | 'failed';
  readonly pool: string;
  readonly collection: 'active' | 'holding';
  readonly providerMessageId: string;
}

function acceptance(
  correspondent: (typeof KEYS)[number],
  id: number,
  now: number,
  arrival: Arrival,
): Acceptance {
  const { start, collection, providerMessageId } = arrival;
  const changes = { acceptedTime: now, providerMessageId };
  const placeholder = placeholderMessage(id, newGuid(), changes);
  const text = acceptText(correspondent, textMessage(id, changes));
  if (start === 'text') return text;
  if (start === 'failed') {
    const failed = { kind: start, error: jobError('too_many_pending'), placeholder } as const;
    return { ...text, job: newJob(placeholder.mediaProcessingId, { start: failed, collection }) };
  }
  const live =
    start === 'staged'
      ? ({ kind: start, media: stagedMedia(arrival.pool) } as const)
      : ({ kind: start } as const);
  return acceptMedia(correspondent, placeholder, { start: live, collection });
}

const arrival = fc.record({
  start: fc.constantFrom('text', 'downloading', 'staged', 'staged', 'failed'),
  pool,
  collection: fc.constantFrom('active', 'active', 'holding'),
  providerMessageId: fc.nat({ max: 25 }).map((n) => `provider-${n}`),
});

const accepts = fc.tuple(key, arrival, fc.nat({ max: 2 })).map(([correspondent, arriving, evictions]) =>
  step(`accept ${JSON.stringify([correspondent, arriving, evictions])}`, async ({ memory, guids, now }) => {
    const { nextId, messages } = await memory.rehydrate(correspondent);
    const accepted = {
      ...acceptance(correspondent, nextId, now, arriving),
      evictedIds: messages.slice(0, evictions).map(({ id }) => id),
    };
    if (accepted.job !== null) guids.push(accepted.job.guid);
    return (store) => store.accept(accepted);
  }),
);

const settles = fc
  .tuple(key, index, error, fc.boolean())
  .map(([correspondent, nth, withError, isMisplaced]) =>
    step(`settle ${JSON.stringify([correspondent, nth, withError, isMisplaced])}`, async ({ memory }) => {
      const { messages } = await memory.rehydrate(correspondent);
      const placeholder = pick(messages.filter(isPlaceholder), nth);
      if (placeholder === undefined) return nothing;
      const message = fulfilled(placeholder);
      return (store) =>
        store.settle({
          correspondent,
          guid: placeholder.mediaProcessingId,
          message: isMisplaced ? { ...message, id: 9_999 } : message,
          evictedIds: messages.slice(0, 1).map(({ id }) => id),
          error: withError,
        });
    }),
  );

const ingests = fc.tuple(key, fc.nat({ max: 4 })).map(([correspondent, count]) =>
  step(`ingest ${JSON.stringify([correspondent, count])}`, async ({ memory, now }) => {
    const { messages } = await memory.rehydrate(correspondent);
    const batch = messages.slice(0, count).map((message) => textMessage(message.id));
    return (store) => store.ingest({ correspondent, messages: batch, now });
  }),
);

const claims = fc.tuple(pool, leaseMs, fc.subarray([...BOTS])).map(([of, lease, cappedBots]) =>
  step(
    `claim ${JSON.stringify([of, lease, cappedBots])}`,
    ({ now, claims: given }) =>
      async (store, side) => {
        const job = await store.claim({ pool: of, now, leaseMs: lease, cappedBots });
        if (job !== null) given[side].push(job);
        return job && comparable(job);
      },
  ),
);

const withClaim = (
  name: string,
  act: (store: Store, claim: ClaimedJob, now: number) => Promise<boolean>,
): fc.Arbitrary<fc.AsyncCommand<Known, Store>> =>
  index.map((nth) =>
    step(`${name} ${nth}`, ({ now, claims: given }) => async (store, side) => {
      const claim = pick(given[side], nth);
      return claim && act(store, claim, now);
    }),
  );

const withGuid = (
  name: string,
  act: (store: Store, guid: string, now: number) => Promise<unknown>,
): fc.Arbitrary<fc.AsyncCommand<Known, Store>> =>
  index.map((nth) =>
    step(`${name} ${nth}`, ({ now, guids }) => async (store) => {
      const guid = pick(guids, nth);
      return guid && act(store, guid, now);
    }),
  );

const withBot = (
  name: string,
  act: (store: Store, botId: string, now: number) => Promise<unknown>,
): fc.Arbitrary<fc.AsyncCommand<Known, Store>> =>
  bot.map((botId) =>
    step(
      `${name} ${botId}`,
      ({ now }) =>
        (store) =>
          act(store, botId, now),
    ),
  );

const revives = fc.constant(
  step('revive', ({ now }) => async (store) => {
    const { pools, poisoned, nextDueAt } = await store.reviveJobs(now, MAX_ATTEMPTS);
    return { pools: pools.toSorted(), poisoned: poisoned.map(comparable), due: leaseState(nextDueAt) };
  }),
);

const COMMANDS = [
  accepts,
  accepts,
  accepts,
  claims,
  claims,
  settles,
  ingests,
  revives,
  fc.tuple(key, index).map(([at, id]) => step(`evict ${id}`, () => (store) => store.evict(at, [id]))),
  withGuid('stage', (store, guid, now) => store.stage(guid, stagedMedia('video'), now)),
  withGuid('discard', (store, guid, now) => store.discardJob(guid, jobError('orphaned'), now)),
  withClaim('complete', (store, claim, now) => store.complete(claim, { kind: 'words', words: 'w' }, now)),
  withClaim('fail', (store, claim, now) =>
    store.complete(claim, { kind: 'failure', words: 'no words', error: jobError() }, now),
  ),
  withClaim('release', (store, claim, now) => store.release(claim, now)),
  withClaim('heartbeat', (store, claim) => store.heartbeat(claim, NOW + HOUR_MS)),
  withClaim('postpone', (store, claim, now) => store.postpone(claim, now + 3, jobError(), now)),
  withBot('hold', (store, botId, now) => store.holdJobs(botId, now)),
  withBot('promote', (store, botId, now) => store.promoteJobs(botId, now)),
  fc.constant(
    step(
      'sweep',
      ({ now }) =>
        (store) =>
          store.sweepToHolding(now),
    ),
  ),
  fc.nat({ max: 60 }).map((age) => step(`prune ${age}`, () => (store) => store.pruneMessageIds(NOW + age))),
];

// ── The state ────────────────────────────────────────────────────────────────────────────────────────────────────

async function stateOf(store: Store): Promise<object> {
  const chats = [];
  for (const each of KEYS) {
    chats.push({ journal: await store.rehydrate(each), history: await store.history(each, WHOLE) });
  }
  const bots = [];
  for (const botId of BOTS) {
    const correspondents = await store.correspondents(botId);
    bots.push({
      withJournal: (await store.chatsWithJournal(botId))
        .map(({ correspondentId }) => correspondentId)
        .toSorted(),
      correspondents: correspondents.map((record) => ({ ...record, createdAt: null })),
      active: (await jobsIn(store, botId, 'active')).map(comparable),
      holding: (await jobsIn(store, botId, 'holding')).map(comparable),
      failed: (await jobsIn(store, botId, 'failed')).map(comparable),
    });
  }
  return { chats, bots, counts: new Set(await store.countJobs()) };
}

async function namesOf(store: Store): Promise<object[]> {
  const records = await store.correspondents('bot-a');
  return records.map(({ correspondentId, aliases }) => ({ correspondentId, aliases: aliases.toSorted() }));
}

/** S3: no id is in both journal and history, or twice in one. */
async function expectOnePlaceEach(store: Store): Promise<void> {
  for (const each of KEYS) {
    const journal = (await store.rehydrate(each)).messages.map(({ id }) => id);
    const history = (await store.history(each, WHOLE)).map(({ message }) => message.id);
    expect(new Set([...journal, ...history]).size).toBe(journal.length + history.length);
  }
}

const TIMEOUT_PER_RUN_MS = 3_000;

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
          const { store, dispose } = await open();
          const memory = openMemoryStore({ clock: systemClock(), newClaimToken: newGuid });
          try {
            for (const each of KEYS) {
              await chat(memory, each.correspondentId, each.botId);
              await chat(store, each.correspondentId, each.botId);
            }
            const setup = () => ({
              model: { memory, claims: { model: [], real: [] }, guids: [], now: NOW },
              real: store,
            });
            await fc.asyncModelRun(setup, commands);
            expect(await stateOf(store)).toEqual(await stateOf(memory));
            await expectOnePlaceEach(store);
          } finally {
            await dispose();
          }
        },
      );
      await fc.assert(property, { numRuns: runs });
    });

    test('identifiers that turn up in any order name the same chats', { timeout }, async () => {
      const identifiers = fc.uniqueArray(fc.constantFrom('p', 'q', 'r', 's', 't', 'u'), {
        minLength: 1,
        maxLength: 3,
      });
      const property = fc.asyncProperty(fc.array(identifiers, { maxLength: 12 }), async (sightings) => {
        const { store, dispose } = await open();
        const memory = openMemoryStore({ clock: systemClock(), newClaimToken: newGuid });
        try {
          for (const [first, ...others] of sightings) {
            if (first === undefined) continue;
            const expected = await memory.resolveCorrespondent('bot-a', PROVIDER, [first, ...others]);
            const { correspondentId } = await store.resolveCorrespondent('bot-a', PROVIDER, [
              first,
              ...others,
            ]);
            expect(correspondentId).toBe(expected.correspondentId);
          }
          expect(await namesOf(store)).toEqual(await namesOf(memory));
        } finally {
          await dispose();
        }
      });
      await fc.assert(property, { numRuns: runs });
    });
  });
}
