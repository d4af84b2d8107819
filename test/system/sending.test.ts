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
  const result = await backend.administration.send(request);
  expect(result).toMatchObject({ kind: 'sent', requestId: 'answer-1' });
  expect(await backend.administration.send(request)).toEqual(result);
  const { pn, lid } = simulator.person('Ana').identity;
  for (const to of [pn, lid]) expect(await backend.administration.send({ ...request, to })).toEqual(result);
  await simulator.say('Ana', { text: 'good' });
  // What comes close together is ingested together.
  await until(
    (events) => events.flatMap((event) => (event.kind === 'ingested' ? event.messages : [])).length >= 3,
  );

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
  expect(await backend.administration.send({ botId: 'nobody', to: 'x', text: 'x' })).toMatchObject({
    kind: 'failed',
    code: 'unknown_bot',
  });
  expect(await backend.administration.send({ botId: 'main', to: 'nowhere', text: 'x' })).toMatchObject({
    kind: 'failed',
    code: 'send_failed',
  });
});

const PROMPT = { gateway: { sendJitterMs: 0, longestTypingMs: 0 } };

test('a text that WhatsApp refuses has failed, and has no place in the history', async () => {
  const { simulator, together } = await togetherBench({ settings: PROMPT });
  const ana = simulator.person('Ana').identity.lid;
  simulator.account().outgoingFault = 463;
  const refused = await together.backend.administration.send({
    botId: 'main',
    to: ana,
    text: 'hello',
    requestId: 'r',
  });
  expect(refused).toMatchObject({ kind: 'failed', reason: expect.stringContaining('463') });
  simulator.account().outgoingFault = null;
  expect(
    await together.backend.administration.send({ botId: 'main', to: ana, text: 'hello', requestId: 'r' }),
  ).toEqual(refused);
  expect(simulator.events.of('bot_message')).toEqual([]);
});

test.each(['ack', 'receipt'] as const)(
  'a text whose %s comes late is in the history then, and whoever asks again is told that it was sent',
  async (by) => {
    const { simulator, together, until } = await togetherBench({
      settings: { gateway: { ...PROMPT.gateway, sendTimeoutMs: 500 } },
    });
    simulator.account().outgoingFault = 'unanswered';
    const ana = simulator.person('Ana', { addressing: 'pn' }).identity.pn;
    const request = { botId: 'main', to: ana, text: 'hello', requestId: 'r' };
    const doubtful = await together.backend.administration.send(request);
    expect(doubtful).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('may have been sent'),
    });
    const { messageId } = await simulator.events.waitFor('bot_message');
    simulator.account().answerLate(by);
    const messages = await until((events) => events.find((one) => one.kind === 'ingested')?.messages);
    expect(messages).toMatchObject([{ content: 'hello', source: 'bot', providerMessageId: messageId }]);
    expect(await together.backend.administration.send(request)).toMatchObject({
      kind: 'sent',
      providerMessageId: messageId,
    });
    expect(simulator.events.of('bot_message')).toHaveLength(1);
  },
);

test('a text that may have been sent is in the history when its echo tells so, and is not sent again', async () => {
  const { simulator, together, until } = await togetherBench({
    settings: { gateway: { ...PROMPT.gateway, sendTimeoutMs: 500 } },
  });
  simulator.account().outgoingFault = 'unanswered';
  const ana = simulator.person('Ana', { addressing: 'pn' }).identity.pn;
  const request = { botId: 'main', to: ana, text: 'hello', requestId: 'r' };
  const doubtful = await together.backend.administration.send(request);
  expect(doubtful).toMatchObject({ kind: 'failed', reason: expect.stringContaining('may have been sent') });
  const { messageId } = await simulator.events.waitFor('bot_message');
  await simulator.account().owner.send(simulator.directChat('Ana'), { text: 'hello' }, { id: messageId });
  const [echo, chat] = await until((events) => {
    const event = events.find((one) => one.kind === 'ingested');
    const [message] = event?.messages ?? [];
    return event !== undefined && message !== undefined && ([message, event.chat] as const);
  });
  expect(echo).toMatchObject({
    content: 'hello',
    source: 'bot',
    direction: 'outgoing',
    providerMessageId: messageId,
  });
  expect(chat.correspondentId).toBe(request.to);
  expect(await together.backend.administration.send(request)).toMatchObject({
    kind: 'sent',
    providerMessageId: messageId,
  });
  expect(simulator.events.of('bot_message')).toHaveLength(1);
});
