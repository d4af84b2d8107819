import { deflateSync } from 'node:zlib';
import { proto } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/log.ts';
import { AuthState, pendingHistory } from '../../../../src/gateway/whatsapp/auth-state.ts';
import { HistorySync } from '../../../../src/gateway/whatsapp/history-sync.ts';
import type { ReceptionPolicy, StanzaAttributes } from '../../../../src/gateway/whatsapp/identity.ts';
import { Reception } from '../../../../src/gateway/whatsapp/reception.ts';
import { createSessionMemory } from '../../../../src/gateway/whatsapp/session-memory.ts';
import { socketSettings } from '../../../../src/gateway/whatsapp/socket-settings.ts';
import { hastyClock } from '../../../support/hasty-clock.ts';
import { MemorySessionStorage } from '../../../support/memory-session-storage.ts';

const { INITIAL_BOOTSTRAP, RECENT, FULL, PUSH_NAME, ON_DEMAND } = proto.HistorySync.HistorySyncType;
const { CIPHERTEXT } = proto.WebMessageInfo.StubType;
const BOT = 'bot';
const OWN = '4915110000001@s.whatsapp.net';
const ALICE = '4915120000002@s.whatsapp.net';
const BOB = '4915120000003@s.whatsapp.net';
const GROUP = '120363000000000001@g.us';
const PEER: StanzaAttributes = { from: OWN, id: 'PEER', t: '1', category: 'peer' };
const HOUR_MS = 3_600_000;
const clock = hastyClock();

type Chats = Readonly<Record<string, readonly proto.IWebMessageInfo[]>>;

const hoursAgo = (hours: number): number => Math.floor((clock.now() - hours * HOUR_MS) / 1_000);

const said = (
  remoteJid: string,
  id: string,
  hours: number,
  message: proto.IMessage | null = { conversation: id },
  key: proto.IMessageKey = {},
): proto.IWebMessageInfo => ({
  key: { remoteJid, id, fromMe: false, ...key },
  messageTimestamp: hoursAgo(hours),
  ...(message === null ? { messageStubType: CIPHERTEXT } : { message }),
});

const syncOf = (chats: Chats): Uint8Array =>
  proto.HistorySync.encode(
    proto.HistorySync.fromObject({
      syncType: RECENT,
      progress: 100,
      conversations: Object.entries(chats).map(([id, infos]) => ({
        id,
        name: 'Trip',
        lastMsgTimestamp: 1,
        messages: infos.map((message) => ({ message, msgOrderId: 1 })),
      })),
      phoneNumberToLidMappings: [{ pnJid: ALICE, lidJid: '1@lid' }],
    }),
  ).finish();

const notificationOf = (payload: Uint8Array, syncType = RECENT, directPath = ''): Uint8Array =>
  proto.Message.encode(
    proto.Message.fromObject({
      protocolMessage: {
        type: proto.Message.ProtocolMessage.Type.HISTORY_SYNC_NOTIFICATION,
        historySyncNotification: {
          syncType,
          initialHistBootstrapInlinePayload: payload,
          directPath,
          mediaKey: Buffer.alloc(32),
        },
      },
    }),
  ).finish();

interface DeviceOptions {
  readonly storage?: MemorySessionStorage;
  readonly days?: number | null;
  readonly policy?: ReceptionPolicy;
  readonly onChat?: () => void;
}

/** A linked device whose connection begins now. */
function device({
  storage = new MemorySessionStorage(),
  days = 7,
  policy = { groups: 'all' },
  onChat = () => {},
}: DeviceOptions = {}) {
  const lifetime = new AbortController();
  const auth = new AuthState(BOT, storage, () => lifetime.abort());
  const account = () => ({ jids: [OWN], policy });
  const reception = new Reception({
    botId: BOT,
    auth,
    memory: createSessionMemory(),
    log: silentLogger,
    account,
    askGroupName: () => Promise.reject(new Error('nobody is there')),
    received: () => {},
  });
  const history = new HistorySync({
    days,
    origin: 'http://127.0.0.1:9',
    auth,
    account,
    clock,
    signal: lifetime.signal,
    log: silentLogger,
    interpret: (info) => reception.interpretKept(info),
    received: (messages) => reception.received(messages),
    learnGroupName: (jid, name) => {
      onChat();
      reception.learnGroupName(jid, name);
    },
  });
  /** What one stanza of the phone leads to. */
  const hears = async (plaintext: Uint8Array, attributes = PEER): Promise<void> => {
    await history.remember(attributes, plaintext, auth.keys);
    await history.forBaileys(attributes, plaintext);
    await history.takeUp();
  };
  return {
    history,
    storage,
    hears,
    hearsOf: (chats: Chats, syncType = RECENT) => hears(notificationOf(deflateSync(syncOf(chats)), syncType)),
    texts: () => storage.received.map(({ wire }) => wire.message),
    pending: () => pendingHistory(new AuthState(BOT, storage, () => {}).keys),
  };
}

const many = (count: number): Chats => ({
  [ALICE]: Array.from({ length: count }, (_, index) => said(ALICE, `message ${count - index}`, index / 60)),
});

describe('history that is taken', () => {
  test('H4: is told chat by chat and oldest first, whatever its order at the phone', async () => {
    const { hearsOf, texts } = device();
    await hearsOf({
      [ALICE]: [said(ALICE, 'third', 1), said(ALICE, 'first', 30), said(ALICE, 'second', 2)],
      [BOB]: [said(BOB, 'later of one second', 40), said(BOB, 'sooner of one second', 40)],
    });
    expect(texts()).toEqual(['first', 'second', 'third', 'sooner of one second', 'later of one second']);
  });

  test('reads as what comes by itself does, and is backlog', async () => {
    const { hearsOf, storage } = device();
    const quotes = { stanzaId: 'Q', quotedMessage: { conversation: 'see you?' } };
    const picture = { directPath: '/v/picture', mediaKey: Buffer.alloc(32), caption: 'look' };
    await hearsOf({
      [ALICE]: [
        {
          ...said(ALICE, 'A', 4, { extendedTextMessage: { text: 'yes', contextInfo: quotes } }),
          pushName: 'Al',
        },
        said(ALICE, 'B', 3, { ephemeralMessage: { message: { imageMessage: picture } } }),
        said(ALICE, 'C', 2, { conversation: 'mine' }, { fromMe: true }),
      ],
      [GROUP]: [said(GROUP, 'D', 1, { conversation: 'to all' }, { participant: BOB })],
    });
    expect(storage.received).toMatchObject([
      {
        key: { remoteJid: ALICE, participant: null, id: 'A', fromMe: false },
        wire: {
          message: 'yes',
          sender: ALICE,
          display_name: 'Al',
          originating_time: hoursAgo(4) * 1_000,
          quoted: { provider_message_id: 'Q', text: 'see you?' },
          backlog: true,
        },
      },
      { wire: { message: 'look' }, media: { kind: 'image', directPath: '/v/picture' } },
      { key: { fromMe: true }, wire: { sender: OWN, recipient_id: ALICE, source: 'user_outgoing' } },
      {
        key: { remoteJid: GROUP, participant: BOB },
        wire: { group: { id: GROUP, name: 'Trip' }, actual_sender: BOB, backlog: true },
      },
    ]);
  });

  test('has nothing too old, without content, or of no chat of people', async () => {
    const { hearsOf, texts } = device({ days: 1.5 });
    await hearsOf({
      [ALICE]: [said(ALICE, 'in time', 35), said(ALICE, 'too old', 37), said(ALICE, 'stub', 1, null)],
      'status@broadcast': [said('status@broadcast', 'a status', 1, undefined, { participant: BOB })],
      '1@broadcast': [said('1@broadcast', 'a list', 1)],
      '1@newsletter': [said('1@newsletter', 'a channel', 1)],
    });
    expect(texts()).toEqual(['in time']);
  });

  test('has no groups where the policy says so', async () => {
    const { hearsOf, texts } = device({ policy: { groups: 'none' } });
    const participant = { participant: BOB };
    await hearsOf({ [GROUP]: [said(GROUP, 'to all', 1, undefined, participant)], ...many(1) });
    expect(texts()).toEqual(['message 1']);
  });

  test.each([
    ['INITIAL_BOOTSTRAP', INITIAL_BOOTSTRAP, 1],
    ['RECENT', RECENT, 1],
    ['FULL', FULL, 0],
    ['PUSH_NAME', PUSH_NAME, 0],
    ['ON_DEMAND', ON_DEMAND, 0],
  ])('of type %s', async (_name, syncType, messages) => {
    const { hearsOf, texts } = device();
    await hearsOf(many(1), syncType);
    expect(texts()).toHaveLength(messages);
  });

  test('comes from the own phone alone', async () => {
    const { hears, texts, pending } = device();
    const plaintext = notificationOf(deflateSync(syncOf(many(1))));
    await hears(plaintext, { ...PEER, from: ALICE });
    await hears(plaintext, { from: OWN, id: 'X', t: '1', recipient: ALICE });
    expect(await pending()).toEqual([]);
    expect(texts()).toEqual([]);
  });

  test('is looked through and committed in small parts, and the event loop goes round between them', async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      ticking = setImmediate(count);
    };
    let ticking = setImmediate(count);
    const storage = new MemorySessionStorage();
    const auth = storage.auth(BOT);
    const commits: { readonly size: number; readonly turn: number }[] = [];
    // As the journal on the disk does both: within one turn of the loop.
    storage.readAuth = async (_botId, keys) => new Map(keys.map((key) => [key, auth.get(key) ?? 'null']));
    storage.commit = async (_botId, { puts, deletes }, received) => {
      for (const [key, value] of puts) auth.set(key, value);
      for (const key of deletes) auth.delete(key);
      if (received.length > 0) commits.push({ size: received.length, turn: turns });
    };
    let begun = 0;
    const { hearsOf } = device({ storage, onChat: () => (begun = turns) });
    const inGroup = (nth: number) => said(GROUP, `message ${nth}`, 1, undefined, { participant: BOB });
    await hearsOf({ [GROUP]: Array.from({ length: 1_000 }, (_, nth) => inGroup(nth)) });
    clearImmediate(ticking);
    expect(commits.map(({ size }) => size)).toEqual(Array.from({ length: 40 }, () => 25));
    expect((commits[0]?.turn ?? 0) - begun).toBeGreaterThanOrEqual(40);
    expect(new Set(commits.map(({ turn }) => turn)).size).toBe(40);
  });
});

describe('H1: history that was announced', () => {
  test('is remembered before it is fetched, and taken by the next connection', async () => {
    const { history, storage } = device();
    await history.remember(
      PEER,
      notificationOf(deflateSync(syncOf(many(3)))),
      new AuthState(BOT, storage, () => {}).keys,
    );
    const next = device({ storage });
    expect(await next.pending()).toHaveLength(1);
    await next.history.takeUp();
    expect(next.texts()).toEqual(['message 1', 'message 2', 'message 3']);
    expect(await next.pending()).toEqual([]);
  });

  test('is whole, in order and once, after a storage that failed in the middle', async () => {
    const { hearsOf, storage, texts } = device();
    storage.failNextMessages('lose-answer');
    await hearsOf(many(120));
    expect(texts()).toHaveLength(25);
    const next = device({ storage });
    await next.history.takeUp();
    expect(next.texts()).toEqual(Array.from({ length: 120 }, (_, index) => `message ${index + 1}`));
    expect(await next.pending()).toEqual([]);
  });

  test('and cannot be fetched yet waits for another connection, and holds nothing up', async () => {
    const { hears, hearsOf, texts, pending } = device();
    await hears(notificationOf(Buffer.alloc(0), RECENT, '/v/history'));
    await hearsOf(many(1));
    expect(texts()).toEqual(['message 1']);
    expect(await pending()).toHaveLength(1);
  });

  test('and could not be fetched is not fetched by Baileys', () => {
    const { shouldSyncHistoryMessage: asks } = socketSettings(createSessionMemory());
    expect(asks?.({ syncType: RECENT })).toBe(true);
    expect(asks?.({ syncType: RECENT, directPath: '/v/history' })).toBe(false);
  });

  test.each([
    ['is no history', Buffer.from('no zlib')],
    ['ends early', deflateSync(syncOf(many(2)).subarray(0, -100))],
  ])('and %s is not tried for ever', async (_name, payload) => {
    const { hears, texts, pending } = device();
    await hears(notificationOf(payload));
    expect(texts()).toEqual([]);
    expect(await pending()).toEqual([]);
  });

  test('is left where it is when nobody wants it', async () => {
    const { hearsOf, storage } = device({ days: null });
    await hearsOf(many(1));
    expect(storage.commits).toEqual([]);
  });
});
