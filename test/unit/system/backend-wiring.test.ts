import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { ActorSnapshot } from '../../../src/actors/kit/actor.ts';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { newGuid } from '../../../src/base/ids.ts';
import type { MediaProcessingJob } from '../../../src/jobs/job.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Backend } from '../../../src/system/backend.ts';
import { prepareJobRuns } from '../../../src/system/job-runs.ts';
import { acked, connected, machine } from '../../support/backend-machine.ts';
import type { GatewaySocket } from '../../support/gateway-socket.ts';
import { BOT, GATEWAY, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { interceptStore, storeAway } from '../../support/intercepted-store.ts';
import { HOUR_MS } from '../../support/store-records.ts';

/** What every part of a backend does by itself is tested where it is; here, that they are told of one another. */

const LAST = 'the last one';
const LEFT_TO_WORKERS = { processedBy: 'workers', store: 'mongodb://nobody.example/dragoman' };

let lastSeq = 2_000_000;

const freshStore = (clock: Clock = systemClock()): Store =>
  openMemoryStore({ clock, newClaimToken: newGuid });

/** A voice note whose file is there. */
async function staged(link: GatewaySocket, folder: { pathOf(guid: string): string }, caption = '') {
  const note = mediaFrame('ann', caption);
  await acked(link, note);
  await writeFile(folder.pathOf(note.mediaGuid), 'OggS…');
  lastSeq += 1;
  const seq = lastSeq;
  const file = { bytes: 6, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' };
  link.send({ type: 'media.staged', seq, guid: note.mediaGuid, ...file });
  await link.until(() => link.ofType('ack').some((ack) => ack.seq === seq));
  return note.mediaGuid;
}

function ingestionOf(backend: Backend): ActorSnapshot {
  const found = backend.system.inspect().children.find(({ name }) => name === 'ingestion');
  if (found === undefined) throw new Error('expected the actor that ingests');
  return found;
}

/** A store with workers elsewhere, which does what they would do. */
function sharedStore(store: Store) {
  const heard: ((job: MediaProcessingJob) => void)[] = [];
  const claim = () => store.claim({ pool: 'audio', now: Date.now(), leaseMs: 60_000, cappedBots: [] });
  return {
    store: {
      ...store,
      onCompleted: (listener: (job: MediaProcessingJob) => void) => void heard.push(listener),
    },
    /** Ends the job that is next. */
    async work(words = 'words'): Promise<MediaProcessingJob> {
      const job = await claim();
      if (job === null) throw new Error('expected a job');
      await store.complete(job, { kind: 'words', words }, Date.now());
      const completed = await store.jobByGuid(job.guid);
      if (completed === null) throw new Error('expected a result');
      for (const listener of heard) listener(completed);
      return completed;
    },
    hearAgain(job: MediaProcessingJob): void {
      for (const listener of heard) listener(job);
    },
  };
}

describe('a backend', () => {
  test('settles what a worker elsewhere has turned into words', async () => {
    const { start, staging } = await machine(LEFT_TO_WORKERS);
    const { store, work } = sharedStore(freshStore());
    const { backend, watch } = await start({ store });
    const link = await connected(backend.url);
    const guid = await staged(link, staging, 'listen');
    expect((await work('heard')).guid).toBe(guid);
    expect(await watch.untilIngested(1)).toEqual(['[heard] listen']);
    expect((await link.next('media.released')).guid).toBe(guid);
  });

  test('counts a result once, however often it hears of it', async () => {
    const { start, staging, log } = await machine(LEFT_TO_WORKERS);
    const { store, work, hearAgain } = sharedStore(freshStore());
    const { backend, watch } = await start({ store });
    const link = await connected(backend.url);
    await log.untilLine('bot recovered');
    await staged(link, staging);
    await staged(link, staging);
    const job = await work();
    hearAgain(job);
    await watch.untilIngested(1);
    hearAgain(job);
    await work();
    await watch.untilIngested(2);
    const pools = () => backend.administration.pools.list();
    const audio = { name: 'audio', shares: [{ botId: BOT, served: 2 }], donePerMinute: 2 };
    await expect.poll(pools).toContainEqual(expect.objectContaining(audio));
    expect(watch.events.filter(({ kind }) => kind === 'job_done')).toHaveLength(2);
  });

  test('settles one bot’s medium that killed its workers, though another bot’s recovery found it', async () => {
    const { start, staging, log } = await machine({
      ...LEFT_TO_WORKERS,
      maxAttempts: 1,
      bots: [
        { id: BOT, gateway: GATEWAY },
        { id: 'other', gateway: GATEWAY },
      ],
    });
    const { backend, store, watch } = await start();
    const link = await connected(backend.url);
    await log.untilLine('bot recovered');
    await staged(link, staging, 'listen');
    await store.claim({ pool: 'audio', now: Date.now() - HOUR_MS, leaseMs: 1_000, cappedBots: [] });
    link.send({ type: 'bot.status', bot_id: 'other', state: 'open' });
    expect(await watch.untilIngested(1)).toEqual(['[Media processing failed] listen']);
  });

  test('finds a result that became durable while the store was away and nobody heard of it', async () => {
    const { start, staging, log } = await machine();
    let isAway = false;
    const store = interceptStore(freshStore(), async (operation, run) => {
      // The chat cannot take it, so it is put on its job.
      if (operation === 'completeAndSettle') throw new TypeError('a bug');
      const result = isAway ? null : await run();
      isAway ||= operation === 'complete';
      if (isAway) throw storeAway(operation);
      return result;
    });
    const { backend, watch } = await start({
      store,
      async prepareRuns(options) {
        const runs = await prepareJobRuns(options);
        return {
          ...runs,
          runOf(pool, ledger) {
            const run = runs.runOf(pool, ledger);
            return { ...run, times: { ...run.times, saveDeadlineMs: 20 } };
          },
        };
      },
    });
    const link = await connected(backend.url);
    const guid = await staged(link, staging, 'listen');
    await log.untilLine('job unsaved');
    isAway = false;
    expect(await watch.untilIngested(1)).toEqual([
      `[Transcripted audio multimedia message with guid='${guid}'] listen`,
    ]);
  });

  test('ingests all the same what was announced to an ingestion that died of it', async () => {
    const strictHoldMs = 2_000_000;
    const { start } = await machine({
      bots: [{ id: BOT, gateway: GATEWAY, ordering: 'strict', strictHoldMs }],
    });
    const clock = systemClock();
    const isHold = (delayMs: number) => delayMs > strictHoldMs - 60_000 && delayMs <= strictHoldMs;
    const fragile: Clock = {
      now: clock.now,
      schedule(delayMs, task) {
        const timer = clock.schedule(delayMs, task);
        if (!isHold(delayMs)) return timer;
        return {
          cancel() {
            timer.cancel();
            throw new TypeError('a bug');
          },
        };
      },
    };
    const { backend, watch } = await start({ clock: fragile });
    const link = await connected(backend.url);
    const note = mediaFrame('ann', 'listen');
    await acked(link, note);
    await acked(link, textFrame('ann', LAST));
    await expect.poll(() => ingestionOf(backend).detail).toMatchObject({ held: 1 });
    lastSeq += 1;
    const gone = { media_kind: 'audio', quota_exceeded: false, reason: 'gone' } as const;
    link.send({ type: 'media.corrupt', seq: lastSeq, guid: note.mediaGuid, ...gone });
    expect(await watch.untilIngested(2)).toContain(LAST);
    expect(ingestionOf(backend).restarts).toBe(1);
  });

  test('takes no medium for stale that waits for its turn in a pool that gets on', async () => {
    const { start, staging } = await machine({
      ...LEFT_TO_WORKERS,
      janitor: { everyMs: 0, orphanFileHours: 24 },
    });
    const system = systemClock();
    let laterMs = 0;
    const clock: Clock = { now: () => system.now() + laterMs, schedule: system.schedule };
    const { store, work } = sharedStore(freshStore(clock));
    const { backend, watch } = await start({ store, clock });
    const link = await connected(backend.url);
    await staged(link, staging);
    await staged(link, staging);
    const staleJobs = async () => (await backend.administration.janitor.plan()).staleJobCount;
    laterMs = 2 * HOUR_MS;
    await work();
    await watch.untilIngested(1);
    laterMs = 4 * HOUR_MS;
    expect(await staleJobs()).toBe(0);
    laterMs = 6 * HOUR_MS;
    expect(await staleJobs()).toBe(1);
  });

  test('sends over the next link what it was asked to send while the gateway was away', async () => {
    const { start } = await machine();
    const { backend } = await start();
    const sending = backend.administration.send({ botId: BOT, to: 'ann', text: 'hello', requestId: 'r-1' });
    const link = await connected(backend.url);
    expect(await link.next('send')).toMatchObject({
      bot_id: BOT,
      to: 'ann',
      text: 'hello',
      request_id: 'r-1',
    });
    lastSeq += 1;
    link.send({
      type: 'sent',
      seq: lastSeq,
      bot_id: BOT,
      request_id: 'r-1',
      provider_message_id: 'p-1',
      originating_time: 1,
    });
    expect(await sending).toEqual({ kind: 'sent', requestId: 'r-1', providerMessageId: 'p-1' });
  });

  test('tells whoever waits for a send that it stops', async () => {
    const { start } = await machine();
    const { backend } = await start();
    const link = await connected(backend.url);
    const sending = backend.administration.send({ botId: BOT, to: 'ann', text: 'hello' });
    await link.next('send');
    await backend.stop();
    expect(await sending).toMatchObject({ kind: 'failed', code: 'deadline_exceeded' });
  });
});
