import { createServer } from 'node:http';
import { utimes, writeFile } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Backend } from '../../../src/system/backend.ts';
import { settle } from '../../support/actor-kit.ts';
import { acked, connected, machine, STUB_POOLS } from '../../support/backend-machine.ts';
import { contents } from '../../support/chat-bench.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { BOT, GATEWAY, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { interceptStore, storeAway } from '../../support/intercepted-store.ts';
import { listen } from '../../support/listening-port.ts';
import {
  acceptMedia,
  acceptText,
  HOUR_MS,
  NOW,
  placeholderMessage,
  PROVIDER,
  textMessage,
} from '../../support/store-records.ts';
import { jobsIn } from '../../support/jobs-in.ts';

/** A job that a worker had in hand when its process died, long ago. */
async function leftBehind({ backend, store }: { backend: Backend; store: Store }) {
  await backend.stop();
  const key = await store.resolveCorrespondent(BOT, PROVIDER, ['ann']);
  await store.accept(acceptMedia(key, placeholderMessage(1)));
  const longAgo = NOW - HOUR_MS;
  const job = await store.claim({ pool: 'audio', now: longAgo, leaseMs: 1_000, cappedBots: [] });
  if (job === null) throw new Error('expected a job');
  return { store, job };
}

describe('a backend', () => {
  test('turns a voice note into words in its place in the history', async () => {
    const { start, staging } = await machine();
    const { backend, store, watch } = await start();
    const link = await connected(backend.url);
    const note = mediaFrame('ann', 'listen');
    await acked(link, textFrame('ann', 'before'));
    await acked(link, note);
    await acked(link, textFrame('ann', 'after'));
    await writeFile(staging.pathOf(note.mediaGuid), 'OggS…');
    const staged = { bytes: 6, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' };
    link.send({ type: 'media.staged', seq: 1_000_000, guid: note.mediaGuid, ...staged });
    await watch.untilIngested(3);

    const [chat] = await store.correspondents(BOT);
    if (chat === undefined) throw new Error('expected a chat');
    const history = (await store.history(chat, { afterSeq: 0, limit: 9 })).map(({ message }) => message);
    expect(contents(history.toSorted((a, b) => a.id - b.id))).toEqual([
      'before',
      `[Transcripted audio multimedia message with guid='${note.mediaGuid}'] listen`,
      'after',
    ]);
    expect((await link.next('media.released')).guid).toBe(note.mediaGuid);
    expect(await staging.list()).toEqual([]);
  });

  test('tells in the chat’s place that a medium is corrupt, or of a type that nobody takes', async () => {
    const { start, staging } = await machine();
    const { backend, store, watch } = await start();
    const link = await connected(backend.url);
    const [broken, odd] = [mediaFrame('ann', 'see'), mediaFrame('ann', 'open', { mime_type: 'model/obj' })];
    await acked(link, broken);
    await acked(link, odd);
    const reason = { media_kind: 'image', quota_exceeded: false, reason: 'gone' } as const;
    link.send({ type: 'media.corrupt', seq: 1_000_001, guid: broken.mediaGuid, ...reason });
    await writeFile(staging.pathOf(odd.mediaGuid), 'anything');
    const staged = { bytes: 8, sha256: 'a'.repeat(64), mime_type: 'model/obj' };
    link.send({ type: 'media.staged', seq: 1_000_002, guid: odd.mediaGuid, ...staged });
    expect((await watch.untilIngested(2)).toSorted()).toEqual([
      '[Corrupted image media could not be downloaded] see',
      '[Unsupported model/obj media] open',
    ]);
    expect(await jobsIn(store, BOT, 'failed')).toHaveLength(2);
  });

  test('takes what turns out poisoned while it starts like any other result', async () => {
    const { start, log } = await machine();
    let looks = 0;
    const memory = openMemoryStore({ clock: systemClock(), newClaimToken: newGuid });
    const store = interceptStore(memory, async (operation, run) => {
      // Its bots take a while to come.
      if (operation === 'bots') await settle();
      looks += operation === 'reviveJobs' ? 1 : 0;
      const isWorkersFirst = operation === 'reviveJobs' && looks === 2;
      return isWorkersFirst ? { pools: [], poisoned: [claimedJob()], nextDueAt: null } : run();
    });
    await start({ store });
    expect(looks).toBe(2);
    expect(log.at('warn')).toEqual([]);
  });

  test('lets go of a bot that is removed while the store is away: another of its name may come', async () => {
    const { start } = await machine({ drainDeadlineMs: 300 });
    const database = openMemoryStore({ clock: systemClock(), newClaimToken: newGuid });
    let isAway = true;
    const store = interceptStore(database, (operation, run) =>
      isAway && operation === 'holdJobs' ? Promise.reject(storeAway(operation)) : run(),
    );
    const { backend } = await start({ store });
    const { bots } = backend.administration;
    await connected(backend.url);
    await bots.add({ id: 'second', gateway: GATEWAY });
    await expect(bots.remove('second')).rejects.toMatchObject({ code: 'deadline_exceeded' });
    isAway = false;
    expect(await bots.add({ id: 'second', gateway: GATEWAY })).toBe('added');
  });

  test('drains in order, holds its jobs, and twice is as once', async () => {
    const { start, log } = await machine();
    const { backend, store } = await start();
    const link = await connected(backend.url);
    const note = mediaFrame('ann');
    await acked(link, note);
    await Promise.all([backend.stop(), backend.stop()]);
    expect(await link.closed).toBe(1001);
    const steps = log.lines.filter(({ message }) => message === 'drain').map(({ fields }) => fields['step']);
    expect(steps).toEqual([
      'answer the frames in hand',
      'finish or give back jobs',
      'settle what is completed',
      'ingest what is ready',
      'hold jobs',
      'close the links',
      'stop the actors',
      'end the processors',
    ]);
    expect(await store.jobByGuid(note.mediaGuid)).toMatchObject({ collection: 'holding' });
    expect(log.at('error')).toEqual([]);
  });

  test('goes on after a restart where it stopped', async () => {
    const { start, staging } = await machine();
    const first = await start();
    const link = await connected(first.backend.url);
    const note = mediaFrame('ann', 'listen');
    await acked(link, note);
    await first.backend.stop();
    await first.store.close();

    const second = await start();
    const again = await connected(second.backend.url);
    await acked(again, note);
    expect(again.ofType('media.released')).toEqual([]);
    await writeFile(staging.pathOf(note.mediaGuid), 'OggS…');
    const staged = { bytes: 6, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' };
    again.send({ type: 'media.staged', seq: 1_000_003, guid: note.mediaGuid, ...staged });
    expect(await second.watch.untilIngested(1)).toEqual([
      `[Transcripted audio multimedia message with guid='${note.mediaGuid}'] listen`,
    ]);
  });

  test('ingests what an earlier life left ready, though no gateway is there', async () => {
    const { start } = await machine();
    const first = await start();
    const key = await first.store.resolveCorrespondent(BOT, PROVIDER, ['ann']);
    await first.backend.stop();
    await first.store.accept(acceptText(key, textMessage(1, { content: 'left behind' })));
    const second = await start();
    expect(await second.watch.untilIngested(1)).toEqual(['left behind']);
  });

  test('ends a job whose worker took the process along, though nobody was there when its lease ended', async () => {
    const { start } = await machine({ maxAttempts: 1 });
    const { job } = await leftBehind(await start());
    const second = await start();
    expect(await second.store.jobByGuid(job.guid)).toMatchObject({ status: 'completed', attempts: 1 });
    await connected(second.backend.url);
    expect(await second.watch.untilIngested(1)).toEqual(['[Media processing failed] a caption']);
  });

  test('gives jobs of a pool that was renamed to the one that takes their type now', async () => {
    const renamed = STUB_POOLS.map((pool) => (pool.name === 'audio' ? { ...pool, name: 'voice' } : pool));
    const { start, staging } = await machine({ pools: renamed });
    const { job } = await leftBehind(await start());
    await writeFile(staging.pathOf(job.guid), 'OggS…');
    const second = await start();
    await connected(second.backend.url);
    expect(await second.watch.untilIngested(1)).toEqual([
      `[Transcripted audio multimedia message with guid='${job.guid}'] a caption`,
    ]);
  });

  test('removes the file of a result that an earlier life left, and tells its gateway', async () => {
    const { start, staging } = await machine();
    const { job, store } = await leftBehind(await start());
    await store.complete(job, { kind: 'words', words: 'words' }, job.leaseExpiresAt);
    await writeFile(staging.pathOf(job.guid), 'OggS…');
    const second = await start();
    const link = await connected(second.backend.url);
    expect((await link.next('media.released')).guid).toBe(job.guid);
    expect(await second.watch.untilIngested(1)).toEqual(['[words] a caption']);
    expect(await staging.list()).toEqual([]);
  });

  test('forgets duplicate keys older than dedupeDays, and keeps the others', async () => {
    const { start, log } = await machine({ dedupeDays: 2 });
    const { backend, store } = await start();
    await backend.stop();
    const key = await store.resolveCorrespondent(BOT, PROVIDER, ['ann']);
    for (const [id, days] of [1, 3].entries()) {
      const acceptedTime = NOW - days * 24 * HOUR_MS;
      await store.accept(acceptText(key, textMessage(id + 1, { acceptedTime })));
    }
    await start();
    await settle();
    const forgotten = log.lines.filter(({ message }) => message === 'old duplicate keys forgotten');
    expect(forgotten.map(({ fields }) => fields)).toEqual([{ forgotten: 1 }]);
  });

  test('asks its gateways before it says that a file which no job holds may go', async () => {
    const { start, staging } = await machine();
    const [held, orphan] = [newGuid(), newGuid()];
    for (const guid of [held, orphan]) {
      await writeFile(staging.pathOf(guid), 'OggS…');
      await utimes(staging.pathOf(guid), 0, 0);
    }
    const { backend } = await start();
    const link = await connected(backend.url);
    const planned = backend.administration.janitor.plan();
    const { guids, request_id: id = '' } = await link.next('media.holds');
    expect(new Set(guids)).toEqual(new Set([held, orphan]));
    link.send({ type: 'media.held', guids: [held], unacked: 0, request_id: id });
    const { files, goingFiles } = await planned;
    expect(goingFiles).toMatchObject([{ guid: orphan, why: 'orphan' }]);
    expect(files).toContainEqual(
      expect.objectContaining({ fate: 'stays', why: 'gateway holds it', files: 1 }),
    );
  });

  test('forgets a chat with its files, and tells its gateway', async () => {
    const { start, staging } = await machine();
    const { backend, store } = await start();
    const link = await connected(backend.url);
    const note = mediaFrame('ann', 'listen');
    await acked(link, textFrame('ann', 'before'));
    await acked(link, note);
    await writeFile(staging.pathOf(note.mediaGuid), 'OggS…');
    const { chats } = backend.administration;
    expect(await chats.forget({ botId: BOT, identifier: 'ann' })).toEqual({ messages: 2, jobs: 1 });
    expect((await link.next('media.released')).guid).toBe(note.mediaGuid);
    expect(await staging.list()).toEqual([]);
    expect(await store.correspondents(BOT)).toEqual([]);
    await expect(chats.forget({ botId: BOT, identifier: 'ann' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('gives up a medium that nothing comes of, in its place, with its file and its gateway told', async () => {
    const everyMs = 50;
    const { start, staging } = await machine({
      janitor: {
        everyMs,
        firstAfterMs: everyMs,
        staleJobHours: everyMs / HOUR_MS,
        heldJobDays: everyMs / (24 * HOUR_MS),
      },
    });
    const { backend, store, watch } = await start();
    const link = await connected(backend.url);
    const note = mediaFrame('ann', 'listen');
    await writeFile(staging.pathOf(note.mediaGuid), 'OggS…');
    await acked(link, note);
    expect(await watch.untilIngested(1)).toEqual([
      '[Media processing failed: stale placeholder cleanup] listen',
    ]);
    expect((await link.next('media.released')).guid).toBe(note.mediaGuid);
    expect(await staging.list()).toEqual([]);
    expect(await jobsIn(store, BOT, 'failed')).toMatchObject([{ error: { code: 'stale' } }]);
  });

  test('gives up what a bot left that is in no configuration any more, and deletes its file', async () => {
    const everyMs = 50;
    const { start, staging } = await machine({
      janitor: {
        everyMs,
        firstAfterMs: everyMs,
        staleJobHours: everyMs / HOUR_MS,
        heldJobDays: everyMs / (24 * HOUR_MS),
      },
    });
    const { store, backend } = await start();
    await backend.stop();
    const [record] = await store.bots();
    if (record === undefined) throw new Error('expected a bot');
    await store.saveBot({ ...record, botId: 'former' });
    const key = await store.resolveCorrespondent('former', PROVIDER, ['ann']);
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    await writeFile(staging.pathOf(placeholder.mediaProcessingId), 'OggS…');
    await start();
    const given = { status: 'completed', error: { code: 'stale' } };
    await expect.poll(() => store.jobByGuid(placeholder.mediaProcessingId)).toMatchObject(given);
    await expect.poll(() => staging.list()).toEqual([]);
  });

  test('at a port that is taken leaves nothing running', async () => {
    const server = createServer();
    const port = await listen(server);
    onTestFinished(() => void server.close());
    const { start, log } = await machine({ listen: { port } });
    await expect(start()).rejects.toMatchObject({ code: 'already_in_use' });
    const actorsOf = (line: string) =>
      log.lines.filter(({ message }) => message === line).map(({ fields }) => String(fields['actor']));
    const stopped = actorsOf('actor stopped');
    expect(stopped).toEqual(expect.arrayContaining(['/ingestion', '/workers', `/${BOT}`]));
    expect(stopped).toEqual(expect.arrayContaining(actorsOf('actor started')));
  });

  test('with a processor that cannot be made does not start', async () => {
    const pools = STUB_POOLS.map((pool) => (pool.name === 'audio' ? { ...pool, processor: 'nope' } : pool));
    const { start, log } = await machine({ pools });
    await expect(start()).rejects.toMatchObject({ code: 'config_invalid' });
    expect(log.at('info')).toEqual([]);
  });
});
