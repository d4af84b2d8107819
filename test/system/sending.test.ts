import { expect, test } from 'vitest';
import { togetherBench } from '../support/together-bench.ts';

test('a bot answers: the text arrives, quotes, has its place in the history, and a retry is not sent twice', async () => {
  const { simulator, together, until } = await togetherBench({
    settings: { gateway: { sendJitterMs: 10, longestTypingMs: 50 } },
  });
  const { backend, store } = together;
  await simulator.say('Ana', { text: 'are you there?' });
  const [asked, chat] = await until((events) => {
    const event = events.find((one) => one.kind === 'ingested');
    const [message] = event?.messages ?? [];
    return event !== undefined && message !== undefined && ([message, event.chat] as const);
  });
  const request = {
    botId: chat.botId,
    to: chat.correspondentId,
    text: 'yes, I am',
    quoted: { providerMessageId: asked.providerMessageId ?? '', text: asked.content },
    requestId: 'answer-1',
  };
  const result = await backend.send(request);
  expect(result).toMatchObject({ kind: 'sent', requestId: 'answer-1' });
  expect(await backend.send(request)).toEqual(result);
  await simulator.say('Ana', { text: 'good' });
  await until((events) => events.filter((event) => event.kind === 'ingested').length >= 3);

  const typed = simulator.events.of('typing').map(({ state }) => state);
  expect(typed).toEqual(['composing', 'paused']);
  const read = simulator.events.since(0).filter((event) => event.type === 'bot_message');
  expect(read).toMatchObject([{ text: 'yes, I am', quotedId: asked.providerMessageId }]);
  const history = await store.history(chat, { afterSeq: 0, limit: 10 });
  expect(history.map(({ message }) => [message.content, message.source, message.direction])).toEqual([
    ['are you there?', 'user', 'incoming'],
    ['yes, I am', 'bot', 'outgoing'],
    ['good', 'user', 'incoming'],
  ]);
  expect(history[1]?.message.providerMessageId).toBe(result.kind === 'sent' && result.providerMessageId);
});

test('a text for a bot that is not configured, or a chat that is none, fails with a reason', async () => {
  const { together } = await togetherBench({
    settings: { gateway: { sendJitterMs: 0, longestTypingMs: 0 } },
  });
  const { backend } = together;
  expect(await backend.send({ botId: 'nobody', to: 'x', text: 'x' })).toMatchObject({
    kind: 'failed',
    code: 'unknown_bot',
  });
  expect(await backend.send({ botId: 'main', to: 'nowhere', text: 'x' })).toMatchObject({
    kind: 'failed',
    code: 'send_failed',
  });
});
