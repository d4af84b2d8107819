import { expect, test } from 'vitest';
import { togetherBench } from '../support/together-bench.ts';

const PHONE = '4915550000001';
const SECOND_PHONE = '4915550000002';

test('a bot is linked by the code that it shows, as its configuration says', async () => {
  const { until } = await togetherBench({ settings: { bots: [{ id: 'main', pairingPhone: PHONE }] } });
  const shown = await until((events) => events.filter((event) => event.kind === 'bot'));
  expect(shown.map(({ state }) => state)).toEqual(['connecting', 'pairing', 'closed', 'connecting', 'open']);
  expect(shown[1]?.detail).toMatch(/^Type this code into the phone: \w{4}-\w{4}$/);
  expect(shown.every(({ qr }) => qr === null)).toBe(true);
});

test('a bot is added, linked by a code on request, stopped, started and removed while others run', async () => {
  const { simulator, together, until } = await togetherBench();
  const { bots } = together.backend.administration;
  /** Resolves when the second bot's last state is this one. */
  const second = (state: string) =>
    until((events) => {
      const states = events.filter((event) => event.kind === 'bot' && event.botId === 'second');
      const last = states.at(-1);
      return last?.kind === 'bot' && last.state === state;
    });

  expect(await bots.add({ id: 'second' })).toBe('added');
  await second('open');
  await simulator.say('Ana', { text: 'to the second' }, { bot: SECOND_PHONE });
  await until((events) => events.some((event) => event.kind === 'ingested' && event.chat.botId === 'second'));

  await bots.stop('second');
  await second('stopped');
  expect((await bots.list()).map(({ botId, stopped, state }) => [botId, stopped, state])).toEqual([
    ['main', false, 'open'],
    ['second', true, 'stopped'],
  ]);
  await simulator.say('Ana', { text: 'while it is stopped' }, { bot: SECOND_PHONE });
  await bots.start('second');
  await until((events) =>
    events.some(
      (event) =>
        event.kind === 'ingested' && event.messages.some(({ content }) => content === 'while it is stopped'),
    ),
  );

  expect(await bots.remove('second')).toBe('removed');
  await expect.poll(() => together.gateway.snapshot().bots).toEqual([{ botId: 'main', state: 'open' }]);
  expect((await bots.list()).map(({ botId }) => botId)).toEqual(['main']);
});
