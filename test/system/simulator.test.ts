import { once } from 'node:events';
import { createDecipheriv, createHash } from 'node:crypto';
import { type BinaryNode, getMediaKeys, initAuthCreds } from '@whiskeysockets/baileys';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { Account } from '../../src/simulator/account.ts';
import { DEMO_GROUP, demoScenario } from '../../src/simulator/demo-scenario.ts';
import { simulatorEndpoint } from '../../src/simulator/endpoint.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { gate } from '../support/actor-kit.ts';
import { BaileysBot, type ReceivedUpsert } from '../support/baileys-bot.ts';

interface MediaNode {
  readonly directPath?: string | null;
  readonly mediaKey?: Uint8Array | null;
  readonly fileEncSha256?: Uint8Array | null;
}

let simulator: Simulator;
const bots: BaileysBot[] = [];

beforeEach(async () => {
  simulator = await startSimulator();
});
afterEach(async () => {
  await Promise.all(bots.splice(0).map((bot) => bot.stop()));
  await simulator.close();
});

type BotOptions = ConstructorParameters<typeof BaileysBot>[2];

function newBot(auth?: BaileysBot['auth'], options?: BotOptions): BaileysBot {
  const bot = new BaileysBot(simulator.endpoint, auth, options);
  bots.push(bot);
  return bot.start();
}

async function pairedBot(options?: BotOptions) {
  const bot = newBot(undefined, options);
  await simulator.scan(await bot.qr());
  await bot.opened();
  return bot;
}

const receiptOf = (messageId: string) =>
  simulator.events.waitFor('receipt', (event) => event.messageId === messageId && event.kind !== 'retry');
const receipts = () => simulator.events.of('receipt').map(({ messageId }) => messageId);
const wordsOf = ({ message }: ReceivedUpsert) => message.message?.conversation;

async function plaintextOf(node: MediaNode | null | undefined, type: 'image' | 'document'): Promise<Buffer> {
  const response = await fetch(`${simulator.endpoint.mediaOrigin}${node?.directPath}`);
  const ciphertext = Buffer.from(await response.arrayBuffer());
  expect(createHash('sha256').update(ciphertext).digest()).toEqual(Buffer.from(node?.fileEncSha256 ?? []));
  const { cipherKey, iv } = await getMediaKeys(node?.mediaKey, type);
  const aes = createDecipheriv('aes-256-cbc', cipherKey, iv);
  return Buffer.concat([aes.update(ciphertext.subarray(0, -10)), aes.final()]);
}

describe('pairing', () => {
  test('several bots pair by QR code, each with an account of its own', async () => {
    const [first, second] = [await pairedBot(), await pairedBot()];
    expect(simulator.account().devices.size).toBe(1);
    expect(first.socket.user?.id).not.toBe(second.socket.user?.id);
    expect(simulator.events.of('paired')).toHaveLength(2);
  });

  test('bots that pair at the same time have an account of their own, too', async () => {
    const waiting = [newBot(), newBot(), newBot()];
    const codes = await Promise.all(waiting.map((bot) => bot.qr()));
    const phones = await Promise.all(codes.map((qr) => simulator.scan(qr)));
    expect(new Set(phones).size).toBe(3);
    await Promise.all(waiting.map((bot) => bot.opened()));
  });

  test('a bot pairs by the code that its owner types', async () => {
    const bot = newBot();
    await bot.qr();
    const code = await bot.socket.requestPairingCode('4915550007777');
    await simulator.events.waitFor('pairing_code', ({ bot: phone }) => phone === '4915550007777');
    await simulator.typePairingCode('4915550007777', code);
    await bot.opened();
    expect(bot.socket.user?.id).toBe('4915550007777:1@s.whatsapp.net');
  });

  test('a wrong pairing code is refused', async () => {
    const bot = newBot();
    await bot.qr();
    await bot.socket.requestPairingCode('4915550007777');
    await simulator.events.waitFor('pairing_code');
    await expect(simulator.typePairingCode('4915550007777', 'WRONGWRO')).rejects.toMatchObject({
      code: 'token_wrong',
    });
    expect(simulator.account('4915550007777').devices.size).toBe(0);
  });

  test('a QR code that no connected bot shows is not found', async () => {
    await expect(simulator.scan('https://wa.me/settings/linked_devices#a,b,c,d,e')).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('what a bot receives', () => {
  test('a text of a person who is addressed by phone number', async () => {
    const bot = await pairedBot();
    const ana = simulator.person('Ana');
    const { messageId } = await simulator.say('Ana', { text: 'Hello' });
    const received = await bot.message(messageId);
    expect(wordsOf(received)).toBe('Hello');
    expect(received.type).toBe('notify');
    expect(received.message.pushName).toBe('Ana');
    expect(received.message.key).toMatchObject({
      remoteJid: ana.identity.pn,
      remoteJidAlt: ana.identity.lid,
      fromMe: false,
    });
  });

  test('a text of a person who is addressed by LID', async () => {
    const bot = await pairedBot();
    const bruno = simulator.person('Bruno', { addressing: 'lid' });
    const { messageId, chat } = await simulator.say('Bruno', { text: 'Hi' });
    const { message } = await bot.message(messageId);
    expect(chat).toBe(bruno.identity.lid);
    expect(message.key).toMatchObject({ remoteJid: bruno.identity.lid, remoteJidAlt: bruno.identity.pn });
  });

  test.each(['pn', 'lid'] as const)('texts in a group whose members go by %s', async (addressing) => {
    const bot = await pairedBot();
    const group = simulator.group('Family', ['Ana', 'Bruno'], { addressing });
    const sent = await simulator.play([
      { from: 'Ana', in: 'Family', text: 'one' },
      { from: 'Ana', in: 'Family', text: 'two' },
      { from: 'Bruno', in: 'Family', text: 'three' },
    ]);
    for (const { messageId, words, from } of sent) {
      const received = await bot.message(messageId);
      const { identity } = simulator.person(from);
      expect(wordsOf(received)).toBe(words);
      expect(received.message.key).toMatchObject({
        remoteJid: group.jid,
        participant: addressing === 'lid' ? identity.lid : identity.pn,
        participantAlt: addressing === 'lid' ? identity.pn : identity.lid,
      });
    }
    // A sender key that reached the bot once opens all that follows.
    expect(simulator.events.of('retry')).toEqual([]);
  });

  test('two bots of one group receive the same message under the same id', async () => {
    const [first, second] = [await pairedBot(), await pairedBot()];
    const phones = simulator.events.of('paired').map(({ bot }) => bot);
    simulator.group('Family', ['Ana'], { bots: phones });
    const { messageId } = await simulator.say('Ana', { text: 'all' }, { in: 'Family' });
    expect(wordsOf(await first.message(messageId))).toBe('all');
    expect(wordsOf(await second.message(messageId))).toBe('all');
  });

  test('wrapped content, and a medium that decrypts to what was sent', async () => {
    const bot = await pairedBot();
    const bytes = Buffer.from('%PDF-1.4 not quite');
    const { messageId, sha256 } = await simulator.say('Ana', {
      document: bytes,
      fileName: 'a.pdf',
      caption: 'the plan',
    });
    const { message } = await bot.message(messageId);
    const document = message.message?.documentWithCaptionMessage?.message?.documentMessage;
    expect(document).toMatchObject({ caption: 'the plan', fileName: 'a.pdf', mimetype: 'application/pdf' });
    expect(await plaintextOf(document, 'document')).toEqual(bytes);
    expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test("what the account's owner writes on the phone comes as the bot's own, in the other person's chat", async () => {
    const bot = await pairedBot();
    const ana = simulator.person('Ana');
    const { owner } = simulator.account();
    const { messageId } = await owner.send(simulator.directChat('Ana'), { text: 'by hand' });
    const { message } = await bot.message(messageId);
    expect(message.message?.conversation).toBe('by hand');
    expect(message.key).toMatchObject({ remoteJid: ana.identity.pn, fromMe: true });
    await receiptOf(messageId);
    expect(simulator.account().reachableDevices[0]?.mailbox.size).toBe(0);
  });
});

describe('messages are kept until their receipt', () => {
  test('what is sent while the bot is away comes at its login, before the end of the backlog is told', async () => {
    const bot = await pairedBot();
    const { messageId: first } = await simulator.say('Ana', { text: 'first' });
    await receiptOf(first);
    await bot.stop();
    await simulator.events.waitFor('disconnect');

    const sent = await simulator.play([
      { from: 'Ana', text: 'one' },
      { from: 'Ana', text: 'two' },
      { from: 'Bruno', text: 'three' },
    ]);
    const order: string[] = [];
    const again = newBot(bot.auth);
    again.socket.ws.on('CB:message', ({ attrs }: BinaryNode) => order.push(`${attrs['offline']}`));
    again.socket.ws.on('CB:ib,,offline', ({ content }: BinaryNode) => order.push(JSON.stringify(content)));
    for (const { messageId, words } of sent) {
      const received = await again.message(messageId);
      expect(wordsOf(received)).toBe(words);
      expect(received.type).toBe('append');
    }
    expect(order).toEqual(['0', '0', '0', JSON.stringify([{ tag: 'offline', attrs: { count: '3' } }])]);
    expect(simulator.events.of('login').at(-1)).toMatchObject({ backlog: 3 });
  });

  test('a message whose receipt got lost is delivered again, until a receipt comes', async () => {
    const bot = await pairedBot();
    const account = simulator.account();
    account.receiptDelayMs = Number.POSITIVE_INFINITY;
    const { messageId } = await simulator.say('Ana', { text: 'again?' });
    await bot.message(messageId);
    account.drop();
    await bot.closed();
    expect(receipts()).toEqual([]);

    account.receiptDelayMs = 0;
    newBot(bot.auth);
    // Baileys has used up the key of this ciphertext, and says so: that, too, ends the delivery.
    const { code } = await simulator.events.waitFor('refused', (event) => event.messageId === messageId);
    expect(code).toBe('487');
    expect(simulator.events.of('delivered').filter((event) => event.messageId === messageId)).toHaveLength(2);
    expect(account.reachableDevices[0]?.mailbox.size).toBe(0);
  });

  test('a message that was delivered into a frozen link comes again', async () => {
    const bot = await pairedBot();
    const account = simulator.account();
    account.freeze();
    const { messageId } = await simulator.say('Ana', { text: 'anybody there?' });
    account.drop();
    await bot.closed();
    const again = newBot(bot.auth);
    const received = await again.message(messageId);
    expect(wordsOf(received)).toBe('anybody there?');
    expect(received.type).toBe('append');
  });

  test('the receipts of a large backlog come before any of its events', async () => {
    const bot = await pairedBot();
    await bot.stop();
    await simulator.events.waitFor('disconnect');
    const texts = Array.from({ length: 40 }, (_, index) => ({ from: 'Ana', text: `${index}` }));
    const sent = await simulator.play(texts);
    const again = newBot(bot.auth);
    await receiptOf(sent.at(-1)?.messageId ?? '');
    expect(again.received).toEqual([]);
    await again.message(sent.at(-1)?.messageId ?? '');
    expect(again.received.map(wordsOf)).toEqual(texts.map(({ text }) => text));
  });
});

describe('retry receipts', () => {
  // With it Baileys asks the sender at once; without, it waits for two seconds first.
  const prompt: BotOptions = { enableRecentMessageCache: true };

  test('a message that the bot cannot decrypt comes again under the same id, in a fresh session', async () => {
    const bot = await pairedBot(prompt);
    await receiptOf((await simulator.say('Ana', { text: 'first' })).messageId);
    bot.auth.keys.forget('session');
    const { messageId } = await simulator.say('Ana', { text: 'lost and found' });
    expect(wordsOf(await bot.message(messageId))).toBe('lost and found');
    expect(simulator.events.of('retry')).toMatchObject([{ messageId, attempt: 1, granted: true }]);
    await receiptOf(messageId);
  });

  test('in a group the lost sender key comes along', async () => {
    const bot = await pairedBot(prompt);
    simulator.group('Family', ['Ana']);
    await receiptOf((await simulator.say('Ana', { text: 'one' }, { in: 'Family' })).messageId);
    bot.auth.keys.forget('sender-key');
    const { messageId } = await simulator.say('Ana', { text: 'two' }, { in: 'Family' });
    expect(wordsOf(await bot.message(messageId))).toBe('two');
    const third = await simulator.say('Ana', { text: 'three' }, { in: 'Family' });
    expect(wordsOf(await bot.message(third.messageId))).toBe('three');
    expect(simulator.events.of('retry')).toHaveLength(1);
  });
});

describe('what a bot sends', () => {
  test.each(['pn', 'lid'] as const)('a reply reaches a correspondent who goes by %s', async (addressing) => {
    const bot = await pairedBot();
    simulator.person('Ana', { addressing });
    const { messageId, chat } = await simulator.say('Ana', { text: 'Ping' });
    const { message } = await bot.message(messageId);
    const reply = await bot.socket.sendMessage(chat, { text: 'Pong' }, { quoted: message });
    const read = await simulator.events.waitFor('bot_message');
    expect(read).toMatchObject({
      reader: 'Ana',
      text: 'Pong',
      quotedId: messageId,
      messageId: reply?.key.id,
      decrypted: true,
    });
  });

  test('a bot writes first to somebody it never heard from', async () => {
    const bot = await pairedBot();
    const { pn } = simulator.person('Ana').identity;
    expect(await bot.socket.onWhatsApp(pn)).toEqual([{ jid: pn, exists: true }]);
    await bot.socket.sendMessage(pn, { text: 'Good morning' });
    expect(await simulator.events.waitFor('bot_message')).toMatchObject({
      reader: 'Ana',
      text: 'Good morning',
    });
    const { messageId } = await simulator.say('Ana', { text: 'Who are you?' });
    expect(wordsOf(await bot.message(messageId))).toBe('Who are you?');
  });

  test('every member of a group reads what the bot writes there, message after message', async () => {
    const bot = await pairedBot();
    const { jid } = simulator.group('Family', ['Ana', 'Bruno']);
    for (const text of ['one', 'two']) {
      await bot.socket.sendMessage(jid, { text });
      for (const name of ['Ana', 'Bruno']) {
        await simulator.events.waitFor(
          'bot_message',
          (event) => event.reader === name && event.text === text,
        );
      }
    }
    expect(await bot.socket.groupMetadata(jid)).toMatchObject({ subject: 'Family', addressingMode: 'lid' });
  });

  test('S4: what WhatsApp has acknowledged is read though the bot is gone by then', async () => {
    const bot = await pairedBot();
    const { identity, party } = simulator.person('Ana');
    const opened = gate();
    const open = party.open.bind(party);
    vi.spyOn(party, 'open').mockImplementation(async (...args) => {
      await opened.passed;
      return open(...args);
    });
    for (const text of ['one', 'two']) {
      const acknowledged = once(bot.socket.ws, 'CB:ack,class:message');
      await bot.socket.sendMessage(identity.pn, { text });
      await acknowledged;
    }
    const afterSeq = simulator.events.lastSeq;
    simulator.account().drop();
    await simulator.events.waitFor('disconnect', () => true, { afterSeq });
    opened.open();
    await simulator.events.waitFor('bot_message', ({ text }) => text === 'two');
    expect(simulator.events.of('bot_message').map(({ text }) => text)).toEqual(['one', 'two']);
  });
});

describe('troubles', () => {
  test.each([
    ['a stream error 503', 503, (account: Account) => account.endStream(503)],
    ['a replaced connection', 440, (account: Account) => account.replace()],
    ['a removed device', 401, (account: Account) => account.logOut()],
    ['a dropped line', 428, (account: Account) => account.drop()],
  ] as const)('%s closes the bot with %i', async (_name, code, trouble) => {
    const bot = await pairedBot();
    trouble(simulator.account());
    expect(await bot.closed()).toBe(code);
  });

  test('a device that was removed is not let in again', async () => {
    const bot = await pairedBot();
    simulator.account().logOut();
    await bot.closed();
    expect(await newBot(bot.auth).closed()).toBe(401);
  });

  test('a device that cannot prove itself with its Noise key is not let in', async () => {
    const { auth } = await pairedBot();
    const { noiseKey } = initAuthCreds();
    const impostor = newBot({ ...auth, creds: { ...auth.creds, noiseKey } });
    expect(await impostor.closed()).toBe(401);
  });

  test('a login is refused by choice, then allowed again', async () => {
    const bot = await pairedBot();
    await bot.stop();
    simulator.account().loginFailure = 403;
    expect(await newBot(bot.auth).closed()).toBe(403);
    simulator.account().loginFailure = null;
    await newBot(bot.auth).opened();
  });

  test('a second login of the same device replaces the first', async () => {
    const bot = await pairedBot();
    await newBot(bot.auth).opened();
    expect(await bot.closed()).toBe(440);
  });

  test('connections are reset by choice, then let in again', async () => {
    simulator.refusal = 'reset';
    expect(await newBot().closed()).toBe(408);
    simulator.refusal = null;
    await newBot().qr();
  });

  test('connections are refused with an HTTP status by choice', async () => {
    simulator.refusal = 503;
    const socket = new WebSocket(simulator.endpoint.socketUrl);
    const [error] = await once(socket, 'error');
    expect(String(error)).toContain('503');
  });
});

describe('media', () => {
  test('the phone uploads a medium again, whatever befell the first copy', async () => {
    const bot = await pairedBot();
    const { messageId } = await simulator.say('Ana', {
      image: 5_000,
      fault: { kind: 'status', status: 410 },
    });
    const { message } = await bot.message(messageId);
    const before = message.message?.imageMessage?.directPath ?? '';
    expect((await fetch(simulator.endpoint.mediaOrigin + before)).status).toBe(410);
    const renewed = await bot.socket.updateMediaMessage(message);
    const image = renewed.message?.imageMessage;
    expect(image?.directPath).not.toBe(before);
    expect((await plaintextOf(image, 'image')).length).toBe(5_000);
  });

  test('the phone refuses, or is offline and says nothing', async () => {
    const bot = await pairedBot();
    const account = simulator.account();
    const { messageId } = await simulator.say('Ana', { image: 0 });
    const { message } = await bot.message(messageId);
    account.reuploadOutcome = 'not_found';
    await expect(bot.socket.updateMediaMessage(message)).rejects.toThrow('NOT_FOUND');
    account.phoneOnline = false;
    void bot.socket.updateMediaMessage(message).catch(() => {});
    const offline = await simulator.events.waitFor('reupload', ({ outcome }) => outcome === 'unanswered');
    expect(offline.messageId).toBe(messageId);
  });
});

const idOf = ({ messageId }: { messageId: string }) => messageId;
const byId = (left: { messageId: string }, right: { messageId: string }) =>
  left.messageId.localeCompare(right.messageId);

const playDemo = async (seed: string) => {
  const other = await startSimulator({ seed });
  const bot = new BaileysBot(other.endpoint).start();
  bots.push(bot);
  await other.scan(await bot.qr());
  other.group(DEMO_GROUP.name, DEMO_GROUP.members);
  const sent = await other.play(demoScenario);
  await other.close();
  return sent.map(({ chat, messageId, sha256 }) => ({ chat, messageId, sha256 })).toSorted(byId);
};

describe('scenarios', () => {
  test('the demo is delivered in full, each chat in its order', async () => {
    const bot = await pairedBot();
    simulator.group(DEMO_GROUP.name, DEMO_GROUP.members);
    const sent = await simulator.play(demoScenario);
    expect(sent).toHaveLength(demoScenario.length - 1);
    for (const { messageId } of sent) await bot.message(messageId);
    const delivered = Map.groupBy(simulator.events.of('delivered'), (event) => event.chat);
    for (const [chat, messages] of Map.groupBy(sent, (message) => message.chat)) {
      expect(delivered.get(chat)?.map(idOf)).toEqual(messages.map(idOf));
    }
  });

  test('the same seed gives the same people, ids and media', async () => {
    const [first, second, third] = [await playDemo('a'), await playDemo('a'), await playDemo('b')];
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
  });
});

test('a bot pairs, is written to and troubled over HTTP alone', async () => {
  const { mediaOrigin } = simulator.endpoint;
  const post = async (path: string, body: object) => {
    const response = await fetch(mediaOrigin + path, { method: 'POST', body: JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const endpoint = simulatorEndpoint.parse(await (await fetch(`${mediaOrigin}/endpoint.json`)).json());
  expect(endpoint).toEqual(simulator.endpoint);
  const bot = new BaileysBot(endpoint).start();
  bots.push(bot);
  expect(await post('/scan', { qr: await bot.qr() })).toMatchObject({ status: 200 });
  await bot.opened();

  const sent = await post('/send', { from: 'Ana', voice: 100, id: 'VOICE1' });
  expect(sent.body).toMatchObject({ messageId: 'VOICE1', kind: 'voice', from: 'Ana' });
  expect((await bot.message('VOICE1')).message.message?.audioMessage?.ptt).toBe(true);

  const said = { error: expect.stringContaining('expected one of text, image, voice') };
  expect(await post('/send', { from: 'Ana', audio: 1 })).toMatchObject({ status: 400, body: said });
  expect(await post('/send', { from: 'Ana', in: 'Nowhere', text: 'x' })).toMatchObject({ status: 404 });
  expect(await post('/nothing', {})).toMatchObject({ status: 404 });

  await post('/drop', {});
  expect(await bot.closed()).toBe(428);
  const events = await (await fetch(`${mediaOrigin}/events.json?after=1`)).json();
  expect(events).toContainEqual(expect.objectContaining({ type: 'disconnect' }));
  expect(events).not.toContainEqual(expect.objectContaining({ seq: 1 }));
});
