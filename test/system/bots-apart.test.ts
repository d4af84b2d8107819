import { expect, test } from 'vitest';
import type { Account } from '../../src/simulator/account.ts';
import { liveWorks, type Works } from '../support/works.ts';

const MESSAGES = 20;

/** What befalls one bot again and again, each time that it is there. */
const TROUBLES: Readonly<Record<string, (account: Account) => void>> = {
  'is dropped whenever it comes': (account) => account.drop(),
  'is replaced': (account) => account.replace(),
  'is logged out whenever it was linked': (account) => account.logOut(),
  'is told to restart whenever it comes': (account) => account.endStream(515),
};

/** Makes trouble at each of the bot's logins; returns how often that was, so far. */
function haunt(works: Works, botId: string, trouble: (account: Account) => void): () => number {
  const account = works.simulator.account(works.phoneOf(botId));
  let times = 0;
  const strike = (): void => {
    times += 1;
    setImmediate(() => trouble(account));
  };
  strike();
  works.simulator.events.subscribe((event) => {
    if (event.type === 'login' && event.bot === account.identity.phone) strike();
  });
  return () => times;
}

test.each(Object.entries(TROUBLES))('a bot that %s takes nothing from another one', async (name, trouble) => {
  const { works, startGateway } = await liveWorks({ bots: ['sound', 'ill'] });
  const { simulator } = works;
  await startGateway();
  const from = works.events.length;
  const troubles = haunt(works, 'ill', trouble);
  await works.untilEvent((event) => event.kind === 'bot' && event.botId === 'ill', from);
  const texts = Array.from({ length: MESSAGES }, (_, index) => `message ${index}`);
  for (const text of texts) await simulator.say('Ana', { text }, { bot: works.phoneOf('sound') });
  await simulator.say('Ana', { image: 0 }, { bot: works.phoneOf('sound') });
  await works.untilIngested(MESSAGES + 1);

  const told = (await works.onlyHistory('sound')).map(({ content }) => content);
  expect(told).toEqual([...texts, expect.stringContaining('[Transcripted image')]);
  const soundStates = works.events
    .slice(from)
    .filter((event) => event.kind === 'bot' && event.botId === 'sound');
  expect(soundStates).toEqual([]);
  expect(troubles()).toBeGreaterThanOrEqual(name === 'is replaced' ? 1 : 2);
});

test('a bot that is stopped and one that is logged out keep what they received', async () => {
  const { works, startGateway } = await liveWorks({ bots: ['sound', 'ill'] });
  const { simulator } = works;
  await startGateway();
  await simulator.say('Ana', { text: 'before' }, { bot: works.phoneOf('ill') });
  await works.untilIngested(1);
  const from = works.events.length;
  simulator.account(works.phoneOf('ill')).logOut();
  await works.untilOpen('ill', from);
  await simulator.say('Ana', { text: 'after' }, { bot: works.phoneOf('ill') });
  await works.untilIngested(2);
  expect((await works.onlyHistory('ill')).map(({ content }) => content)).toEqual(['before', 'after']);
  expect(await works.chats('sound')).toEqual([]);
});
