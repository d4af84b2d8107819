import { describe, expect, test } from 'vitest';
import type { BackendFrameBody } from '../../../src/protocol/frames.ts';
import { Outbox, type SendLink } from '../../../src/system/outbox.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const HELLO = { botId: 'bot', to: 'ana@lid', text: 'hello', requestId: 'r' };

const answer = (requestId: string) =>
  ({
    v: 1,
    type: 'sent',
    seq: 1,
    bot_id: 'bot',
    request_id: requestId,
    provider_message_id: 'p',
    originating_time: 1,
  }) as const;

/** Ana is one chat under all her identifiers. */
const isSameChat = (_botId: string, ...chats: readonly string[]): Promise<boolean> =>
  Promise.resolve(chats.every((chat) => chat.startsWith('ana@')));

function outboxBench() {
  const clock = new ManualClock();
  const frames: BackendFrameBody[] = [];
  const link: SendLink = { send: (frame) => frames.push(frame) };
  return { clock, frames, link, outbox: new Outbox(clock, isSameChat) };
}

describe('Outbox', () => {
  test('U1: a request is settled by its gateway’s answer, and holds no timer then', async () => {
    const { outbox, link, frames, clock } = outboxBench();
    const result = outbox.send(
      { ...HELLO, quoted: { providerMessageId: 'q', text: 'asked' }, answersProviderMessageId: 'a' },
      link,
    );
    expect(frames).toEqual([
      {
        type: 'send',
        request_id: 'r',
        ask_id: expect.any(String),
        may_be_declined: true,
        bot_id: 'bot',
        to: 'ana@lid',
        text: 'hello',
        quoted: { provider_message_id: 'q', text: 'asked' },
        answers_provider_message_id: 'a',
      },
    ]);
    outbox.answered({ ...answer('r'), bot_id: 'other' });
    outbox.answered(answer('r'));
    expect(await result).toEqual({ kind: 'sent', requestId: 'r', providerMessageId: 'p' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('U1: what its gateway cannot take now has failed, for that very asking alone, and may be asked for again', async () => {
    const { outbox, link, frames } = outboxBench();
    const declined = {
      v: 1,
      type: 'send.declined',
      bot_id: 'bot',
      request_id: 'r',
      reason: 'no room',
    } as const;
    const result = outbox.send(HELLO, link);
    const [first] = frames;
    const ask_id = (first?.type === 'send' && first.ask_id) || '';
    outbox.declined({ ...declined, ask_id: 'another' });
    outbox.declined({ ...declined, ask_id });
    expect(await result).toMatchObject({ kind: 'failed', code: 'send_failed', reason: 'no room' });
    const again = outbox.send(HELLO, link);
    outbox.declined({ ...declined, ask_id });
    outbox.answered(answer('r'));
    expect(await again).toMatchObject({ kind: 'sent' });
  });

  test('U1: a failure is told with its reason', async () => {
    const { outbox, link } = outboxBench();
    const result = outbox.send(HELLO, link);
    outbox.answered({ v: 1, type: 'send.failed', seq: 1, bot_id: 'bot', request_id: 'r', reason: 'no chat' });
    expect(await result).toMatchObject({ kind: 'failed', code: 'send_failed', reason: 'no chat' });
  });

  test('U1: without an answer it has failed at its deadline, or when the outbox closes', async () => {
    const { outbox, link, clock } = outboxBench();
    const late = outbox.send(HELLO, link);
    clock.advance(120_000);
    expect(await late).toMatchObject({ kind: 'failed', code: 'deadline_exceeded' });
    const open = outbox.send(HELLO, link);
    outbox.close();
    expect(await open).toMatchObject({ kind: 'failed', code: 'deadline_exceeded' });
    expect(await outbox.send(HELLO, link)).toMatchObject({ kind: 'failed', code: 'deadline_exceeded' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('U2: what is not answered is asked again over the next link of its own gateway', async () => {
    const { outbox, link, frames } = outboxBench();
    const result = outbox.send(HELLO, null);
    expect(frames).toEqual([]);
    outbox.opened(link, () => false);
    expect(frames).toEqual([]);
    outbox.opened(link, (botId) => botId === 'bot');
    outbox.opened(link, (botId) => botId === 'bot');
    expect(frames).toMatchObject([{ request_id: 'r' }, { request_id: 'r' }]);
    outbox.answered(answer('r'));
    outbox.opened(link, () => true);
    expect(frames).toHaveLength(2);
    expect(await result).toMatchObject({ kind: 'sent' });
  });

  test('U3: asked twice while it is on its way, it is one request', async () => {
    const { outbox, link, frames } = outboxBench();
    const [first, second] = [outbox.send(HELLO, link), outbox.send(HELLO, link)];
    expect(frames).toHaveLength(1);
    outbox.answered(answer('r'));
    expect(await first).toEqual(await second);
  });

  test.each([{ text: 'good bye' }, { to: 'ben@lid' }])(
    'U3: an id that is on its way is refused with another text or chat: %o',
    async (change) => {
      const { outbox, link, frames } = outboxBench();
      const first = outbox.send(HELLO, link);
      expect(await outbox.send({ ...HELLO, ...change }, link)).toMatchObject({
        kind: 'failed',
        code: 'request_invalid',
      });
      expect(frames).toHaveLength(1);
      outbox.answered(answer('r'));
      expect(await first).toMatchObject({ kind: 'sent' });
    },
  );

  test('U3: an id that is on its way is one request under the chat’s other identifier, too', async () => {
    const { outbox, link, frames } = outboxBench();
    const [first, second] = [HELLO, { ...HELLO, to: 'ana@s.whatsapp.net' }].map((one) =>
      outbox.send(one, link),
    );
    outbox.answered(answer('r'));
    expect(await second).toEqual(await first);
    expect(frames).toHaveLength(1);
  });

  test('U4: the late answer to what nobody waits for any more answers no other text of the same id', async () => {
    const { outbox, link, frames, clock } = outboxBench();
    const askIdOf = (index: number): string => {
      const frame = frames[index];
      return (frame?.type === 'send' && frame.ask_id) || 'none';
    };
    void outbox.send(HELLO, link);
    clock.advance(120_000);
    const another = outbox.send({ ...HELLO, text: 'good bye' }, link);
    outbox.opened(link, () => true);
    expect(askIdOf(2)).toBe(askIdOf(1));
    outbox.answered({ ...answer('r'), ask_id: askIdOf(0) });
    outbox.answered({ ...answer('r'), ask_id: askIdOf(1), provider_message_id: 'another' });
    expect(await another).toMatchObject({ kind: 'sent', providerMessageId: 'another' });
  });

  test('without an id each request is one of its own', () => {
    const { outbox, link, frames } = outboxBench();
    const { requestId: _, ...anonymous } = HELLO;
    void outbox.send(anonymous, link);
    void outbox.send(anonymous, link);
    expect(new Set(frames.map((frame) => 'request_id' in frame && frame.request_id)).size).toBe(2);
  });

  test.each([
    ['no text', { text: '' }],
    ['a text that no frame takes', { text: '語'.repeat(100_000) }],
    ['no chat', { to: '' }],
  ])('%s is refused before anybody is asked', async (_what, change) => {
    const { outbox, link, frames } = outboxBench();
    expect(await outbox.send({ ...HELLO, ...change }, link)).toMatchObject({ code: 'frame_invalid' });
    expect(frames).toEqual([]);
  });
});
