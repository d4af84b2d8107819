import { expect, test } from 'vitest';
import type { Account } from '../../src/simulator/account.ts';
import { liveWorks, type Works } from '../support/works.ts';

const MESSAGES = 20;

/** What befalls one bot each time that it is there, and how often it comes back to that at least. */
const TROUBLES: readonly (readonly [name: string, times: number, trouble: (account: Account) => void])[] = [
  ['is dropped whenever it comes', 2, (account) => account.drop()],
  ['is replaced', 1, (account) => account.replace()],
  ['is logged out whenever it was linked', 2, (account) => account.logOut()],
  ['is told to restart whenever it comes', 4, (account) => account.endStream(515)],
];

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

test.each(TROUBLES)('a bot that %s takes nothing from another one', async (_name, times, trouble) => {
  const { works, startGateway } = await liveWorks({ bots: ['sound', 'ill'] });
  const { simulator } = works;
  await startGateway();
  const from = works.events.length;
  const troubles = haunt(works, 'ill', trouble);
  const texts: string[] = [];
  while (texts.length < MESSAGES || troubles() < times) {
    const text = `message ${texts.length}`;
    texts.push(text);
    await simulator.say('Ana', { text }, { bot: works.phoneOf('sound') });
    await works.untilIngested(texts.length);
  }
  await simulator.say('Ana', { image: 0 }, { bot: works.phoneOf('sound') });
  await works.untilIngested(texts.length + 1);

  const told = (await works.onlyHistory('sound')).map(({ content }) => content);
  expect(told).toEqual([...texts, expect.stringContaining('[Transcripted image')]);
  const soundStates = works.events
    .slice(from)
    .filter((event) => event.kind === 'bot' && event.botId === 'sound');
  expect(soundStates).toEqual([]);
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
