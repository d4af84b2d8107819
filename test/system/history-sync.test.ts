import { expect, onTestFinished, test } from 'vitest';
import type { KeptMessage } from '../../src/simulator/history.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { WhatsAppBot, type WhatsAppBotOptions } from '../support/whatsapp-bot.ts';
import { togetherBench } from '../support/together-bench.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

/** What the phone keeps, of whom it says and how long ago. */
const keptBy = (simulator: Simulator) => ({
  said: (name: string, agoMs: number, content: KeptMessage['content'], more: object = {}): KeptMessage => ({
    chat: simulator.chatOf({ from: name, ...more }),
    from: simulator.person(name),
    content,
    writtenAt: Date.now() - agoMs,
    ...more,
  }),
  answered: (name: string, agoMs: number, text: string): KeptMessage => ({
    chat: simulator.directChat(name),
    from: simulator.account().owner,
    content: { text },
    writtenAt: Date.now() - agoMs,
  }),
});

test('history that is taken takes its places before what is written from then on, and nothing is there twice', async () => {
  const { simulator, together, until } = await togetherBench({
    settings: { bots: [{ id: 'main', history: 'taken' }] },
  });
  const { store } = together;
  const untilIngested = (count: number) =>
    until((events) => {
      const ingested = events.filter((event) => event.kind === 'ingested');
      return ingested.flatMap(({ messages }) => messages).length >= count;
    });
  simulator.group('Trip', ['Ana', 'Ben']);
  const { said, answered } = keptBy(simulator);
  const { messageId: live } = await simulator.say('Ana', { text: 'live already' });
  await untilIngested(1);

  await simulator
    .account()
    .tellHistory([
      said('Ana', 3 * DAY_MS, { text: 'three days ago' }),
      said('Ana', DAY_MS, { image: 0, caption: 'a day ago' }),
      answered('Ana', 5 * MINUTE_MS, 'from my phone'),
      said('Ana', MINUTE_MS, { text: 'live already' }, { id: live }),
      said('Ana', 8 * DAY_MS, { text: 'too old' }),
      said('Ben', 2 * DAY_MS, { text: 'to all' }, { in: 'Trip' }),
      said('Ben', MINUTE_MS, { text: 'about to come' }, { id: 'LATE', addressing: 'pn' }),
    ]);
  await simulator.say('Ben', { text: 'about to come' }, { id: 'LATE', addressing: 'lid' });
  await simulator.say('Ben', { text: 'right now' }, { in: 'Trip' });
  await simulator.say('Ben', { text: 'right now' });
  await simulator.say('Ana', { text: 'right now' });
  await untilIngested(9);

  const chats = await Promise.all(
    (await store.correspondents('main')).map(async (chat) => {
      const messages = (await store.history(chat, { afterSeq: 0, limit: 100 })).map(({ message }) => message);
      return messages.toSorted((one, other) => one.id - other.id);
    }),
  );
  const told = chats.map((chat) =>
    chat.map(({ content, backlog, source }) => [content, backlog ? 'backlog' : 'live', source]),
  );
  expect(told.toSorted((one, other) => other.length - one.length)).toEqual([
    [
      ['live already', 'live', 'user'],
      ['three days ago', 'backlog', 'user'],
      [expect.stringMatching(/^\[Transcripted image .*\] a day ago$/), 'backlog', 'user'],
      ['from my phone', 'backlog', 'user_outgoing'],
      ['right now', 'live', 'user'],
    ],
    [
      ['to all', 'backlog', 'user'],
      ['right now', 'live', 'user'],
    ],
    [
      ['about to come', 'backlog', 'user'],
      ['right now', 'live', 'user'],
    ],
  ]);
  const trip = chats.flat().find(({ content }) => content === 'to all');
  expect(trip?.group?.name).toBe('Trip');
  expect(Date.now() - (trip?.originatingTime ?? 0)).toBeGreaterThan(2 * DAY_MS - MINUTE_MS);
});

/** A session that is linked, and open. */
async function openBot(options: WhatsAppBotOptions = {}) {
  const simulator = await startSimulator();
  onTestFinished(() => simulator.close());
  const bot = await WhatsAppBot.create(simulator, options);
  onTestFinished(() => bot.close());
  await bot.open();
  return { simulator, bot };
}

test('H2: whom the history names by two addresses Baileys knows by both, whether or not it is taken', async () => {
  const { simulator, bot } = await openBot();
  const { pn, lid } = simulator.person('Ben').identity;
  await simulator.account().tellHistory([keptBy(simulator).said('Ben', DAY_MS, { text: 'yesterday' })]);
  await simulator.say('Ana', { text: 'today' });
  await bot.untilReceived(1);
  expect(bot.texts).toEqual(['today']);
  const [phone = '', user = ''] = [pn, lid].map((jid) => jid.split('@')[0]);
  expect(bot.storage.auth(bot.botId).get(`lid-mapping:${phone}`)).toBe(JSON.stringify(user));
});

test('H1, H3: history is whole, and before what follows, though a part is lost and the storage fails in the middle', async () => {
  const { simulator, bot } = await openBot({ historySyncDays: 7 });
  const { said } = keptBy(simulator);
  const account = simulator.account();
  const lost = [said('Ana', DAY_MS, { text: 'lost' })];
  await account.tellHistory(lost, { fault: { kind: 'status', status: 404 } });
  const texts = Array.from({ length: 120 }, (_, index) => `message ${index}`);
  const from = bot.statuses.length;
  bot.storage.failNextMessages('lose-answer');
  const kept = texts.map((text, index) => said('Ana', DAY_MS - index * MINUTE_MS, { text }));
  const id = await account.tellHistory(kept);
  await simulator.events.waitFor('receipt', ({ messageId }) => messageId === id);
  await bot.untilStatus('closed', from);
  const hold = bot.storage.holdReads('history-sync:pending');
  await hold.reached;
  const { messageId: live } = await simulator.say('Ana', { text: 'live' });
  await simulator.events.waitFor('delivered', ({ messageId }) => messageId === live);
  await bot.untilStatus('open', from);
  // What WhatsApp answers to this is behind the live message on the wire.
  const text = { to: simulator.person('Ben').identity.pn, text: 'a word to somebody else', quoted: null };
  const providerMessageId = bot.session.newMessageId();
  await bot.session.sendText({ providerMessageId, ...text }, AbortSignal.timeout(20_000));
  expect(bot.texts).toHaveLength(25);
  hold.release();
  await bot.untilReceived(121);
  expect(bot.texts).toEqual([...texts, 'live']);
  expect([...bot.storage.auth(bot.botId).keys()].filter((key) => key.startsWith('history'))).toEqual([]);
  // The lost part once; the other one for each connection.
  expect(simulator.media.requests).toHaveLength(3);
});
