import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import {
  addTransactionCapability,
  type AuthenticationCreds,
  DEFAULT_CONNECTION_CONFIG,
  encodeWAMessage,
  generateSignalPubKey,
  initAuthCreds,
  proto,
  unpadRandomMax16,
} from '@whiskeysockets/baileys';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { AuthState } from '../../../../src/gateway/whatsapp/auth-state.ts';
import { baileysLogger, silenceLibsignal } from '../../../../src/gateway/whatsapp/baileys-log.ts';
import { interpret } from '../../../../src/gateway/whatsapp/interpret.ts';
import {
  type HistoryKeeping,
  type Journaling,
  journalingSignal,
} from '../../../../src/gateway/whatsapp/journaling-signal.ts';
import { UNDECRYPTABLE_TEXT, withoutContent } from '../../../../src/gateway/whatsapp/missing-content.ts';
import { RecentMap } from '../../../../src/base/recent-map.ts';
import { Stanzas } from '../../../../src/gateway/whatsapp/stanzas.ts';
import { silentLogger } from '../../../../src/base/log.ts';
import { MemorySessionStorage } from '../../../support/memory-session-storage.ts';

const BOT = 'bot';
const BOT_JID = '4915110000001:1@s.whatsapp.net';
const ALICE_JID = '4915120000002@s.whatsapp.net';
const GROUP = '120363000000000001@g.us';
const PRE_KEY_ID = '1';
const ACCOUNT = { jids: [BOT_JID], policy: { groups: 'all' } } as const;
const LOGGER = baileysLogger(silentLogger);
const ONE_TRY = { maxCommitRetries: 1, delayBetweenTriesMs: 0 };

beforeAll(silenceLibsignal);

type Repository = ReturnType<typeof DEFAULT_CONNECTION_CONFIG.makeSignalRepository>;
type Ciphertext = Awaited<ReturnType<Repository['encryptMessage']>>;
type GroupCiphertext = Awaited<ReturnType<Repository['encryptGroupMessage']>>;

/** A linked device that may lose its memory at any time, but not its storage. */
class Device {
  readonly storage = new MemorySessionStorage();
  readonly creds: AuthenticationCreds = initAuthCreds();
  failures = 0;
  announced = 0;
  #beforeCommit: (() => Promise<void>) | null = null;
  #stanzas = new Stanzas();
  #keys = this.#open();
  #repository = this.#boot();

  /** Whatever was only in memory is gone. */
  crash(): void {
    this.#stanzas = new Stanzas();
    this.#keys = this.#open();
    this.#repository = this.#boot();
  }

  send<T>(encrypt: (repository: Repository) => Promise<T>): Promise<T> {
    return encrypt(this.#repository);
  }

  /** The next decryptions wait before they are committed, until `release`; `reached` resolves when one does. */
  holdCommits(): { readonly reached: Promise<void>; release(): void } {
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#beforeCommit = () => {
      reached.resolve();
      return released.promise;
    };
    return { reached: reached.promise, release: () => released.resolve() };
  }

  /** As Baileys does it: in a transaction of the account. */
  relay<T>(encrypt: (repository: Repository) => Promise<T>): Promise<T> {
    return this.#keys.keys.transaction(() => encrypt(this.#repository), BOT_JID);
  }

  /** The same, cut off: what was encrypted is on its way before the transaction around it has committed. */
  async sendAndCrash<T>(encrypt: (repository: Repository) => Promise<T>): Promise<T> {
    const sent: T[] = [];
    const crash = new Error('killed');
    const sending = this.#keys.keys.transaction(async () => {
      sent.push(await encrypt(this.#repository));
      throw crash;
    }, BOT_JID);
    await sending.catch((error: unknown) => {
      if (error !== crash) throw error;
    });
    this.crash();
    const [ciphertext] = sent;
    if (ciphertext === undefined) throw new Error('expected a ciphertext');
    return ciphertext;
  }

  async publishPreKey(keyPair: { public: Uint8Array; private: Uint8Array }): Promise<void> {
    await new AuthState(BOT, this.storage, () => {}).keys.set({ 'pre-key': { [PRE_KEY_ID]: keyPair } });
  }

  receive(id: string, { type, ciphertext }: Ciphertext): Promise<Uint8Array> {
    const payload = this.#arrived({ id, from: ALICE_JID, t: '1' }, ciphertext);
    return this.#repository.decryptMessage({ jid: ALICE_JID, type, ciphertext: payload });
  }

  receiveInGroup(id: string, ciphertext: Uint8Array): Promise<Uint8Array> {
    const payload = this.#arrived({ id, from: GROUP, participant: ALICE_JID, t: '1' }, ciphertext);
    return this.#repository.decryptGroupMessage({ group: GROUP, authorJid: ALICE_JID, msg: payload });
  }

  joinGroup(item: proto.Message.ISenderKeyDistributionMessage): Promise<void> {
    return this.#repository.processSenderKeyDistributionMessage({ authorJid: ALICE_JID, item });
  }

  get lidMapping(): Repository['lidMapping'] {
    return this.#repository.lidMapping;
  }

  #arrived(attrs: Record<string, string>, ciphertext: Uint8Array): Uint8Array {
    const content = Buffer.from(ciphertext);
    this.#stanzas.note({ tag: 'message', attrs, content: [{ tag: 'enc', attrs: {}, content }] }, attrs);
    return content;
  }

  #open() {
    const auth = new AuthState(BOT, this.storage, () => (this.failures += 1));
    return { auth, keys: addTransactionCapability(auth.keys, LOGGER, ONE_TRY) };
  }

  #boot(): Repository {
    const { auth, keys } = this.#keys;
    const journaling: Journaling = {
      stanzas: this.#stanzas,
      interpret: async (attributes, plaintext) => {
        const interpretation = interpret(attributes, plaintext, ACCOUNT);
        return interpretation.kind === 'message' ? [interpretation.received] : [];
      },
      expectContent: async (attributes) => {
        const message = withoutContent(attributes, UNDECRYPTABLE_TEXT, ACCOUNT);
        if (message !== null) await auth.expectContent(message).catch(() => {});
      },
      received: () => (this.announced += 1),
    };
    const history: HistoryKeeping = {
      remember: async () => this.#beforeCommit?.(),
      forBaileys: async (_attributes, plaintext) => plaintext,
    };
    const makeRepository = journalingSignal(auth.keys, journaling, history);
    return makeRepository({ creds: this.creds, keys }, LOGGER);
  }
}

/** A person's phone, which never crashes. */
class Phone {
  readonly #repository: Repository;

  constructor() {
    const { keys: store } = new AuthState('alice', new MemorySessionStorage(), () => {});
    const keys = addTransactionCapability(store, LOGGER, ONE_TRY);
    this.#repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(
      { creds: initAuthCreds(), keys },
      LOGGER,
    );
  }

  async meet(device: Device): Promise<void> {
    const { creds } = device;
    const preKey = initAuthCreds().signedIdentityKey;
    await device.publishPreKey(preKey);
    await this.#repository.injectE2ESession({
      jid: BOT_JID,
      session: {
        registrationId: creds.registrationId,
        identityKey: generateSignalPubKey(creds.signedIdentityKey.public),
        signedPreKey: {
          keyId: creds.signedPreKey.keyId,
          publicKey: generateSignalPubKey(creds.signedPreKey.keyPair.public),
          signature: creds.signedPreKey.signature,
        },
        preKey: { keyId: Number(PRE_KEY_ID), publicKey: generateSignalPubKey(preKey.public) },
      },
    });
  }

  write(text: string): Promise<Ciphertext> {
    return this.say({ conversation: text });
  }

  say(message: proto.IMessage): Promise<Ciphertext> {
    return this.#repository.encryptMessage({ jid: BOT_JID, data: encodeWAMessage(message) });
  }

  writeInGroup(text: string) {
    const data = encodeWAMessage({ conversation: text });
    return this.#repository.encryptGroupMessage({ group: GROUP, meId: ALICE_JID, data });
  }

  async read({ type, ciphertext }: Ciphertext): Promise<string> {
    return textIn(await this.#repository.decryptMessage({ jid: BOT_JID, type, ciphertext }));
  }

  async readInGroup({ ciphertext, senderKeyDistributionMessage }: GroupCiphertext): Promise<string> {
    const axolotlSenderKeyDistributionMessage = senderKeyDistributionMessage;
    await this.#repository.processSenderKeyDistributionMessage({
      authorJid: BOT_JID,
      item: { groupId: GROUP, axolotlSenderKeyDistributionMessage },
    });
    return textIn(
      await this.#repository.decryptGroupMessage({ group: GROUP, authorJid: BOT_JID, msg: ciphertext }),
    );
  }
}

async function acquainted(): Promise<{ readonly device: Device; readonly phone: Phone }> {
  const device = new Device();
  const phone = new Phone();
  await phone.meet(device);
  return { device, phone };
}

const textIn = (padded: Uint8Array): string =>
  proto.Message.decode(unpadRandomMax16(padded)).conversation ?? '';

const textsOf = (device: Device): readonly string[] =>
  device.storage.received.map(({ wire }) => wire.message);

/** What the bot says, as a step of its ratchets. */
const saying = (conversation: string) => (repository: Repository) =>
  repository.encryptMessage({ jid: ALICE_JID, data: encodeWAMessage({ conversation }) });

const sayingInGroup = (conversation: string) => (repository: Repository) =>
  repository.encryptGroupMessage({ group: GROUP, meId: BOT_JID, data: encodeWAMessage({ conversation }) });

describe('journalingSignal', () => {
  test('addresses are remembered in bounds, whatever Baileys would do', () => {
    expect(Reflect.get(new Device().lidMapping, 'mappingCache')).toBeInstanceOf(RecentMap);
  });

  test('R1: a message is committed together with the ratchet that decrypted it', async () => {
    const { device, phone } = await acquainted();
    await device.receive('1', await phone.write('one'));
    const commit = device.storage.commits.find(({ received }) => received.length > 0);
    expect(commit?.received.map(({ wire }) => wire?.message)).toEqual(['one']);
    expect(commit?.auth.puts.map(([key]) => key)).toContain('session:4915120000002.0');
    expect(commit?.auth.deletes).toEqual([`pre-key:${PRE_KEY_ID}`]);
    expect(device.announced).toBe(1);
  });

  test('R1: so is a group message', async () => {
    const { device, phone } = await acquainted();
    const { ciphertext, senderKeyDistributionMessage } = await phone.writeInGroup('hello all');
    const axolotlSenderKeyDistributionMessage = senderKeyDistributionMessage;
    await device.joinGroup({ groupId: GROUP, axolotlSenderKeyDistributionMessage });
    await device.receiveInGroup('1', ciphertext);
    const commit = device.storage.commits.find(({ received }) => received.length > 0);
    expect(commit?.auth.puts.map(([key]) => key.split(':')[0])).toEqual(['sender-key']);
    expect(textsOf(device)).toEqual(['hello all']);
  });

  test('R1: a sender key is committed together with the ratchet that decrypted it, and learnt once', async () => {
    const { device, phone } = await acquainted();
    const inGroup = await phone.writeInGroup('to all');
    const item = {
      groupId: GROUP,
      axolotlSenderKeyDistributionMessage: inGroup.senderKeyDistributionMessage,
    };
    await device.receive('1', await phone.say({ senderKeyDistributionMessage: item }));
    const commit = device.storage.commits.find(({ auth }) =>
      auth.puts.some(([key]) => key.startsWith('session:')),
    );
    expect(commit?.auth.puts.map(([key]) => key)).toContainEqual(expect.stringContaining('sender-key:'));
    const commits = device.storage.commits.length;
    await device.joinGroup(item);
    expect(device.storage.commits).toHaveLength(commits);
    device.crash();
    await device.receiveInGroup('2', inGroup.ciphertext);
    expect(textsOf(device)).toEqual(['to all']);
  });

  test('a sender key that is none does not keep its message from being read', async () => {
    const { device, phone } = await acquainted();
    const forged = { groupId: GROUP, axolotlSenderKeyDistributionMessage: Buffer.from('nonsense') };
    await device.receive(
      '1',
      await phone.say({ senderKeyDistributionMessage: forged, conversation: 'hello' }),
    );
    expect(textsOf(device)).toEqual(['hello']);
  });

  test('R2: what comes back is durable, and is what Baileys expects', async () => {
    const { device, phone } = await acquainted();
    const padded = await device.receive('1', await phone.write('one'));
    expect(device.storage.has('1')).toBe(true);
    expect(proto.Message.decode(unpadRandomMax16(padded)).conversation).toBe('one');
  });

  test('R2: a commit that fails fails the decryption, and the second delivery decrypts', async () => {
    const { device, phone } = await acquainted();
    const first = await phone.write('one');
    device.storage.failNextMessages('refuse');
    await expect(device.receive('1', first)).rejects.toThrow('the disk is full');
    expect(device).toMatchObject({ failures: 1, announced: 0 });
    device.crash();
    await device.receive('1', first);
    expect(textsOf(device)).toEqual(['one']);
  });

  test('R2: after a failed commit nothing is written, not even that content is missing', async () => {
    const { device, phone } = await acquainted();
    const [first, second] = [await phone.write('one'), await phone.write('two')];
    device.storage.failNextMessages('refuse');
    await expect(device.receive('1', first)).rejects.toThrow('the disk is full');
    await expect(device.receive('2', second)).rejects.toThrow('has ended');
    expect(device.storage.received).toEqual([]);
    expect(device.storage.expected).toEqual([]);
  });

  test('J1: a crash right after the commit loses nothing and doubles nothing', async () => {
    const { device, phone } = await acquainted();
    const [first, second] = [await phone.write('one'), await phone.write('two')];
    device.storage.failNextMessages('lose-answer');
    await expect(device.receive('1', first)).rejects.toThrow('the outcome is unknown');
    device.crash();
    // WhatsApp got no receipt and delivers again: the ratchet has moved on, and the message is there.
    await expect(device.receive('1', first)).rejects.toThrow('Key used already or never filled');
    await device.receive('2', second);
    expect(textsOf(device)).toEqual(['one', 'two']);
    expect(device.storage.expected).toEqual([]);
  });

  test('J1: wherever a device crashes on its way through a conversation, it has every message once', async () => {
    const { device, phone } = await acquainted();
    const texts = Array.from({ length: 12 }, (_, index) => `message ${index}`);
    for (const [index, text] of texts.entries()) {
      const written = await phone.write(text);
      const id = String(index);
      if (index % 3 === 1) device.storage.failNextMessages('refuse');
      if (index % 3 === 2) device.storage.failNextMessages('lose-answer');
      const delivered = await device.receive(id, written).catch(() => null);
      if (delivered !== null) continue;
      device.crash();
      await device.receive(id, written).catch(() => null);
    }
    expect(textsOf(device)).toEqual(texts);
    expect(device.storage).toMatchObject({ duplicates: 0, expected: [] });
  });

  test('R3: a failed decryption is remembered, until the content comes under the same key', async () => {
    const { device, phone } = await acquainted();
    const noise = { type: 'msg', ciphertext: randomBytes(80) } as const;
    await expect(device.receive('1', noise)).rejects.toThrow(/./);
    expect(device.storage.expected.map(({ key }) => key.id)).toEqual(['1']);
    await device.receive('1', await phone.write('again'));
    expect(textsOf(device)).toEqual(['again']);
    expect(device.storage.expected).toEqual([]);
  });

  test('R3: the second delivery of what was no message is not expected to have content', async () => {
    const { device, phone } = await acquainted();
    const album = await phone.say({ albumMessage: { expectedImageCount: 2 } });
    await device.receive('1', album);
    device.crash();
    await expect(device.receive('1', album)).rejects.toThrow('Key used already or never filled');
    expect(device.storage.expected).toEqual([]);
  });

  test('R3: nor is that of a group message', async () => {
    const { device, phone } = await acquainted();
    const { ciphertext, senderKeyDistributionMessage } = await phone.writeInGroup('hello all');
    const axolotlSenderKeyDistributionMessage = senderKeyDistributionMessage;
    await device.joinGroup({ groupId: GROUP, axolotlSenderKeyDistributionMessage });
    await device.receiveInGroup('1', ciphertext);
    device.storage.forgetMessages();
    await expect(device.receiveInGroup('1', ciphertext)).rejects.toThrow('old counter');
    expect(device.storage.expected).toEqual([]);
  });

  test('R4: a text that went out just before a crash has used its key, and the next one is read too', async () => {
    const { device, phone } = await acquainted();
    await device.receive('1', await phone.write('hello'));
    const [first, second] = [
      await device.sendAndCrash(saying('one')),
      await device.sendAndCrash(saying('two')),
    ];
    expect([await phone.read(first), await phone.read(second)]).toEqual(['one', 'two']);
  });

  test('R4: so is the next one in a group', async () => {
    const { device, phone } = await acquainted();
    const texts = [
      await device.send(sayingInGroup('one')),
      await device.sendAndCrash(sayingInGroup('two')),
      await device.sendAndCrash(sayingInGroup('three')),
    ];
    const read: string[] = [];
    for (const text of texts) read.push(await phone.readInGroup(text));
    expect(read).toEqual(['one', 'two', 'three']);
  });

  test('R4: a message that is journalled meanwhile does not give an answer’s key to the next one', async () => {
    const { device, phone } = await acquainted();
    await device.receive('1', await phone.write('hello'));
    const commits = device.holdCommits();
    const receiving = device.receive('2', await phone.write('are you there?'));
    await commits.reached;
    const relaying = device.relay(saying('one'));
    // As far as it comes.
    for (let turn = 0; turn < 100; turn += 1) await setImmediate();
    commits.release();
    const [first] = [await relaying, await receiving];
    const second = await device.relay(saying('two'));
    expect([await phone.read(first), await phone.read(second)]).toEqual(['one', 'two']);
    expect(textsOf(device)).toEqual(['hello', 'are you there?']);
  });

  test('R4: a step that cannot be made durable fails the encryption', async () => {
    const { device, phone } = await acquainted();
    await device.receive('1', await phone.write('hello'));
    vi.spyOn(device.storage, 'commit').mockRejectedValueOnce(new Error('the disk is full'));
    const sending = device.sendAndCrash(saying('one'));
    await expect(sending).rejects.toThrow('the disk is full');
    expect(device.failures).toBe(1);
  });

  test('a failed read ends the session instead of beginning a new one', async () => {
    const { device, phone } = await acquainted();
    await device.receive('1', await phone.write('one'));
    device.storage.failReads(new Error('the disk is gone'));
    await expect(device.receive('2', await phone.write('two'))).rejects.toThrow(/./);
    expect(device.failures).toBe(1);
    expect(textsOf(device)).toEqual(['one']);
  });
});
