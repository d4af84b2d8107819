import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { newGuid } from '../../../src/base/ids.ts';
import { isPlaceholder } from '../../../src/queue/message.ts';
import {
  botView,
  chatView,
  historyView,
  journeyView,
  jobView,
  messageView,
  poolView,
  retriedJobView,
  stagingView,
} from '../../../src/system/administration/views.ts';
import { acked, connected, machine } from '../../support/backend-machine.ts';
import type { WireMessage } from '../../../src/protocol/frames.ts';
import { BOT, GATEWAY, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { fulfilled } from '../../support/store-records.ts';

const ANN = { botId: BOT, identifier: 'ann' };

/** A connected bot, a chat with a text in the history and a voice note that is still to come. */
async function conversation() {
  const { backend, watch } = await (await machine()).start();
  const { administration } = backend;
  const link = await connected(backend.url);
  const note = mediaFrame('ann', 'listen');
  await acked(link, textFrame('ann', 'hello'));
  await acked(link, note);
  await watch.untilIngested(1);
  return { administration, note };
}

describe('what an operator is shown', () => {
  test('of bots: their state, and whether their gateway is there', async () => {
    const { administration } = await conversation();
    const bots = z.array(botView).parse(await administration.bots.list());
    expect(bots).toMatchObject([{ botId: BOT, linked: true, state: 'open', qr: null }]);
  });

  test('of a chat: what waits in its places, what is in the history', async () => {
    const { administration, note } = await conversation();
    const { items, next } = await administration.chats.list(BOT, { limit: 10 });
    expect(z.array(chatView).parse(items)).toMatchObject([
      { correspondentId: 'ann', nextId: 3, nextIngestSeq: 2 },
    ]);
    expect(next).toBe(null);
    const queue = z.array(messageView).parse(await administration.chats.queue(ANN));
    expect(queue).toMatchObject([{ id: 2, content: 'listen', mediaProcessingId: note.mediaGuid }]);
    const history = z.array(historyView).parse(await administration.chats.history(ANN, { limit: 10 }));
    expect(history).toMatchObject([{ ingestSeq: 1, message: { id: 1, content: 'hello' } }]);
  });

  test('of a chat that is named by its phone number, and forgotten by it', async () => {
    const { backend, watch } = await (await machine()).start();
    const link = await connected(backend.url);
    await acked(link, textFrame('4915112345678@s.whatsapp.net', 'hello'));
    await watch.untilIngested(1);
    const { chats } = backend.administration;
    for (const identifier of ['4915112345678', '+49 151 12345678', '4915112345678@c.us']) {
      expect(await chats.show({ botId: BOT, identifier })).toMatchObject({
        correspondentId: '4915112345678@s.whatsapp.net',
      });
    }
    expect(await chats.forget({ botId: BOT, identifier: '+49 151 12345678' })).toMatchObject({ messages: 1 });
  });

  test.for(['4915112345678', '4915112345678@c.us', '+49 151 12345678'])(
    'of a chat that its gateway calls by what looks like a phone number, %s, and it is sent to and forgotten by that',
    async (identifier) => {
      const { backend, watch } = await (await machine()).start();
      const link = await connected(backend.url);
      await acked(link, textFrame('4915112345678@s.whatsapp.net', 'from another chat'));
      await acked(link, textFrame(identifier, 'hello'));
      await watch.untilIngested(2);
      const { administration } = backend;
      const chat = { botId: BOT, identifier };
      expect(await administration.chats.show(chat)).toMatchObject({ correspondentId: identifier });
      expect(await administration.chats.history(chat, { limit: 10 })).toMatchObject([
        { message: { content: 'hello' } },
      ]);
      void administration.send({ botId: BOT, to: identifier, text: 'welcome' });
      expect(await link.next('send')).toMatchObject({ to: identifier });
      expect(await administration.chats.forget(chat)).toMatchObject({ messages: 1 });
      expect((await administration.chats.list(BOT, { limit: 10 })).items).toMatchObject([
        { correspondentId: '4915112345678@s.whatsapp.net' },
      ]);
    },
  );

  test('of chats: each by the name that its latest messages give it', async () => {
    const { backend, watch } = await (await machine()).start();
    const link = await connected(backend.url);
    const said = (sender: string, changes: Partial<WireMessage>) =>
      acked(link, textFrame(sender, 'hello', changes));
    const answer = { direction: 'outgoing', source: 'bot', display_name: 'The Shop' } as const;
    await said('ann', { display_name: 'Ann of old' });
    await said('ann', { display_name: 'Ann' });
    // A bot that wrote a lot since is no reason to know a person no more.
    for (let text = 0; text < 7; text += 1) await said('ann', answer);
    await said('1@g.us', { display_name: 'Ben', group: { id: '1@g.us', name: 'Club' } });
    await said('2@g.us', { display_name: 'Ben', group: { id: '2@g.us' } });
    await said('cid', answer);
    await watch.untilIngested(12);
    const { items } = await backend.administration.chats.list(BOT, { limit: 10 });
    expect(items.map(({ title }) => title)).toEqual(['Ann', 'Club', null, null]);
    expect(await backend.administration.chats.show(ANN)).toMatchObject({ title: 'Ann' });
  });

  test('of a message: the way it has come, and what comes next', async () => {
    const { administration, note } = await conversation();
    const text = z.strictObject(journeyView.shape).parse(await administration.chats.message(ANN, 1));
    expect(text.stops.map(({ step }) => step)).toEqual(['sent', 'journalled', 'ingested']);
    expect(text).toMatchObject({ message: { content: 'hello' }, next: null, job: null });
    const media = journeyView.parse(await administration.chats.message(ANN, 2));
    expect(media).toMatchObject({ next: 'staged', job: { guid: note.mediaGuid, attempts: 0, pool: null } });
    await expect(administration.chats.message(ANN, 3)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('of a job: everything but the token that would complete it', async () => {
    const { administration, note } = await conversation();
    const { items } = await administration.jobs.list({ collection: 'active' }, { limit: 10 });
    const [job] = z.array(z.strictObject(jobView.shape)).parse(items);
    expect(job).toMatchObject({
      guid: note.mediaGuid,
      messageId: 2,
      caption: 'listen',
      status: 'downloading',
    });
    expect(await administration.jobs.show(note.mediaGuid)).toEqual(job);
  });

  test('of pools and the staging folder: how much waits and lies there', async () => {
    const { administration } = await conversation();
    const pools = z.array(poolView).parse(await administration.pools.list());
    expect(pools.find(({ name }) => name === 'audio')).toMatchObject({
      workers: 2,
      pending: 0,
      failed: 0,
      donePerMinute: 0,
    });
    const staging = stagingView.parse(await administration.pools.staging());
    expect(staging).toEqual({ files: 0, bytes: 0, partial: 0, limitBytes: 23 * 1024 ** 3 });
  });

  test('of what is not there: that it is not', async () => {
    const { administration } = await conversation();
    await expect(administration.chats.list('nobody', { limit: 1 })).rejects.toMatchObject({
      code: 'unknown_bot',
    });
    await expect(administration.chats.show({ botId: BOT, identifier: 'bob' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(administration.jobs.show(newGuid())).rejects.toMatchObject({ code: 'not_found' });
  });

  test('of jobs of a bot or pool that is not there: that it is not, and which are', async () => {
    const { administration } = await conversation();
    for (const collection of ['active', 'failed'] as const) {
      await expect(
        administration.jobs.list({ collection, pool: 'vidoe' }, { limit: 1 }),
      ).rejects.toMatchObject({
        code: 'request_invalid',
        message:
          'there is no pool vidoe: expected one of audio, video, image, document, sticker, corrupt, unsupported',
      });
      await expect(
        administration.jobs.list({ collection, botId: 'nobody' }, { limit: 1 }),
      ).rejects.toMatchObject({
        code: 'unknown_bot',
        message: `there is no bot nobody: expected ${BOT}`,
      });
    }
  });

  test('of jobs that outlived their pool and their bot: those jobs', async () => {
    const { config, start, staging } = await machine();
    const { backend, watch } = await start();
    const link = await connected(backend.url);
    const odd = mediaFrame('ann', 'open', { mime_type: 'model/obj' });
    await acked(link, odd);
    await writeFile(staging.pathOf(odd.mediaGuid), 'anything');
    const staged = { bytes: 8, sha256: 'a'.repeat(64), mime_type: 'model/obj' };
    link.send({ type: 'media.staged', seq: 1_000_000, guid: odd.mediaGuid, ...staged });
    await watch.untilIngested(1);
    await backend.stop();

    const pools = config.pools.map((pool) =>
      pool.name === 'unsupported' ? { ...pool, name: 'rest' } : pool,
    );
    const bots = config.bots.map((bot) => ({ ...bot, id: 'other' }));
    const { jobs } = (await start({ config: { ...config, pools, bots } })).backend.administration;
    for (const filter of [{ pool: 'unsupported' }, { botId: BOT }]) {
      const { items } = await jobs.list({ collection: 'failed', ...filter }, { limit: 10 });
      expect(items.map(({ guid }) => guid)).toEqual([odd.mediaGuid]);
      expect(await jobs.list({ collection: 'active', ...filter }, { limit: 10 })).toEqual({
        items: [],
        next: null,
      });
    }
  });

  test('of a gateway that is away: that nobody else has its dead letters', async () => {
    const { backend } = await (await machine()).start();
    const { gateways } = backend.administration;
    expect(await gateways.list()).toEqual([{ gatewayId: GATEWAY, linked: false }]);
    await expect(gateways.deadLetters(GATEWAY, { limit: 1 })).rejects.toMatchObject({ code: 'link_closed' });
    await expect(gateways.resend(GATEWAY, 1)).rejects.toMatchObject({ code: 'link_closed' });
  });
});

/** The same, and the voice note has failed; its file is there. */
async function failedJob() {
  const subject = await machine();
  const { backend, store, watch } = await subject.start();
  const link = await connected(backend.url);
  const note = mediaFrame('ann', 'listen');
  await acked(link, note);
  const { mediaGuid: guid } = note;
  const ended = { code: 'failed', reason: 'no words', stack: 'at speech.js' } as const;
  const [chat] = await store.correspondents(BOT);
  if (chat === undefined) throw new Error('expected a chat');
  const { messages } = await store.rehydrate(chat);
  const placeholder = messages.find(isPlaceholder);
  if (placeholder === undefined) throw new Error('expected a placeholder');
  await backend.stop();
  const message = fulfilled(placeholder, '[Media processing failed] listen');
  await store.settle({ correspondent: chat, guid, message, evictedIds: [], error: ended });
  await writeFile(subject.staging.pathOf(guid), 'OggS…');
  expect(watch.events).not.toEqual([]);
  const again = await subject.start();
  return { ...again, administration: again.backend.administration, subject, guid };
}

describe('a failed job', () => {
  test('is listed and shown with its reason, stack and attempts', async () => {
    const { administration, guid } = await failedJob();
    const { items } = await administration.jobs.list({ collection: 'failed' }, { limit: 10 });
    expect(z.array(jobView).parse(items)).toMatchObject([
      { guid, attempts: 0, error: { code: 'failed', reason: 'no words', stack: 'at speech.js' } },
    ]);
    const none = await administration.jobs.list({ collection: 'failed', pool: 'video' }, { limit: 10 });
    expect(none.items).toEqual([]);
  });

  test('is retried: its words follow in the chat, and its file goes', async () => {
    const { administration, guid, backend, watch, subject } = await failedJob();
    const retried = retriedJobView.parse(await administration.jobs.retry(guid));
    expect(retried).toEqual({ guid, messageId: 2, correctsId: 1 });
    await connected(backend.url);
    expect(await watch.untilIngested(2)).toEqual([
      '[Media processing failed] listen',
      `[Transcripted audio multimedia message with guid='${guid}'] listen`,
    ]);
    await expect.poll(() => subject.staging.list()).toEqual([]);
    await expect(administration.jobs.retry(guid)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is not retried without its file', async () => {
    const { administration, guid, subject } = await failedJob();
    await subject.staging.remove(guid);
    await expect(administration.jobs.retry(guid)).rejects.toMatchObject({ code: 'file_gone' });
  });

  test('is dropped with its file, of which its gateway is told', async () => {
    const { administration, guid, backend, subject } = await failedJob();
    const link = await connected(backend.url);
    expect((await administration.jobs.drop(guid)).guid).toBe(guid);
    expect((await link.next('media.released')).guid).toBe(guid);
    expect(await subject.staging.list()).toEqual([]);
    await expect(administration.jobs.drop(guid)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is told from a live job, which is neither dropped nor retried', async () => {
    const { administration, note } = await conversation();
    for (const operation of ['retry', 'drop'] as const) {
      await expect(administration.jobs[operation](note.mediaGuid)).rejects.toMatchObject({
        code: 'job_not_failed',
      });
    }
  });
});

describe('pages', () => {
  test('of history go from the newest back, without gap or overlap', async () => {
    const { backend, watch } = await (await machine()).start();
    const link = await connected(backend.url);
    for (const text of ['one', 'two', 'three']) await acked(link, textFrame('ann', text));
    await watch.untilIngested(3);
    const { history } = backend.administration.chats;
    const newest = await history(ANN, { limit: 2 });
    expect(newest.map(({ message }) => message.content)).toEqual(['three', 'two']);
    const older = await history(ANN, { limit: 2, before: newest.at(-1)?.ingestSeq });
    expect(older.map(({ message }) => message.content)).toEqual(['one']);
    expect(await history(ANN, { limit: 2, before: 1 })).toEqual([]);
    const onwards = await history(ANN, { limit: 2, after: 1 });
    expect(onwards.map(({ ingestSeq, message }) => [ingestSeq, message.content])).toEqual([
      [2, 'two'],
      [3, 'three'],
    ]);
    expect(await history(ANN, { limit: 2, after: 3 })).toEqual([]);
  });

  test('of chats follow one another', async () => {
    const { backend } = await (await machine()).start();
    const link = await connected(backend.url);
    for (const name of ['ann', 'bob', 'cid']) await acked(link, textFrame(name, 'hello'));
    const { list } = backend.administration.chats;
    const first = await list(BOT, { limit: 2 });
    const second = await list(BOT, { limit: 2, after: first.next ?? '' });
    expect([first, second].map(({ items }) => items.map(({ correspondentId }) => correspondentId))).toEqual([
      ['ann', 'bob'],
      ['cid'],
    ]);
    expect(second.next).toBe(null);
  });

  test('are not turned to by what is no `next`, though no HTTP has decoded it', async () => {
    const { backend } = await (await machine()).start();
    const { chats, jobs } = backend.administration;
    for (const after of ['abc', '-1', '1e3', '']) {
      const refused = { code: 'request_invalid' };
      await expect(chats.list(BOT, { limit: 2, after })).rejects.toMatchObject(refused);
      await expect(jobs.list({ collection: 'active' }, { limit: 2, after })).rejects.toMatchObject(refused);
    }
  });
});
