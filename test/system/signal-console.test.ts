import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { newGuid } from '../../src/base/ids.ts';
import { addressAttributes } from '../../src/simulator/chat.ts';
import { Works } from '../support/works.ts';

/** libsignal keeps so many closed sessions of a person; those before them it drops, and says so. */
const SESSIONS = 42;

/** Everything that a gateway in a process of its own prints. */
async function printingGateway(works: Works): Promise<() => string> {
  const script = fileURLToPath(new URL('../support/live-gateway-process.ts', import.meta.url));
  const settings = { sendJitterMs: 0, typingMsPerCharacter: 0 };
  const options = JSON.stringify({ ...works.gatewayOptions, settings });
  const child = spawn(process.execPath, [script, options], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
    });
  }
  await works.untilOpen();
  return () => printed;
}

test('sessions that open, close, are dropped or do not decrypt print nothing, keys least of all', async () => {
  const works = await Works.start();
  const { simulator, backend } = works;
  const printed = await printingGateway(works);
  const { party, identity } = simulator.person('Ana', { addressing: 'pn' });
  const say = (text: string, garbled = false) => simulator.say('Ana', { text }, { garbled });
  await say('a new session');
  await works.untilIngested(1);
  const [device] = simulator.account().devices.values();
  if (device === undefined) throw new Error('expected a linked device');
  // Once she was answered, her messages are no longer such as begin a session.
  expect(await backend.administration.send({ botId: 'main', to: identity.pn, text: 'hello' })).toMatchObject({
    kind: 'sent',
  });
  await simulator.events.waitFor('bot_message', ({ text }) => text === 'hello');

  const late = await party.seal(device.lid, { conversation: 'of a session that was closed meanwhile' });
  expect(late.type).toBe('msg');
  await say('a bad MAC', true);
  for (let count = 1; count <= 3; count += 1) {
    await party.startSession(device.lid, device.preKeys.take());
    await say(`new session ${count}`);
  }
  device.post({
    stanza: {
      tag: 'message',
      attrs: {
        ...addressAttributes(simulator.directChat('Ana'), simulator.person('Ana')),
        id: newGuid(),
        t: '1700000000',
        type: 'text',
      },
      content: [{ tag: 'enc', attrs: { v: '2', type: late.type }, content: late.ciphertext }],
    },
    reseal: () => Promise.reject(new Error('expected the closed session to do')),
  });
  await works.untilIngested(7);
  for (let count = 1; count <= SESSIONS; count += 1) {
    await party.startSession(device.lid, device.preKeys.take());
    await say(`one more session ${count}`);
  }
  await works.untilIngested(7 + SESSIONS);
  const told = (await works.onlyHistory()).map(({ content }) => content);
  expect(told).toContain('a bad MAC');
  expect(told).toContain('of a session that was closed meanwhile');
  expect(printed()).toBe('');
});
