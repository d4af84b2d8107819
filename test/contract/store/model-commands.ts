import fc from 'fast-check';
import { newGuid } from '../../../src/base/ids.ts';
import type { ClaimedJob, CorrespondentKey, JobCollection } from '../../../src/jobs/job.ts';
import { isPlaceholder } from '../../../src/queue/message.ts';
import type { Acceptance } from '../../../src/store/message-store.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  HOUR_MS,
  jobError,
  newJob,
  NOW,
  placeholderMessage,
  PROVIDER,
  stagedMedia,
  textMessage,
} from '../../support/store-records.ts';
import {
  BOTS,
  CHATS,
  comparable,
  KEYS,
  endState,
  nothing,
  pick,
  START,
  step,
  type StoreCommand,
} from './model-world.ts';

/** Random calls of every part of the port, and what befalls its owner. */

const MAX_ATTEMPTS = 3;

const index = fc.nat({ max: 30 });
const place = fc.nat({ max: 8 });
const key = fc.constantFrom(...KEYS);
const bot = fc.constantFrom(...BOTS);
const pool = fc.constantFrom('audio', 'video');
const leaseMs = fc.constantFrom(HOUR_MS, -HOUR_MS);
const error = fc.constantFrom(null, jobError('stale'));
const age = fc.nat({ max: 60 });
const collection = fc.constantFrom('active', 'active', 'holding');
const evictions = fc.nat({ max: 2 });

const named = <T>(
  name: string,
  arbitrary: fc.Arbitrary<T>,
  toStep: (value: T, name: string) => StoreCommand,
) => arbitrary.map((value) => toStep(value, `${name} ${JSON.stringify(value)}`));

// ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Arrival {
  readonly start: 'text' | 'downloading' | 'staged' | 'failed';
  readonly pool: string;
  readonly collection: 'active' | 'holding';
  readonly providerMessageId: string;
}

function acceptance(chat: CorrespondentKey, id: number, now: number, arrival: Arrival): Acceptance {
  const { start, collection: startsIn, providerMessageId } = arrival;
  const changes = { acceptedTime: now, providerMessageId };
  const placeholder = placeholderMessage(id, newGuid(), changes);
  const text = acceptText(chat, textMessage(id, changes));
  if (start === 'text') return text;
  if (start === 'failed') {
    const failed = { kind: start, error: jobError('too_many_pending'), placeholder } as const;
    return { ...text, job: newJob(placeholder.mediaProcessingId, { start: failed, collection: startsIn }) };
  }
  const live =
    start === 'staged'
      ? ({ kind: start, media: stagedMedia(arrival.pool) } as const)
      : ({ kind: start } as const);
  return acceptMedia(chat, placeholder, { start: live, collection: startsIn });
}

const providerMessageId = fc.nat({ max: 25 }).map((n) => `provider-${n}`);
const arrival = fc.record({
  start: fc.constantFrom('text', 'downloading', 'staged', 'staged', 'failed'),
  pool,
  collection,
  providerMessageId,
});

const accepts = named('accept', fc.tuple(key, arrival, evictions), ([at, arriving, count], name) =>
  step(name, (world) => {
    const accepted = {
      ...acceptance(at, world.nextId(at), world.now, arriving),
      evictedIds: world
        .journal(at)
        .slice(0, count)
        .map(({ id }) => id),
    };
    if (accepted.job !== null) world.guids.push(accepted.job.guid);
    return ({ store }) => store.accept(accepted);
  }),
);

const settles = named(
  'settle',
  fc.tuple(key, index, error, fc.boolean()),
  ([at, nth, failure, isMisplaced], name) =>
    step(name, (world) => {
      const messages = world.journal(at);
      const placeholder = pick(messages.filter(isPlaceholder), nth);
      if (placeholder === undefined) return nothing;
      const message = fulfilled(placeholder);
      const settlement = {
        correspondent: at,
        guid: placeholder.mediaProcessingId,
        message: isMisplaced ? { ...message, id: 9_999 } : message,
        evictedIds: messages.slice(0, 1).map(({ id }) => id),
        error: failure,
      };
      return ({ store }) => store.settle(settlement);
    }),
);

const concludes = named(
  'complete and settle',
  fc.tuple(fc.nat({ max: 4 }), error, fc.boolean()),
  ([nth, failure, isMisplaced], name) =>
    step(name, ({ now }) => async ({ store, claims: given }) => {
      const claim = given.at(-1 - nth);
      if (claim === undefined) return null;
      const message = fulfilled(claim.placeholder);
      return store.completeAndSettle({
        correspondent: claim.correspondent,
        guid: claim.guid,
        claimToken: claim.claimToken,
        message: isMisplaced ? { ...message, id: 9_999 } : message,
        evictedIds: [claim.placeholder.id - 1],
        error: failure,
        words: 'w',
        completedAt: now,
      });
    }),
);

const ingests = named('ingest', fc.tuple(key, fc.nat({ max: 4 })), ([at, count], name) =>
  step(name, (world) => {
    const { now } = world;
    const messages = world
      .journal(at)
      .slice(0, count)
      .map(({ id }) => textMessage(id));
    return ({ store }) => store.ingest({ correspondent: at, messages, now });
  }),
);

const evicts = named('evict', fc.tuple(key, place), ([at, id], name) =>
  step(
    name,
    () =>
      ({ store }) =>
        store.evict(at, [id]),
  ),
);

const finds = named('find message', fc.tuple(key, place), ([at, id], name) =>
  step(
    name,
    () =>
      ({ store }) =>
        store.findMessage(at, id),
  ),
);

/** With `isLost`, damage took it out of the journal. */
const reinstates = named(
  'reinstate',
  fc.tuple(key, index, fc.boolean(), evictions),
  ([at, nth, isLost, count], name) =>
    step(name, (world) => {
      const messages = world.journal(at);
      const placeholder = pick(messages.filter(isPlaceholder), nth);
      if (placeholder === undefined) return nothing;
      const evicted = messages.slice(0, count).map(({ id }) => id);
      return async ({ store, subject }) => {
        if (isLost) await subject.lose(at, placeholder.id);
        return store.reinstate(at, placeholder, evicted);
      };
    }),
);

// ── Chats ────────────────────────────────────────────────────────────────────────────────────────────────────────

const identifiers = fc.uniqueArray(fc.constantFrom(...CHATS, 'four', 'five'), { minLength: 1, maxLength: 2 });

const resolves = named('resolve', fc.tuple(bot, identifiers), ([botId, [first, ...others]], name) =>
  step(name, () => async ({ store }) => {
    if (first === undefined) return null;
    const record = await store.resolveCorrespondent(botId, PROVIDER, [first, ...others]);
    return { ...record, aliases: record.aliases.toSorted(), createdAt: null };
  }),
);

/** The chats that were merged into it go first. */
const forgets = named('forget', key, ({ botId, correspondentId }, name) =>
  step(name, () => async ({ store }) => {
    const forgotten = [];
    for (const chat of await store.chatsNamed(botId, correspondentId)) {
      const { messages, media } = (await store.forgetChat(chat)) ?? { messages: null, media: [] };
      forgotten.push({ chat: chat.correspondentId, messages, media: new Set(media) });
    }
    return forgotten;
  }),
);

// ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const claims = named(
  'claim',
  fc.tuple(pool, leaseMs, fc.subarray([...BOTS], { maxLength: 1 })),
  ([of, lease, cappedBots], name) =>
    step(name, ({ now }) => async ({ store, claims: given }) => {
      const job = await store.claim({ pool: of, now, leaseMs: lease, cappedBots });
      if (job !== null) given.push(job);
      return job && comparable(job);
    }),
);

/** The claims that were given last are the ones that are likely to be current. */
const withClaim = (name: string, act: (store: Store, claim: ClaimedJob, now: number) => Promise<boolean>) =>
  fc.nat({ max: 4 }).map((nth) =>
    step(`${name} ${nth}`, ({ now }) => async ({ store, claims: given }) => {
      const claim = given.at(-1 - nth);
      return claim && act(store, claim, now);
    }),
  );

const withGuid = (name: string, act: (store: Store, guid: string, now: number) => Promise<unknown>) =>
  index.map((nth) =>
    step(`${name} ${nth}`, ({ now, guids }) => async ({ store }) => {
      const guid = pick(guids, nth);
      return guid && act(store, guid, now);
    }),
  );

const withBot = (name: string, act: (store: Store, botId: string, now: number) => Promise<unknown>) =>
  bot.map((botId) =>
    step(
      `${name} ${botId}`,
      ({ now }) =>
        ({ store }) =>
          act(store, botId, now),
    ),
  );

const whole = (name: string, act: (store: Store, now: number) => Promise<unknown>) =>
  fc.constant(
    step(
      name,
      ({ now }) =>
        ({ store }) =>
          act(store, now),
    ),
  );

const revives = whole('revive', async (store, now) => {
  const { pools, poisoned, nextDueAt } = await store.reviveJobs(now, MAX_ATTEMPTS);
  return { pools: pools.toSorted(), poisoned: poisoned.map(comparable), due: endState(nextDueAt) };
});

const expires = named('expire', fc.tuple(index, fc.boolean()), ([nth, hasChanged], name) =>
  step(name, (world) => {
    const job = pick(world.jobs(), nth);
    if (job === undefined) return nothing;
    const idle = { guid: job.guid, changedAt: job.changedAt - (hasChanged ? 1 : 0) };
    return async ({ store }) => {
      const expired = await store.expireJob(idle, jobError('stale'), world.now);
      return expired && comparable(expired);
    };
  }),
);

const reroutes = named('reroute', pool, (to, name) =>
  step(
    name,
    () =>
      ({ store }) =>
        store.rerouteHeldJobs(() => to),
  ),
);

const retries = named('retry', fc.tuple(index, pool, collection, evictions), ([nth, to, into, count], name) =>
  step(name, (world) => {
    const jobs = world.jobs();
    const failedJobs = jobs.filter((each) => each.collection === 'failed');
    const job = pick(failedJobs.length > 0 && nth % 4 > 0 ? failedJobs : jobs, nth);
    if (job === undefined) return nothing;
    const { correspondent, guid } = job;
    const retry = {
      correspondent,
      placeholder: placeholderMessage(world.nextId(correspondent), guid, {
        acceptedTime: world.now,
        providerMessageId: null,
      }),
      evictedIds: world
        .journal(correspondent)
        .slice(0, count)
        .map(({ id }) => id),
      mimeType: 'audio/aac',
      pool: to,
      collection: into,
    };
    return ({ store }) => store.retryFailedJob(retry);
  }),
);

async function listed(store: Store, of: JobCollection, botId: string): Promise<readonly string[]> {
  const guids: string[] = [];
  for (let beforeSeq: number | null = null, isLast = false; !isLast;) {
    const query = { collection: of, filter: { botId, pool: 'audio' }, beforeSeq, limit: 2 };
    const { jobs, nextBeforeSeq } = await store.listJobs(query);
    guids.push(...jobs.map(({ guid }) => guid));
    beforeSeq = nextBeforeSeq;
    isLast = nextBeforeSeq === null;
  }
  return guids;
}

const lists = named(
  'list',
  fc.tuple(fc.constantFrom('active', 'holding', 'failed'), bot),
  ([of, botId], name) =>
    step(
      name,
      () =>
        ({ store }) =>
          listed(store, of, botId),
    ),
);

const traces = fc.constant(
  step(
    'jobs among',
    ({ guids }) =>
      async ({ store }) =>
        new Set(await store.jobsAmong(guids)),
  ),
);

// ── Owners and upkeep ────────────────────────────────────────────────────────────────────────────────────────────

const takeOvers = fc.constant(step('another owner takes over', () => (side) => side.takeOver()));
const reopenings = fc.constant(step('reopen', () => (side) => side.reopen()));

/** What an owner does that has not heard of the newer one. */
const formerWrites = named('the former owner writes', fc.tuple(key, providerMessageId), ([at, id], name) =>
  step(name, (world) => {
    const text = textMessage(world.nextId(at), { acceptedTime: world.now, providerMessageId: id });
    return async ({ former }) => former?.accept(acceptText(at, text));
  }),
);
const formerReads = named('the former owner rehydrates', key, (at, name) =>
  step(
    name,
    () =>
      async ({ former }) =>
        former?.rehydrate(at),
  ),
);

const savesBot = named(
  'save bot',
  fc.tuple(bot, fc.boolean(), fc.boolean()),
  ([botId, stopped, removed], name) =>
    step(
      name,
      () =>
        ({ store }) =>
          store.saveBot({
            botId,
            providerName: PROVIDER,
            gatewayId: 'gateway-1',
            createdAt: START,
            stopped,
            pairingPhone: null,
            settings: null,
            removed,
          }),
    ),
);

/** What happens often, and what happens now and then. */
export const COMMANDS: fc.Arbitrary<StoreCommand>[] = [
  accepts,
  accepts,
  accepts,
  accepts,
  claims,
  claims,
  claims,
  settles,
  settles,
  concludes,
  concludes,
  ingests,
  withGuid('stage', (store, guid, now) => store.stage(guid, stagedMedia('video'), now)),
  fc.oneof(
    withClaim('complete', (store, claim, now) => store.complete(claim, { kind: 'words', words: 'w' }, now)),
    withClaim('fail', (store, claim, now) =>
      store.complete(claim, { kind: 'failure', words: 'no words', error: jobError() }, now),
    ),
    withClaim('release', (store, claim, now) => store.release(claim, now)),
    withClaim('postpone', (store, claim, now) => store.postpone(claim, now, jobError(), now)),
    withClaim('postpone by an hour', (store, claim, now) =>
      store.postpone(claim, now + HOUR_MS, jobError(), now),
    ),
  ),
  fc.oneof(
    withClaim('heartbeat', (store, claim) => store.heartbeat(claim, NOW + HOUR_MS)),
    withClaim('a late heartbeat', (store, claim) => store.heartbeat(claim, NOW - HOUR_MS)),
  ),
  revives,
  fc.oneof(
    withBot('hold', (store, botId, now) => store.holdJobs(botId, now)),
    withBot('promote', (store, botId, now) => store.promoteJobs(botId, now)),
    withBot('promote', (store, botId, now) => store.promoteJobs(botId, now)),
    withBot('promote', (store, botId, now) => store.promoteJobs(botId, now)),
    withBot('promote', (store, botId, now) => store.promoteJobs(botId, now)),
    whole('sweep', (store, now) => store.sweepToHolding(now)),
    reroutes,
  ),
  retries,
  reinstates,
  fc.oneof(resolves, resolves, forgets),
  fc.oneof(
    expires,
    withGuid('discard', (store, guid, now) => store.discardJob(guid, jobError('orphaned'), now)),
    withGuid('drop', (store, guid) => store.dropFailedJob(guid)),
    evicts,
  ),
  fc.oneof(finds, lists, traces),
  fc.oneof(
    named('prune keys', age, (ms, name) =>
      step(
        name,
        () =>
          ({ store }) =>
            store.pruneMessageIds(START + ms),
      ),
    ),
    named('prune history', fc.tuple(bot, age), ([botId, ms], name) =>
      step(
        name,
        () =>
          ({ store }) =>
            store.pruneHistory(botId, START + ms),
      ),
    ),
    savesBot,
  ),
  // Each costs the opening of a store.
  fc.oneof(
    { weight: 1, arbitrary: fc.oneof(takeOvers, reopenings) },
    { weight: 2, arbitrary: fc.oneof(formerWrites, formerReads) },
  ),
];
