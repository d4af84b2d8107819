import { getBinaryNodeChild } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ProviderKey } from '../../src/gateway/received.ts';
import type { Delivery, OutgoingText, SessionStatus } from '../../src/gateway/session.ts';
import { Connection } from '../../src/simulator/connection.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { ManualClock } from '../support/manual-clock.ts';
import type { MemorySessionStorage } from '../support/memory-session-storage.ts';
import { WhatsAppBot, type WhatsAppBotOptions } from '../support/whatsapp-bot.ts';

const PHONE = '4915550000001';

let simulator: Simulator;
let bots: WhatsAppBot[];

beforeEach(async () => {
  simulator = await startSimulator();
  bots = [];
});

afterEach(async () => {
  for (const each of bots) await each.close();
  await simulator.close();
});

async function bot(options: WhatsAppBotOptions = {}): Promise<WhatsAppBot> {
  const created = await WhatsAppBot.create(simulator, options);
  bots.push(created);
  return created;
}

async function openBot(options: WhatsAppBotOptions = {}): Promise<WhatsAppBot> {
  const opened = await bot(options);
  await opened.open();
  return opened;
}

/** Of a bot that was paired and is stopped. */
async function pairedStorage(): Promise<MemorySessionStorage> {
  const paired = await openBot();
  await paired.session.stop();
  return paired.storage;
}

const statesOf = (statuses: readonly SessionStatus[]): readonly string[] =>
  statuses.map(({ state }) => state);
const receiptOf = (messageId: string) =>
  simulator.events.waitFor('receipt', (event) => event.messageId === messageId);

/** What the mailbox at WhatsApp still holds for the bot. */
const owedToBot = (): number => [...simulator.account(PHONE).devices.values()][0]?.mailbox.size ?? -1;

describe('pairing', () => {
  test('by a QR code', async () => {
    const { statuses } = await openBot();
    expect(statesOf(statuses)).toEqual(['connecting', 'pairing', 'closed', 'connecting', 'open']);
    expect(statuses[1]?.qr).toMatch(/^https:\/\/wa\.me\/settings\/linked_devices#/);
  });

  test('by a code that the owner types', async () => {
    const paired = await bot({ pairingPhone: PHONE });
    paired.session.start();
    const { qr, detail } = await paired.untilStatus('pairing');
    expect(qr).toBeNull();
    await simulator.events.waitFor('pairing_code');
    const code = /([A-Z0-9]{4})-([A-Z0-9]{4})$/.exec(detail ?? '');
    await simulator.typePairingCode(PHONE, `${code?.[1]}${code?.[2]}`);
    await paired.untilStatus('open');
  });

  test('happens once: the same storage logs in again', async () => {
    const first = await openBot();
    await first.close();
    const second = await openBot({ storage: first.storage });
    expect(statesOf(second.statuses)).toEqual(['connecting', 'open']);
  });

  test('J3: a storage that cannot be read is not paired anew', async () => {
    const first = await openBot();
    await first.close();
    first.storage.failReads(new Error('the disk is gone'));
    const second = await bot({ storage: first.storage });
    second.session.start();
    expect((await second.untilStatus('closed')).detail).toContain('storage');
    first.storage.failReads(null);
    await second.untilStatus('open');
    expect(statesOf(second.statuses)).not.toContain('pairing');
  });
});

describe('receiving', () => {
  test('texts by phone number and by LID, groups and media are stored before their receipts', async () => {
    const receiver = await openBot();
    const ana = simulator.person('Ana', { addressing: 'pn' });
    const ben = simulator.person('Ben', { addressing: 'lid' });
    const club = simulator.group('Club', ['Ana', 'Ben']);
    const sent = [
      await simulator.say('Ana', { text: 'by number' }),
      await simulator.say('Ben', { text: 'by LID' }),
      await simulator.say('Ben', { text: 'to all' }, { in: 'Club' }),
      await simulator.say('Ana', { voice: 0 }),
      await simulator.say('Ana', { document: 0, fileName: 'offer.pdf', caption: 'see' }, { in: 'Club' }),
    ];
    await Promise.all(sent.map(({ messageId }) => receiptOf(messageId)));
    expect(receiver.receiptsTooEarly).toEqual([]);
    const byId = new Map(receiver.storage.received.map((message) => [message.key.id, message]));
    expect(sent.map(({ messageId }) => byId.get(messageId))).toMatchObject([
      {
        wire: { message: 'by number', sender: ana.identity.pn, alternate_identifiers: [ana.identity.lid] },
      },
      { wire: { message: 'by LID', sender: ben.identity.lid, alternate_identifiers: [ben.identity.pn] } },
      { wire: { message: 'to all', sender: ben.identity.lid, group: { id: club.jid } } },
      { media: { kind: 'audio', directPath: expect.any(String) } },
      { wire: { message: 'see' }, media: { kind: 'document', fileName: 'offer.pdf' } },
    ]);
    expect(receiver.storage.expected).toEqual([]);
  });

  test('what the owner writes on the phone is outgoing in its chat', async () => {
    const receiver = await openBot();
    const ana = simulator.person('Ana', { addressing: 'pn' });
    await simulator.account().owner.send(simulator.directChat('Ana'), { text: 'from my phone' });
    await receiver.untilReceived(1);
    expect(receiver.storage.received[0]).toMatchObject({
      key: { remoteJid: ana.identity.pn, fromMe: true },
      wire: { direction: 'outgoing', source: 'user_outgoing', recipient_id: ana.identity.pn },
    });
  });

  test('a backlog of 100 is stored before its receipts, in order, and marked', async () => {
    const receiver = await openBot();
    await receiver.session.stop();
    const texts = Array.from({ length: 100 }, (_, index) => `while away ${index}`);
    for (const text of texts) await simulator.say('Ana', { text });
    await receiver.open();
    await receiver.untilReceived(100);
    await simulator.events.waitFor('receipt', () => owedToBot() === 0);
    expect(receiver.texts).toEqual(texts);
    expect(receiver.receiptsTooEarly).toEqual([]);
    expect(receiver.storage.received.every(({ wire }) => wire.backlog === true)).toBe(true);
  });

  test('what comes live does not overtake the backlog of its chat', async () => {
    const receiver = await openBot();
    await receiver.session.stop();
    const backlog = Array.from({ length: 30 }, (_, index) => `while away ${index}`);
    const live = Array.from({ length: 10 }, (_, index) => `live ${index}`);
    for (const text of backlog) await simulator.say('Ana', { text });
    const before = simulator.events.lastSeq;
    receiver.session.start();
    await simulator.events.waitFor('login', () => true, { afterSeq: before });
    for (const text of live) await simulator.say('Ana', { text });
    await receiver.untilReceived(40);
    expect(receiver.texts).toEqual([...backlog, ...live]);
  });

  test('the second message of somebody new does not overtake the first', async () => {
    const receiver = await openBot();
    const { identity } = simulator.person('Ana', { addressing: 'pn' });
    // Baileys reads this for a first message alone, before its turn at decryption.
    const hold = receiver.storage.holdReads(`device-list:${identity.phone}`);
    await simulator.say('Ana', { text: 'first' });
    await hold.reached;
    const second = await simulator.say('Ana', { text: 'second' });
    await simulator.events.waitFor('delivered', ({ messageId }) => messageId === second.messageId);
    // What WhatsApp answers to this is behind the second message on the wire.
    const { identity: other } = simulator.person('Bruno', { addressing: 'pn' });
    await send(receiver, { to: other.pn, text: 'a word to somebody else', quoted: null });
    expect(receiver.texts).toEqual([]);
    hold.release();
    await receiver.untilReceived(2);
    expect(receiver.texts).toEqual(['first', 'second']);
  });

  test('groups are left out where the policy says so, and WhatsApp need not keep them', async () => {
    const receiver = await openBot({ policy: { groups: 'none' } });
    simulator.group('Club', ['Ana']);
    const ignored = await simulator.say('Ana', { text: 'to all' }, { in: 'Club' });
    await receiptOf(ignored.messageId);
    expect(receiver.storage.received).toEqual([]);
  });

  test('a message that cannot be decrypted is expected until its content comes', async () => {
    const receiver = await openBot();
    await receiptOf((await simulator.say('Ana', { text: 'one' })).messageId);
    const auth = receiver.storage.auth(receiver.botId);
    for (const key of auth.keys()) if (key.startsWith('session:')) auth.delete(key);
    const expectations: number[] = [];
    const lost = await simulator.say('Ana', { text: 'two' });
    const unsubscribe = simulator.events.subscribe((event) => {
      if (event.type === 'retry') expectations.push(receiver.storage.expected.length);
    });
    await receiptOf(lost.messageId);
    unsubscribe();
    expect(expectations[0]).toBe(1);
    expect(receiver.texts).toEqual(['one', 'two']);
    expect(receiver.storage.expected).toEqual([]);
  });

  test('a message that cannot be decrypted holds up no other while its copy is asked for', async () => {
    const receiver = await openBot();
    simulator.person('Ana').goOffline();
    await simulator.say('Ana', { text: 'lost' }, { garbled: true });
    const { messageId } = await simulator.say('Ben', { text: 'in the meantime' });
    await receiptOf(messageId);
    expect(simulator.events.of('phone_asked')).toEqual([]);
    expect(receiver.texts).toEqual(['in the meantime']);
  });

  test('a message that never decrypts is not asked for for ever, connections ended or not', async () => {
    const receiver = await openBot();
    simulator.person('Ana').goOffline();
    const { messageId } = await simulator.say('Ana', { text: 'poison' }, { garbled: true });
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await simulator.events.waitFor('retry', (event) => event.attempt === attempt);
      await receiver.session.stop();
      await receiver.open();
    }
    await simulator.events.waitFor('refused', (event) => event.messageId === messageId);
    expect(owedToBot()).toBe(0);
  });
});

describe('a stanza without content', () => {
  const WITHHELD = ['view_once', 'view_once_unavailable_fanout'] as const;

  test.each(WITHHELD)('P1: %s is remembered before WhatsApp is told anything about it', async (withheld) => {
    const receiver = await openBot();
    // Of somebody new Baileys has things to write, which would wait behind what is held.
    await receiptOf((await simulator.say('Ana', { text: 'hello' })).messageId);
    const hold = receiver.storage.holdExpectations();
    const { messageId, seq } = await simulator.say('Ana', { withheld });
    const told = () =>
      simulator.events.since(seq).filter(({ type }) => type === 'receipt' || type === 'refused');
    await hold.reached;
    // Behind whatever the bot has said by now.
    const { pn } = simulator.person('Ana').identity;
    const typing = receiver.session.typing?.(pn, 0, new AbortController().signal);
    await simulator.events.waitFor('typing', ({ state }) => state === 'composing', { afterSeq: seq });
    expect(told()).toEqual([]);
    hold.release();
    // Its time stands still, until the connection ends.
    typing?.catch(() => {});
    await expect.poll(told).toMatchObject([{ messageId }]);
    expect(receiver.storage.expected).toMatchObject([{ key: { id: messageId } }]);
  });
});

describe('a storage that fails', () => {
  test('J2: a commit that is refused gives no receipt, and the message is delivered again', async () => {
    const receiver = await openBot();
    receiver.storage.failNextMessages('refuse');
    const from = receiver.statuses.length;
    const { messageId, seq } = await simulator.say('Ana', { text: 'on a full disk' });
    expect((await receiver.untilStatus('closed', from)).detail).toContain('storage');
    const answers = simulator.events
      .since(seq)
      .filter(({ type }) => type === 'receipt' || type === 'refused' || type === 'retry');
    expect(answers).toEqual([]);
    expect(owedToBot()).toBe(1);
    await receiptOf(messageId);
    expect(receiver.texts).toEqual(['on a full disk']);
    expect(receiver.receiptsTooEarly).toEqual([]);
  });

  test('J1: a commit whose answer is lost loses nothing and doubles nothing', async () => {
    const receiver = await openBot();
    receiver.storage.failNextMessages('lose-answer');
    const { messageId } = await simulator.say('Ana', { text: 'just before the crash' });
    await simulator.events.waitFor('refused', (event) => event.messageId === messageId);
    const after = await simulator.say('Ana', { text: 'after it' });
    await receiptOf(after.messageId);
    expect(receiver.texts).toEqual(['just before the crash', 'after it']);
    expect(receiver.storage).toMatchObject({ duplicates: 0, expected: [] });
    expect(owedToBot()).toBe(0);
  });

  test('J1: through a run of failures, in a chat of two and in a group, every message is there once', async () => {
    const receiver = await openBot();
    simulator.group('Club', ['Ana', 'Ben']);
    const run = [
      { fault: 'lose-answer', place: {} },
      { fault: 'refuse', place: { in: 'Club' } },
      { fault: 'lose-answer', place: { in: 'Club' } },
    ] as const;
    for (const [index, { fault, place }] of run.entries()) {
      receiver.storage.failNextMessages(fault);
      const { messageId } = await simulator.say('Ana', { text: `message ${index}` }, place);
      await simulator.events.waitFor('login', ({ backlog }) => backlog > 0, {
        afterSeq: simulator.events.lastSeq,
      });
      await receiver.untilReceived(index + 1);
      expect(receiver.storage.has(messageId)).toBe(true);
    }
    await receiptOf((await simulator.say('Ana', { text: 'the end' }, { in: 'Club' })).messageId);
    expect(receiver.texts).toEqual(['message 0', 'message 1', 'message 2', 'the end']);
    expect(receiver.storage.expected).toEqual([]);
    expect(receiver.receiptsTooEarly).toEqual([]);
  });
});

describe('connections', () => {
  test('one that drops comes back', async () => {
    const receiver = await openBot();
    const from = receiver.statuses.length;
    simulator.account().drop();
    await receiver.untilStatus('open', from);
    await simulator.say('Ana', { text: 'after the drop' });
    await receiver.untilReceived(1);
    expect(statesOf(receiver.statuses.slice(from))).toEqual(['closed', 'connecting', 'open']);
  });

  test('one that freezes is given up and replaced', async () => {
    const clock = new ManualClock();
    const receiver = await openBot({ clock, storage: await pairedStorage() });
    const from = receiver.statuses.length;
    simulator.account().freeze();
    clock.advance(45_000);
    // The frozen side does not answer the closing either.
    clock.advance(3_000);
    expect((await receiver.untilStatus('closed', from)).detail).toBe('WhatsApp went silent');
    clock.advance(1_000);
    await receiver.untilStatus('open', from);
    await receiver.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('one on which a message is never done with is given up, and the message comes again', async () => {
    const clock = new ManualClock();
    const receiver = await openBot({ clock, storage: await pairedStorage() });
    const from = receiver.statuses.length;
    const { identity } = simulator.person('Ana', { addressing: 'pn' });
    // Baileys reads this for a first message alone.
    const hold = receiver.storage.holdReads(`device-list:${identity.phone}`);
    await simulator.say('Ana', { text: 'first' });
    await hold.reached;
    await passWithFrames(receiver, clock, 5 * 60_000);
    expect((await receiver.untilStatus('closed', from)).detail).toBe(
      'A message could not be handled in time',
    );
    expect(owedToBot()).toBe(1);
    hold.release();
    clock.advance(1_000);
    await receiver.untilReceived(1);
    expect(receiver.texts).toEqual(['first']);
    await expect.poll(owedToBot).toBe(0);
    expect(receiver.receiptsTooEarly).toEqual([]);
  });

  test('failures in a row make the pauses longer; a connection that lasted makes them short again', async () => {
    const clock = new ManualClock();
    const receiver = await openBot({ clock, storage: await pairedStorage() });
    const dropAndReturn = async (): Promise<number> => {
      const from = receiver.statuses.length;
      simulator.account().drop();
      await receiver.untilStatus('closed', from);
      let pausedMs = 0;
      while (!statesOf(receiver.statuses.slice(from)).includes('connecting')) {
        clock.advance(100);
        pausedMs += 100;
        await new Promise(setImmediate);
      }
      await receiver.untilStatus('open', from);
      return pausedMs;
    };
    expect([await dropAndReturn(), await dropAndReturn(), await dropAndReturn()]).toEqual([
      500, 1_000, 2_000,
    ]);
    await passWithFrames(receiver, clock, 60_000);
    expect(await dropAndReturn()).toBe(500);
  });

  test('B3: a logged-out account is forgotten, and asks for a QR code', async () => {
    const receiver = await openBot();
    const from = receiver.statuses.length;
    simulator.account().logOut();
    await receiver.untilStatus('open', from);
    expect(statesOf(receiver.statuses.slice(from, from + 3))).toEqual([
      'logged_out',
      'connecting',
      'pairing',
    ]);
  });

  test('B3: a proxy that answers 401 does not cost the credentials', async () => {
    const receiver = await openBot();
    await receiver.session.stop();
    const from = receiver.statuses.length;
    simulator.refusal = 401;
    receiver.session.start();
    expect((await receiver.untilStatus('closed', from)).detail).toContain('network');
    simulator.refusal = null;
    await receiver.untilStatus('open', from);
    expect(statesOf(receiver.statuses.slice(from))).not.toContain('pairing');
  });

  test('one that another program took over is not fought for, until it is started again', async () => {
    const receiver = await openBot();
    const from = receiver.statuses.length;
    simulator.account().replace();
    expect((await receiver.untilStatus('closed', from)).detail).toContain('Another program');
    await receiver.open();
  });

  test.each([
    [403, 'refuses this account'],
    [405, 'refuses this version'],
  ])('a login that fails with %i is not tried again', async (code, detail) => {
    const receiver = await openBot();
    await receiver.session.stop();
    simulator.account().loginFailure = code;
    const from = receiver.statuses.length;
    receiver.session.start();
    expect((await receiver.untilStatus('closed', from)).detail).toContain(detail);
    expect(statesOf(receiver.statuses.slice(from))).toEqual(['connecting', 'closed']);
  });

  test('without a network the session says so and keeps trying', async () => {
    const endpoint = { socketUrl: 'ws://127.0.0.1:1/ws/chat', mediaOrigin: 'http://127.0.0.1:1' };
    const receiver = await bot({ endpoint });
    receiver.session.start();
    expect((await receiver.untilStatus('closed')).detail).toContain('is there a network?');
    await receiver.untilStatus('connecting', 2);
  });

  test('B2: after stopping nothing is received and nothing waits', async () => {
    const clock = new ManualClock();
    const storage = await pairedStorage();
    const receiver = await openBot({ clock, storage });
    await receiver.session.stop();
    expect(receiver.statuses.at(-1)?.state).toBe('stopped');
    await simulator.say('Ana', { text: 'too late' });
    expect(clock.pendingTimers).toBe(0);
    expect(storage.received).toEqual([]);
    expect(owedToBot()).toBe(1);
  });
});

/** Resolves to the id that the text got. */
async function send(sender: WhatsAppBot, text: Omit<OutgoingText, 'providerMessageId'>): Promise<string> {
  const providerMessageId = sender.session.newMessageId();
  sender.storage.sent.add(providerMessageId);
  expect(await deliver(sender, { ...text, providerMessageId })).toEqual({ kind: 'sent' });
  return providerMessageId;
}

const deliver = (sender: WhatsAppBot, text: OutgoingText): Promise<Delivery> =>
  sender.session.sendText(text, new AbortController().signal);

/** A text to Ana that no other is called like. */
const textToAna = (sender: WhatsAppBot): OutgoingText => ({
  providerMessageId: sender.session.newMessageId(),
  to: simulator.person('Ana', { addressing: 'pn' }).identity.pn,
  text: 'are you there?',
  quoted: null,
});

/** Time passes, and the connection does not seem silent meanwhile: WhatsApp answers what is asked for strangers. */
async function passWithFrames(receiver: WhatsAppBot, clock: ManualClock, durationMs: number): Promise<void> {
  for (let leftMs = durationMs; leftMs > 0; leftMs -= 20_000) {
    const { pn } = simulator.person(`stranger ${clock.now()}`, { addressing: 'pn' }).identity;
    await send(receiver, { to: pn, text: 'are you there?', quoted: null });
    clock.advance(Math.min(20_000, leftMs));
  }
}

describe('sending', () => {
  test('a text arrives, with what it quotes', async () => {
    const sender = await openBot();
    const ana = simulator.person('Ana', { addressing: 'pn' });
    const { messageId: quotedId } = await simulator.say('Ana', { text: 'a question' });
    await sender.untilReceived(1);
    const quoted = { providerMessageId: quotedId, text: 'a question' };
    const id = await send(sender, { to: ana.identity.pn, text: 'an answer', quoted });
    const read = await simulator.events.waitFor('bot_message', (event) => event.messageId === id);
    expect(read).toMatchObject({ reader: 'Ana', text: 'an answer', quotedId, decrypted: true });
  });

  test('a quotation in a group names who is quoted', async () => {
    const sender = await openBot();
    const ana = simulator.person('Ana').identity;
    const club = simulator.group('Club', ['Ana', 'Ben']);
    const { messageId } = await simulator.say('Ana', { text: 'a question' }, { in: 'Club' });
    await sender.untilReceived(1);
    const quoteOf = async (providerMessageId: string, text: string) => {
      const quoted = { providerMessageId, text };
      const id = await send(sender, { to: club.jid, text: 'an answer', quoted });
      return simulator.events.waitFor('bot_message', (event) => event.messageId === id);
    };
    const answer = await quoteOf(messageId, 'a question');
    expect(answer).toMatchObject({ quotedId: messageId, quotedAuthor: ana.lid });
    const ownAnswer = await quoteOf(answer.messageId, 'an answer');
    expect(ownAnswer).toMatchObject({
      quotedId: answer.messageId,
      quotedAuthor: expect.stringContaining(PHONE),
    });
  });

  test('a text to a group arrives at its members', async () => {
    const sender = await openBot();
    const club = simulator.group('Club', ['Ana', 'Ben']);
    const id = await send(sender, { to: club.jid, text: 'hello all', quoted: null });
    for (const reader of ['Ana', 'Ben']) {
      const read = (event: { messageId: string; reader: string }): boolean =>
        event.messageId === id && event.reader === reader;
      expect((await simulator.events.waitFor('bot_message', read)).text).toBe('hello all');
    }
  });

  test('without a connection nothing of it goes out', async () => {
    const sender = await bot();
    expect(await deliver(sender, textToAna(sender))).toMatchObject({ kind: 'unsent' });
  });

  test('what is no address of a chat is refused', async () => {
    const { session } = await bot();
    expect(session.refusal('nowhere')).toMatchObject({ kind: 'refused' });
  });

  test('a text that WhatsApp refuses is not sent: the reason names the code', async () => {
    const sender = await openBot();
    simulator.account().outgoingFault = 463;
    expect(await deliver(sender, textToAna(sender))).toEqual({
      kind: 'refused',
      reason: expect.stringMatching(/^WhatsApp refused it with code 463: /),
    });
    simulator.account().outgoingFault = 999;
    expect(await deliver(sender, textToAna(sender))).toMatchObject({
      reason: 'WhatsApp refused it with code 999',
    });
    simulator.account().outgoingFault = null;
    await send(sender, textToAna(sender));
  });

  test('a text that WhatsApp does not answer in time may have been sent', async () => {
    const clock = new ManualClock();
    const sender = await openBot({ clock, storage: await pairedStorage() });
    simulator.account().outgoingFault = 'lost';
    const timers = clock.pendingTimers;
    const delivery = deliver(sender, textToAna(sender));
    await vi.waitUntil(() => clock.pendingTimers > timers);
    clock.advance(20_000);
    expect(await delivery).toMatchObject({ kind: 'unknown' });
  });

  test('a text that waits for its answer when the connection ends may have been sent', async () => {
    const sender = await openBot();
    simulator.account().outgoingFault = 'unanswered';
    const text = textToAna(sender);
    const delivery = deliver(sender, text);
    await simulator.events.waitFor('bot_message', ({ messageId }) => messageId === text.providerMessageId);
    simulator.account().drop();
    expect(await delivery).toMatchObject({ kind: 'unknown', reason: 'the connection to WhatsApp ended' });
  });

  test.each([
    ['ack', 'sent'],
    ['receipt', 'sent'],
    ['refusal', 'refused'],
  ] as const)(
    'a text whose %s comes late is known to be %s, over the next connection too',
    async (by, kind) => {
      const sender = await openBot();
      simulator.account().outgoingFault = 'unanswered';
      const text = textToAna(sender);
      const delivery = deliver(sender, text);
      await simulator.events.waitFor('bot_message', ({ messageId }) => messageId === text.providerMessageId);
      const from = sender.statuses.length;
      simulator.account().drop();
      expect(await delivery).toMatchObject({ kind: 'unknown' });
      await sender.untilStatus('open', from);
      simulator.account().answerLate(by);
      expect(await sender.untilAnswered(text.providerMessageId)).toMatchObject({ kind });
    },
  );

  test('a receipt that comes in time says that the text was sent', async () => {
    const sender = await openBot();
    simulator.account().outgoingFault = 'unanswered';
    const text = textToAna(sender);
    const delivery = deliver(sender, text);
    await simulator.events.waitFor('bot_message', ({ messageId }) => messageId === text.providerMessageId);
    simulator.account().answerLate('receipt');
    expect(await delivery).toEqual({ kind: 'sent' });
  });

  test('nothing went out of a text that was not written when the connection ended', async () => {
    const sender = await openBot();
    const answers = vi.spyOn(Connection.prototype, 'send').mockReturnValue();
    onTestFinished(() => answers.mockRestore());
    const delivery = deliver(sender, textToAna(sender));
    // What Baileys asks before it can write the text: on which devices it is read. The answer does not go out.
    await vi.waitUntil(() => answers.mock.calls.some(([stanza]) => getBinaryNodeChild(stanza, 'usync')));
    simulator.account().drop();
    expect(await delivery).toMatchObject({ kind: 'unsent' });
  });
});

async function mediumOf(receiver: WhatsAppBot) {
  await simulator.say('Ana', { image: 0 });
  await receiver.untilReceived(1);
  const [message] = receiver.storage.received;
  if (message?.media == null) throw new Error('expected a picture');
  return { key: message.key satisfies ProviderKey, media: message.media };
}

describe('asking for a medium again', () => {
  test('the phone uploads it, under a new path', async () => {
    const receiver = await openBot();
    const { key, media } = await mediumOf(receiver);
    const path = await receiver.session.requestReupload(key, media, AbortSignal.timeout(10_000));
    expect(path).not.toBe(media.directPath);
    const response = await fetch(new URL(path, receiver.session.mediaOrigin()));
    expect(response.status).toBe(200);
  });

  test('a session that reconnects asks once it is open again', async () => {
    const receiver = await openBot();
    const { key, media } = await mediumOf(receiver);
    await receiver.session.untilOpen(AbortSignal.abort());
    simulator.account().drop();
    await receiver.untilStatus('closed', receiver.statuses.length);
    await receiver.session.untilOpen(AbortSignal.timeout(10_000));
    const path = await receiver.session.requestReupload(key, media, AbortSignal.timeout(10_000));
    expect(path).not.toBe(media.directPath);
    await receiver.session.stop();
    await expect(receiver.session.untilOpen(AbortSignal.timeout(10))).rejects.toThrow('timeout');
  });

  test('a phone without it says so, and a phone that is off is waited for until the signal', async () => {
    const receiver = await openBot();
    const { key, media } = await mediumOf(receiver);
    simulator.account().reuploadOutcome = 'not_found';
    const refused = receiver.session.requestReupload(key, media, AbortSignal.timeout(10_000));
    await expect(refused).rejects.toMatchObject({ code: 'not_found' });
    simulator.account().phoneOnline = false;
    const deadline = new AbortController();
    const waiting = receiver.session.requestReupload(key, media, deadline.signal);
    deadline.abort(new Error('too late'));
    await expect(waiting).rejects.toThrow('too late');
  });

  test('a connection that ends meanwhile ends the wait', async () => {
    const receiver = await openBot();
    const { key, media } = await mediumOf(receiver);
    simulator.account().phoneOnline = false;
    const waiting = receiver.session.requestReupload(key, media, AbortSignal.timeout(60_000));
    simulator.account().drop();
    await expect(waiting).rejects.toMatchObject({ code: 'link_closed' });
  });
});
