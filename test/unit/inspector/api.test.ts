import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { newGuid } from '../../../src/base/ids.ts';
import { problem } from '../../../src/inspector/http/problem.ts';
import { pageOf } from '../../../src/inspector/http/routes/schemas.ts';
import {
  botView,
  chatView,
  historyView,
  jobView,
  messageView,
  poolView,
} from '../../../src/system/administration/views.ts';
import { acked, connected } from '../../support/backend-machine.ts';
import { BOT, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { inspected } from '../../support/inspected-backend.ts';

/** A connected bot, a chat with a text in the history and a voice note that is still to come. */
async function conversation() {
  const bench = await inspected();
  const link = await connected(bench.backend.url);
  const note = mediaFrame('+49 15/1?#@s', 'listen');
  await acked(link, textFrame('+49 15/1?#@s', 'hello'));
  await acked(link, note);
  await bench.watch.untilIngested(1);
  const read = async <T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> => {
    const reply = await bench.get(path);
    expect(reply.status).toBe(200);
    return schema.parse(await reply.json());
  };
  return { ...bench, link, note, read };
}

const CHAT = `/api/v1/bots/${BOT}/chats/${encodeURIComponent('+49 15/1?#@s')}`;

describe('the API', () => {
  test('shows bots, chats, messages, jobs and pools, whatever characters an identifier has', async () => {
    const { read, note } = await conversation();
    expect(await read('/api/v1/bots', z.array(botView))).toMatchObject([{ botId: BOT, state: 'open' }]);
    const chats = await read(`/api/v1/bots/${BOT}/chats`, pageOf(chatView));
    expect(chats).toMatchObject({ items: [{ correspondentId: '+49 15/1?#@s' }], next: null });
    expect(await read(CHAT, chatView)).toEqual(chats.items[0]);
    expect(await read(`${CHAT}/queue`, z.array(messageView))).toMatchObject([{ id: 2, content: 'listen' }]);
    expect(await read(`${CHAT}/history?limit=5`, z.array(historyView))).toMatchObject([{ ingestSeq: 1 }]);
    expect((await read('/api/v1/jobs', pageOf(jobView))).items).toMatchObject([{ guid: note.mediaGuid }]);
    expect((await read('/api/v1/jobs?collection=failed', pageOf(jobView))).items).toEqual([]);
    expect(await read(`/api/v1/jobs/${note.mediaGuid}`, jobView)).toMatchObject({ status: 'downloading' });
    const pools = await read('/api/v1/pools', z.array(poolView));
    expect(pools.map(({ name }) => name)).toContain('audio');
  });

  test('tells who follows a bot which chats have news, which can be read by then', async () => {
    const { get, link, read, inspector } = await conversation();
    const [first] = await read(`${CHAT}/history?after=0`, z.array(historyView));
    const stream = await get(`/api/v1/bots/${BOT}/follow`);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const told = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    const untilHeard = async (text: string): Promise<void> => {
      while (!heard.includes(text)) heard += (await told?.read())?.value ?? '';
    };
    await untilHeard(': following');
    await acked(link, textFrame('+49 15/1?#@s', 'news'));
    await untilHeard('event: ingested\ndata: {"correspondentId":"+49 15/1?#@s","messages":1}\n\n');
    const news = await read(`${CHAT}/history?after=${first?.ingestSeq}`, z.array(historyView));
    expect(news).toMatchObject([{ ingestSeq: 2, message: { content: 'news' } }]);
    expect((await get('/api/v1/bots/nobody/follow')).status).toBe(404);
    expect((await get(`${CHAT}/history?after=0&before=9`)).status).toBe(400);
    await inspector.close();
    expect(await told?.read().catch(() => ({ done: true }))).toMatchObject({ done: true });
  });

  test('sends a text, and answers when it is sent', async () => {
    const { post, link } = await conversation();
    const sending = post(`/api/v1/bots/${BOT}/send`, {
      to: 'ann',
      text: 'hello',
      answersProviderMessageId: 'q1',
      requestId: 'r1',
    });
    const frame = await link.next('send');
    expect(frame).toMatchObject({
      to: 'ann',
      text: 'hello',
      answers_provider_message_id: 'q1',
      request_id: 'r1',
    });
    link.send({
      type: 'sent',
      seq: 2_000_000,
      bot_id: BOT,
      request_id: 'r1',
      provider_message_id: 'p1',
      originating_time: 1,
    });
    expect(await (await sending).json()).toEqual({ requestId: 'r1', providerMessageId: 'p1' });
    const nobody = await post('/api/v1/bots/nobody/send', { to: 'ann', text: 'x' });
    expect(nobody.status).toBe(404);
    expect(problem.parse(await nobody.json())).toMatchObject({ code: 'unknown_bot' });
  });

  test('answers what is not there with 404 and a code', async () => {
    const { get } = await conversation();
    for (const [path, code] of [
      ['/api/v1/bots/nobody/chats', 'unknown_bot'],
      [`/api/v1/bots/${BOT}/chats/bob`, 'not_found'],
      [`${CHAT}/messages/99`, 'not_found'],
      [`/api/v1/jobs/${newGuid()}`, 'not_found'],
      ['/api/v1/jobs?botId=nobody', 'unknown_bot'],
      ['/api/v2/bots', 'not_found'],
    ] as const) {
      const reply = await get(path);
      expect(reply.status).toBe(404);
      expect(problem.parse(await reply.json())).toMatchObject({ code });
    }
  });

  test('refuses every parameter and body that does not decode, and says which', async () => {
    const { get, post, inspector } = await conversation();
    for (const [path, told] of [
      ['/api/v1/bots/Not%20A%20Bot/chats', 'botId'],
      [`/api/v1/bots/${BOT}/chats?limit=100000`, 'limit'],
      [`/api/v1/bots/${BOT}/chats?after=__proto__`, 'after'],
      [`/api/v1/bots/${BOT}/chats/${'x'.repeat(257)}`, 'identifier'],
      [`/api/v1/bots/${BOT}/chats/${'x'.repeat(5_000)}`, ''],
      ['/api/v1/bots/%zz/chats', ''],
      [`${CHAT}/messages/-1`, 'id'],
      ['/api/v1/jobs/..%2f..%2fetc%2fpasswd', 'guid'],
      ['/api/v1/jobs?collection=all', 'collection'],
      ['/api/v1/jobs?pool=vidoe', 'expected one of audio, video'],
    ] as const) {
      const reply = await get(path);
      expect([400, 404, 414]).toContain(reply.status);
      expect(problem.parse(await reply.json()).detail).toContain(told);
    }
    const send = `/api/v1/bots/${BOT}/send`;
    for (const body of [{}, { to: 'ann' }, { to: 'ann', text: '' }, { to: 'a', text: 'b', extra: 1 }, []]) {
      expect((await post(send, body)).status).toBe(400);
    }
    const long = await post(send, { to: 'ann', text: 'x'.repeat(70_000) });
    expect(problem.parse(await long.json()).detail).toBe('text: expected 65536 characters at most');
    expect((await post(send, { to: 'ann', text: 'x'.repeat(300_000) })).status).toBe(413);
    const plain = {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"to":"a","text":"b"}',
    };
    const refused = await fetch(new URL(send, inspector.url), plain);
    expect(refused.status).toBe(415);
    expect(problem.parse(await refused.json()).detail).toContain('content-type: application/json');
    const cut = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"to":' };
    expect((await fetch(new URL(send, inspector.url), cut)).status).toBe(400);
  });

  test('refuses a bot and a phone number that do not hold, as the mistake of whoever asks', async () => {
    const { post } = await inspected();
    for (const [path, body] of [
      ['/api/v1/bots', { id: 'Not A Bot' }],
      [`/api/v1/bots/${BOT}/pair`, { phone: 'no number' }],
    ] as const) {
      const reply = await post(path, body);
      expect(reply.status).toBe(400);
      expect(problem.parse(await reply.json())).toMatchObject({ code: 'config_invalid' });
    }
  });

  test('lets only failed jobs be dropped or retried', async () => {
    const { inspector, post, note, read } = await conversation();
    const alive = await fetch(new URL(`/api/v1/jobs/${note.mediaGuid}`, inspector.url), { method: 'DELETE' });
    expect(alive.status).toBe(409);
    expect(problem.parse(await alive.json())).toMatchObject({ code: 'job_not_failed' });
    const retry = await fetch(new URL(`/api/v1/jobs/${note.mediaGuid}/retry`, inspector.url), {
      method: 'POST',
    });
    expect(retry.status).toBe(409);
    expect((await post(`/api/v1/jobs/${newGuid()}/retry`, {})).status).toBe(404);
    expect((await read('/api/v1/jobs', pageOf(jobView))).items).toHaveLength(1);
  });

  test('is documented by the schemas that decode it', async () => {
    const { read } = await conversation();
    const document = await read(
      '/api/v1/openapi.json',
      z.object({ openapi: z.string(), paths: z.record(z.string(), z.record(z.string(), z.any())) }),
    );
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/bots',
        '/api/v1/jobs/{guid}/retry',
        '/api/v1/bots/{botId}/send',
        '/metrics',
      ]),
    );
    const text = JSON.stringify(document.paths['/api/v1/bots/{botId}/send']);
    for (const part of [
      '"maxLength":65536',
      'application/json',
      'Any identifier of the chat',
      'urn:dragoman:error',
    ]) {
      expect(text).toContain(part);
    }
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const operation of Object.values(methods)) expect(operation, path).toHaveProperty('summary');
    }
  });
});

describe('readiness', () => {
  test('names the part that is missing: the link, until every gateway is there', async () => {
    const { backend, get } = await inspected();
    const before = await get('/readyz');
    expect(before.status).toBe(503);
    expect(await before.json()).toMatchObject({
      ready: false,
      parts: [
        { name: 'store', ready: true },
        { name: 'link', ready: false, detail: 'not connected: gateway-1' },
        { name: 'pools', ready: true },
      ],
    });
    await connected(backend.url);
    const after = await get('/readyz');
    expect(after.status).toBe(200);
  });

  test('names the store when it does not answer', async () => {
    const { backend, store, get } = await inspected({}, { drainDeadlineMs: 50 });
    await connected(backend.url);
    await store.close();
    const reply = await get('/readyz');
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({
      parts: [{ name: 'store', ready: false }, {}, { ready: true }],
    });
    expect((await get('/healthz')).status).toBe(200);
  });
});
