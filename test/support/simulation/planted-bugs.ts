import { isPlaceholder, isReady } from '../../../src/queue/message.ts';
import { jobOfAcceptance } from '../../../src/store/job-records.ts';
import type { Settlement } from '../../../src/store/message-store.ts';
import type { PlantedBug } from './planted-bug.ts';

const HOUR_MS = 3_600_000;

/** What a crash between two steps needs: the steps apart. */
const APART_MS = 20;

function failing<T extends Settlement>(settlement: T): T {
  const content = settlement.message.content.replace(/^\[.*?\]/, '[Media processing failed]');
  return { ...settlement, message: { ...settlement.message, content } };
}

/** Each by the name of what it does wrong. */
export const PLANTED_BUGS: Readonly<Record<string, PlantedBug>> = {
  'the job comes after its placeholder': {
    store: (store, { database, time, isAlive, changed }) => ({
      async accept(acceptance) {
        const outcome = await store.accept(acceptance);
        const job = jobOfAcceptance(acceptance);
        if (outcome.kind === 'duplicate' || job === null) return outcome;
        database.jobs.end(job.guid, null, job.createdAt);
        changed();
        await time.pause(APART_MS);
        if (isAlive()) database.jobs.add(job);
        return outcome;
      },
    }),
  },
  'a frame is acked before it is durable': {
    handler: (handler) => ({
      opened: (link, botIds) => handler.opened(link, botIds),
      status: (link, frame) => handler.status(link, frame),
      answered: (link, answer) => handler.answered(link, answer),
      closed: (link) => handler.closed(link),
      async durable(link, frame) {
        handler.durable(link, frame).catch(() => {});
        return { kind: 'ack' };
      },
    }),
  },
  'the file goes before the words are durable': {
    store: (store, { folder, time, isAlive }) => ({
      async complete(claim, result, now) {
        if (isAlive()) await folder.remove(claim.guid);
        await time.pause(APART_MS);
        return store.complete(claim, result, now);
      },
      async completeAndSettle(settlement) {
        if (isAlive()) await folder.remove(settlement.guid);
        await time.pause(APART_MS);
        return store.completeAndSettle(settlement);
      },
    }),
  },
  'the history is drained while frames still come in': {
    emphasis: 'stop',
    links: (links) => ({ url: links.url, drain: async () => {}, close: () => links.close() }),
  },
  'a lost placeholder comes back at the end': {
    store: (store, { database }) => ({
      reinstate(key, placeholder, evictedIds) {
        const { nextId } = database.chats
          .records(key.botId)
          .find(({ correspondentId }) => correspondentId === key.correspondentId) ?? {
          nextId: placeholder.id,
        };
        return store.reinstate(key, { ...placeholder, id: nextId }, evictedIds);
      },
    }),
  },
  'a message is copied to the history, then deleted from the journal': {
    store: (store, { database, time, isAlive, changed }) => ({
      async ingest(batch) {
        const chat = database.chats.owned(batch.correspondent, store.fence);
        const present = batch.messages.filter(({ id }) => chat.journal.has(id));
        for (const message of present) {
          chat.history.push({ ingestSeq: chat.nextIngestSeq, ingestedAt: batch.now, message });
          chat.nextIngestSeq += 1;
        }
        changed();
        await time.pause(APART_MS);
        if (isAlive()) for (const { id } of present) chat.journal.delete(id);
        changed();
        return { ingested: present.length };
      },
    }),
  },
  'a stale token is accepted': {
    emphasis: 'deaf heartbeats',
    store: (store, { database }) => ({
      async complete(claim, result, now) {
        const current = database.jobs.get(claim.guid)?.claimToken ?? claim.claimToken;
        return store.complete({ ...claim, claimToken: current }, result, now);
      },
      async completeAndSettle(settlement) {
        const current = database.jobs.get(settlement.guid)?.claimToken ?? settlement.claimToken;
        return store.completeAndSettle({ ...settlement, claimToken: current });
      },
    }),
  },
  'a message that came before is forgotten': {
    store: (store, { database }) => ({
      accept(acceptance) {
        database.chats.forgetMessageIds(Number.POSITIVE_INFINITY);
        return store.accept(acceptance);
      },
    }),
  },
  'a placeholder is evicted': {
    emphasis: 'history away',
    store: (store, { database, changed }) => ({
      async accept(acceptance) {
        const outcome = await store.accept(acceptance);
        const { correspondent, evictedIds } = acceptance;
        if (evictedIds.length === 0) return outcome;
        const placeholder = [...database.chats.journal(correspondent).values()].find(isPlaceholder);
        if (placeholder !== undefined) database.chats.lose(correspondent, placeholder.id);
        changed();
        return outcome;
      },
    }),
  },
  'all media fail': {
    store: (store) => ({
      settle: (settlement) => store.settle(failing(settlement)),
      completeAndSettle: (settlement) => store.completeAndSettle(failing(settlement)),
    }),
  },
  'one more is evicted than need be': {
    emphasis: 'history away',
    store: (store, { database }) => ({
      async accept(acceptance) {
        const { correspondent, evictedIds } = acceptance;
        const next = [...database.chats.journal(correspondent).values()].find(
          (message) => isReady(message) && !evictedIds.includes(message.id),
        );
        const more = evictedIds.length > 0 && next !== undefined ? [next.id] : [];
        return store.accept({ ...acceptance, evictedIds: [...evictedIds, ...more] });
      },
    }),
  },
  'a lease is revived before it ends': {
    store: (store) => ({ reviveJobs: (now, maxAttempts) => store.reviveJobs(now + HOUR_MS, maxAttempts) }),
  },
  'an id is given twice': {
    store: (store) => ({
      async rehydrate(key) {
        const { messages } = await store.rehydrate(key);
        return { messages, nextId: Math.max(0, ...messages.map(({ id }) => id)) + 1 };
      },
    }),
  },
  'a result that nobody waits for is dropped': {
    store: (store) => ({
      jobsOfBot: async (botId, page) =>
        page.statuses?.includes('completed') === true
          ? { jobs: [], nextAfterSeq: null }
          : store.jobsOfBot(botId, page),
    }),
  },
};
