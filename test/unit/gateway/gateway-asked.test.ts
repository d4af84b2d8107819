import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import { BotRegister } from '../../../src/gateway/bot-register.ts';
import { JournalDatabase } from '../../../src/gateway/journal-database.ts';
import { EASY, gatewayBench, picture } from '../../support/gateway-bench.ts';
import { received } from '../../support/received-messages.ts';

describe('what the backend asks', () => {
  test('media.released: file, reservation and download are gone', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await session.receive(picture(bench, 'done').message);
    const [staged] = await bench.backend.untilFrames('media.staged');
    bench.media.on('/hangs', () => {});
    await session.receive(picture(bench, 'hangs', { served: false }).message);
    await bench.backend.untilFrames('inbound', 2);
    await expect.poll(() => bench.media.requests).toContain('/hangs');
    const hanging = bench.backend.ofType('inbound')[1]?.message.media_processing_id;
    bench.backend.send({ type: 'media.released', guid: staged?.guid ?? '' });
    bench.backend.send({ type: 'media.released', guid: hanging ?? '' });
    await expect.poll(() => gateway.snapshot()).toMatchObject({ stagedBytes: 0, runningDownloads: 0 });
    expect(await bench.staged()).toEqual([]);
    expect(bench.backend.ofType('media.corrupt')).toEqual([]);
  });

  test('media.holds is answered with what is still on its way', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.media.on('/hangs', () => {});
    await session.receive(picture(bench, 'hangs', { served: false }).message);
    const [inbound] = await bench.backend.untilFrames('inbound');
    const guid = inbound?.message.media_processing_id ?? '';
    bench.backend.send({ type: 'media.holds', guids: [newGuid(), guid] });
    expect(await bench.backend.untilFrames('media.held')).toMatchObject([{ guids: [guid] }]);
  });

  test('send: texts go out one by one, and each is answered', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    session.deliver = ({ text }) =>
      Promise.resolve(text === 'second' ? { kind: 'refused', reason: 'no such chat' } : { kind: 'sent' });
    const send = (request: string, text: string): void =>
      bench.backend.send({ type: 'send', request_id: request, bot_id: 'bot', to: 'ana@lid', text });
    send('r1', 'first');
    send('r2', 'second');
    send('r1', 'first');
    bench.backend.send({
      type: 'send',
      request_id: 'r3',
      bot_id: 'bot',
      to: 'ana@lid',
      text: 'third',
      quoted: { provider_message_id: 'q', text: 'asked' },
    });
    expect(await bench.backend.untilFrames('sent', 2)).toMatchObject([
      { request_id: 'r1', provider_message_id: 'id 1' },
      { request_id: 'r3', provider_message_id: 'id 3' },
    ]);
    expect(bench.backend.ofType('send.failed')).toMatchObject([{ request_id: 'r2', reason: 'no such chat' }]);
    expect(session.sent.map(({ text }) => text)).toEqual(['first', 'second', 'third']);
    expect(session.sent[2]?.quoted).toEqual({ providerMessageId: 'q', text: 'asked' });
    send('r1', 'first');
    expect((await bench.backend.untilFrames('sent', 3))[2]).toMatchObject({
      request_id: 'r1',
      provider_message_id: 'id 1',
    });
    expect(session.sent).toHaveLength(3);
    const own = bench.backend.ofType('inbound').map(({ message }) => message);
    expect(own).toMatchObject([
      { message: 'first', source: 'bot', recipient_id: 'ana@lid', provider_message_id: 'id 1' },
      { message: 'third', source: 'bot', quoted: { text: 'asked' } },
    ]);
  });

  test('send: a phone number as other programs write it is the same chat', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    const request = { type: 'send', request_id: 'r', bot_id: 'bot', text: 'hello' } as const;
    bench.backend.send({ ...request, to: '4915112345678@c.us' });
    bench.backend.send({ ...request, to: '4915112345678@s.whatsapp.net', ask_id: 'again' });
    await bench.backend.untilFrames('sent');
    expect(session.sent).toMatchObject([{ to: '4915112345678@s.whatsapp.net' }]);
    expect(bench.backend.ofType('inbound')).toMatchObject([
      { message: { recipient_id: '4915112345678@s.whatsapp.net' } },
    ]);
    expect(bench.backend.ofType('send.failed')).toEqual([]);
  });

  test('send for a bot that does not run is answered as failed', async () => {
    const bench = await gatewayBench();
    await bench.startWithBot();
    bench.backend.send({ type: 'send', request_id: 'r', bot_id: 'other', to: 'x', text: 'x' });
    expect(await bench.backend.untilFrames('send.failed')).toMatchObject([
      { reason: 'the bot is not running' },
    ]);
  });

  test('a backend cannot make a gateway own more bots than its hello can name', async () => {
    const bench = await gatewayBench();
    const bots = Array.from({ length: 1_000 }, (_, index) => `bot-${index}`);
    const gateway = await bench.start({ bots });
    await bench.backend.untilFrames('hello');
    for (const bot of ['bot-999', 'bot-1000']) {
      bench.backend.send({ type: 'bot.start', bot_id: bot, ...EASY });
      bench.backend.send({ type: 'send', request_id: 'r', bot_id: bot, to: 'x', text: 'x' });
    }
    await bench.backend.untilFrames('send.failed');
    expect(gateway.snapshot().bots).toHaveLength(1_000);
    expect(bench.sessions.all.map(({ botId }) => botId)).toEqual(['bot-999']);
  });

  test('starting a bot does not look through all the others', async () => {
    const bench = await gatewayBench();
    await bench.startWithBot();
    const lookedThrough = vi.spyOn(BotRegister.prototype, 'all');
    const reads = vi.spyOn(JournalDatabase.prototype, 'all');
    onTestFinished(() => void vi.restoreAllMocks());
    for (let nth = 0; nth < 20; nth += 1)
      bench.backend.send({ type: 'bot.start', bot_id: `bot-${nth}`, ...EASY });
    await expect.poll(() => bench.sessions.all.length).toBe(21);
    expect(lookedThrough).not.toHaveBeenCalled();
    expect(reads.mock.calls.filter(([sql]) => sql.includes('FROM bots'))).toEqual([]);
  });

  test('X4: a bot that the backend does not know here is stopped; what it had is sent again over the next link', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const error = { type: 'error', code: 'unknown_bot', reason: 'not yours' } as const;
    // As a backend answers that has never heard of the bot, hence of its media.
    bench.backend.answer = (frame) => {
      if (frame.type === 'media.staged') bench.backend.send({ type: 'media.released', guid: frame.guid });
      const { seq } = frame;
      return frame.type === 'inbound' ? { ...error, seq } : { type: 'ack', seq };
    };
    await session.receive(picture(bench, 'p').message, received('text'));
    const [{ guid } = { guid: '' }] = await bench.backend.untilFrames('media.staged');
    bench.backend.send({ ...error, bot_id: 'bot' });
    await expect.poll(() => session.state).toBe('stopped');
    expect(gateway.snapshot()).toMatchObject({ unackedFrames: 3, deadLetters: 0 });
    expect(bench.backend.links[0]?.filter(({ type }) => type === 'inbound')).toHaveLength(2);

    bench.backend.answer = ({ seq }) => ({ type: 'ack', seq });
    bench.backend.cut();
    await expect.poll(() => gateway.snapshot().unackedFrames, { timeout: 4_000 }).toBe(0);
    const again = bench.backend.links[1]?.flatMap((frame) => ('seq' in frame ? [frame.seq] : []));
    expect(again).toEqual([1, 2, 3]);
    expect(await bench.staged()).toEqual([guid]);
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    await expect.poll(() => bench.sessions.of('bot').state).toBe('started');
  });

  test('malformed frames and errors are survived', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.backend.sendText('{"v":1,"type":"bot.start","bot_id":"../../etc","config":{}}');
    bench.backend.sendText('nonsense');
    bench.backend.send({ type: 'error', code: 'frame_invalid', reason: 'something' });
    await session.receive(received('a'));
    await bench.backend.untilFrames('inbound');
    expect(bench.backend.links).toHaveLength(1);
    expect((await bench.log.untilLine('reports an error')).fields).toMatchObject({ code: 'frame_invalid' });
  });
});
