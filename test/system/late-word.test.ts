import { expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { LIVE_GATEWAY, type LiveGatewayOptions } from '../support/live-gateway.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { ScriptedBackend } from '../support/scripted-backend.ts';
import { Spawned } from '../support/spawned.ts';

test('a receipt that comes after kill -9 of the gateway tells that a text was sent: it takes its place, once, and is not sent again', async () => {
  const [simulator, backend] = await Promise.all([startSimulator(), ScriptedBackend.start()]);
  onTestFinished(() => simulator.close());
  onTestFinished(() => backend.close());
  const options: LiveGatewayOptions = {
    dir: await scratchFolder(),
    backendUrl: backend.url,
    token: backend.token,
    simulator: simulator.endpoint.mediaOrigin,
    settings: { sendJitterMs: 0, longestTypingMs: 0 },
  };
  const start = (): Spawned => Spawned.start('live-gateway-process.ts', JSON.stringify(options));
  const untilOpen = (lives: number): Promise<unknown> =>
    backend.until(() =>
      backend.links.at(lives - 1)?.some((frame) => frame.type === 'bot.status' && frame.state === 'open'),
    );
  const first = start();
  await backend.untilFrames('hello');
  backend.send({ type: 'bot.start', bot_id: 'main', config: { media_storage_quota_gb: 1 } });
  const { qr } = await backend.until(() => backend.ofType('bot.status').find((status) => status.qr));
  await simulator.scan(qr ?? '');
  await untilOpen(1);

  simulator.account().outgoingFault = 'unanswered';
  const to = simulator.person('Ana', { addressing: 'pn' }).identity.pn;
  const ask = (askId: string): void =>
    backend.send({ type: 'send', request_id: 'r', ask_id: askId, bot_id: 'main', to, text: 'hello' });
  ask('1');
  const { messageId } = await simulator.events.waitFor('bot_message');
  await first.kill();
  start();
  const [doubtful] = await backend.untilFrames('send.failed');
  expect(doubtful).toMatchObject({ request_id: 'r', reason: expect.stringContaining('may have been sent') });
  await untilOpen(2);
  simulator.account().answerLate('receipt');

  const [message] = await backend.untilFrames('inbound');
  expect(message).toMatchObject({
    bot_id: 'main',
    message: { provider_message_id: messageId, message: 'hello', source: 'bot', recipient_id: to },
  });
  ask('2');
  const [answer] = await backend.untilFrames('sent');
  expect(answer).toMatchObject({ ask_id: '2', provider_message_id: messageId });
  expect(backend.ofType('hello').map(({ gateway_id: id }) => id)).toEqual([LIVE_GATEWAY, LIVE_GATEWAY]);
  expect(backend.ofType('inbound')).toHaveLength(1);
  expect(simulator.events.of('bot_message')).toHaveLength(1);
});
