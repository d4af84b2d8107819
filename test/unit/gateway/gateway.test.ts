import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { BotRegister } from '../../../src/gateway/bot-register.ts';
import { JournalDatabase } from '../../../src/gateway/journal-database.ts';
import { FrameLog } from '../../../src/gateway/frame-log.ts';
import { MediaLedger } from '../../../src/gateway/media-ledger.ts';
import { SendRegister } from '../../../src/gateway/send-register.ts';
import { StagingFolder } from '../../../src/staging/staging-folder.ts';
import { gatewayBench, picture } from '../../support/gateway-bench.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { file, status } from '../../support/media-server.ts';
import { openJournal } from '../../support/open-journal.ts';
import { received } from '../../support/received-messages.ts';
import { SILENCE } from '../../support/scripted-backend.ts';

const EASY = { config: { media_storage_quota_gb: 1 } };

/** No link that is silent is closed while the test moves the clock. */
const UNHURRIED = { handshakeTimeoutMs: 3_600_000, pingEveryMs: 3_600_000, answerTimeoutMs: 3_600_000 };

describe('messages', () => {
  test('a text is announced, acked, and forgotten', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await session.receive(received('a'), received('b'));
    const frames = await bench.backend.untilFrames('inbound', 2);
    expect(frames.map(({ seq, message }) => [seq, message.message])).toEqual([
      [1, 'text a'],
      [2, 'text b'],
    ]);
    await expect.poll(() => gateway.snapshot().unackedFrames).toBe(0);
  });

  test('a medium is announced at once, as downloading; staged when its file is there', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    const { message, plain } = picture(bench, 'p');
    await session.receive(message, received('after'));
    const [staged] = await bench.backend.untilFrames('media.staged');
    const [announced, text] = bench.backend.ofType('inbound');
    const guid = announced?.message.media_processing_id ?? '';
    expect(announced?.message.media_state).toBe('downloading');
    expect(text?.message.message).toBe('text after');
    expect(staged).toMatchObject({
      guid,
      bytes: plain.length,
      sha256: createHash('sha256').update(plain).digest('hex'),
      mime_type: 'image/jpeg',
    });
    expect(staged?.seq).toBeGreaterThan(text?.seq ?? Infinity);
    expect(await readFile(path.join(bench.dir, 'staging', guid))).toEqual(plain);
  });

  test('X1: what comes without a backend is told to the first one that is there', async () => {
    const bench = await gatewayBench();
    const { gateway } = await bench.startWithBot();
    await gateway.stop();
    bench.backend.upgradeStatus = 503;
    const second = await bench.start();
    const { message } = picture(bench, 'p');
    await bench.sessions.of('bot').receive(message);
    await expect.poll(() => second.snapshot().unackedFrames).toBe(2);
    bench.backend.upgradeStatus = 101;
    await bench.backend.untilFrames('media.staged');
    expect(bench.backend.links.at(-1)?.map(({ type }) => type)).toEqual([
      'hello',
      'bot.status',
      'inbound',
      'media.staged',
    ]);
  });

  test('a nack makes a dead letter; what follows goes on, and no file waits', async () => {
    const bench = await gatewayBench();
    bench.backend.answer = ({ seq }) =>
      seq === 1 ? { type: 'nack', seq, code: 'frame_invalid', reason: 'no' } : { type: 'ack', seq };
    const { gateway, session } = await bench.startWithBot();
    const { message } = picture(bench, 'p');
    await session.receive(message, received('b'));
    await bench.backend.untilFrames('inbound', 2);
    await expect
      .poll(() => gateway.snapshot())
      .toMatchObject({ deadLetters: 1, unackedFrames: 0, stagedBytes: 0 });
    await expect.poll(bench.staged).toEqual([]);
  });
});

/** What the journal does when the disk is full. */
const refuse = (): never => {
  throw new DragomanError('disk_full', 'no room in the journal');
};

test('X2: acks, nacks and wishes that come while the disk is full count once it is not, over the same link', async () => {
  onTestFinished(() => void vi.restoreAllMocks());
  const acks = vi.spyOn(FrameLog.prototype, 'acknowledge').mockImplementationOnce(refuse);
  const nacks = vi.spyOn(FrameLog.prototype, 'refuse').mockImplementationOnce(refuse);
  const bench = await gatewayBench();
  bench.backend.answer = ({ seq }) =>
    seq === 1 ? { type: 'nack', seq, code: 'frame_invalid', reason: 'no' } : { type: 'ack', seq };
  const clock = new ManualClock();
  const { gateway, session } = await bench.startWithBot({ clock });
  const wishes = vi.spyOn(BotRegister.prototype, 'started').mockImplementationOnce(refuse);
  await session.receive(received('a'), received('b'));
  await bench.backend.untilFrames('inbound', 2);
  // Behind the nack and the ack, on the same link: once it is there, so are they.
  bench.backend.send({ type: 'bot.start', bot_id: 'late', ...EASY });
  await expect.poll(() => wishes.mock.calls.length).toBe(1);
  clock.advance(100);
  expect([acks, nacks, wishes].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 1]);
  expect(gateway.snapshot()).toMatchObject({ unackedFrames: 2, deadLetters: 0 });
  clock.advance(1_000);
  expect(gateway.snapshot()).toMatchObject({ unackedFrames: 0, deadLetters: 1 });
  await expect
    .poll(() => gateway.snapshot().bots)
    .toMatchObject([{ botId: 'bot' }, { botId: 'late', state: 'open' }]);
  expect(bench.backend.links).toHaveLength(1);
});

test('X2: texts and releases that come while the disk is full count once it is not, the texts in order', async () => {
  onTestFinished(() => void vi.restoreAllMocks());
  const bench = await gatewayBench();
  const clock = new ManualClock();
  const { gateway, session } = await bench.startWithBot({ clock });
  await session.receive(picture(bench, 'p').message);
  const [staged] = await bench.backend.untilFrames('media.staged');
  const begin = vi.spyOn(SendRegister.prototype, 'begin');
  // The second text has the first tried once more.
  begin.mockImplementationOnce(refuse).mockImplementationOnce(refuse);
  const decline = vi.spyOn(SendRegister.prototype, 'decline').mockImplementationOnce(refuse);
  const release = vi.spyOn(MediaLedger.prototype, 'released').mockImplementationOnce(refuse);
  const send = (id: string, bot = 'bot'): void =>
    bench.backend.send({ type: 'send', request_id: id, bot_id: bot, to: 'ana@lid', text: `text ${id}` });
  send('first');
  send('second');
  send('for none', 'nobody');
  bench.backend.send({ type: 'media.released', guid: staged?.guid ?? newGuid() });
  await expect.poll(() => release.mock.calls.length).toBe(1);
  expect([begin, decline].map(({ mock }) => mock.calls.length)).toEqual([2, 1]);
  await expect
    .poll(() => {
      clock.advance(1_000);
      return bench.backend.ofType('sent').map((frame) => frame.request_id);
    })
    .toEqual(['first', 'second']);
  expect(session.sent.map(({ text }) => text)).toEqual(['text first', 'text second']);
  expect(await bench.backend.untilFrames('send.failed')).toMatchObject([
    { request_id: 'for none', reason: 'the bot is not running' },
  ]);
  expect(release.mock.results.map(({ type }) => type)).toEqual(['throw', 'return']);
  expect(bench.backend.links).toHaveLength(1);
  await gateway.stop();
});

test('X2: of texts that come while the disk is full a hundred of each bot are held, and those beyond are turned away', async () => {
  onTestFinished(() => void vi.restoreAllMocks());
  const bench = await gatewayBench();
  const clock = new ManualClock();
  const settings = { sendsPerMinute: 1_000, sendJitterMs: 0, longestTypingMs: 0 };
  const { session } = await bench.startWithBot({ clock, settings });
  const begin = vi.spyOn(SendRegister.prototype, 'begin').mockImplementation(refuse);
  const send = (nth: number, more: object = {}): void =>
    bench.backend.send({
      type: 'send',
      request_id: `r${nth}`,
      bot_id: 'bot',
      to: 'ana@lid',
      text: `text ${nth}`,
      ...more,
    });
  for (let nth = 1; nth <= 100; nth += 1) send(nth);
  send(101);
  send(102, { ask_id: 'asking', may_be_declined: true });
  expect(await bench.backend.untilFrames('send.declined')).toMatchObject([
    {
      bot_id: 'bot',
      request_id: 'r102',
      ask_id: 'asking',
      reason: expect.stringContaining('ask again later'),
    },
  ]);
  expect(bench.log.at('error').filter((line) => line.includes('one is not taken'))).toHaveLength(2);
  begin.mockRestore();
  await expect
    .poll(
      () => {
        clock.advance(1_000);
        return session.sent.length;
      },
      { interval: 1 },
    )
    .toBe(100);
  expect(session.sent.map(({ text }) => text)).toEqual(
    Array.from({ length: 100 }, (_, nth) => `text ${nth + 1}`),
  );
});

test('X2: a text that the journal has taken is not turned away when it is asked for again, however many others wait for the disk', async () => {
  onTestFinished(() => void vi.restoreAllMocks());
  const bench = await gatewayBench();
  const clock = new ManualClock();
  const settings = { sendsPerMinute: 1_000, sendJitterMs: 1_000, longestTypingMs: 0 };
  const { session } = await bench.startWithBot({ clock, settings });
  const ask = (id: string): void =>
    bench.backend.send({
      type: 'send',
      request_id: id,
      ask_id: `asking ${id}`,
      may_be_declined: true,
      bot_id: 'bot',
      to: 'ana@lid',
      text: `text ${id}`,
    });
  const begin = vi.spyOn(SendRegister.prototype, 'begin');
  const name = vi.spyOn(SendRegister.prototype, 'name');
  ask('answered');
  await expect
    .poll(() => {
      clock.advance(1_000);
      return bench.backend.ofType('sent');
    })
    .toHaveLength(1);
  const inHand = ['in hand', 'in hand, too'];
  for (const id of inHand) ask(id);
  // One is on its way, the other waits for its turn.
  await expect.poll(() => [begin, name].map(({ mock }) => mock.results.length)).toEqual([3, 2]);
  const full = vi.spyOn(JournalDatabase.prototype, 'transaction').mockImplementation(refuse);
  const held = Array.from({ length: 100 }, (_, nth) => `held ${nth + 1}`);
  for (const id of [...held, 'answered', ...inHand, 'one too many']) ask(id);
  expect(await bench.backend.untilFrames('send.declined')).toMatchObject([{ request_id: 'one too many' }]);
  full.mockRestore();
  await expect
    .poll(
      () => {
        clock.advance(1_000);
        return bench.backend.ofType('sent').length;
      },
      { interval: 1 },
    )
    .toBe(103);
  expect(session.sent.map(({ text }) => text)).toEqual(
    ['answered', ...inHand, ...held].map((id) => `text ${id}`),
  );
});

test('a file that a crash left staged and not told is told, without another download', async () => {
  const bench = await gatewayBench();
  const { gateway, session } = await bench.startWithBot();
  bench.media.on('/p', () => {});
  await session.receive(picture(bench, 'p', { served: false }).message);
  const [inbound] = await bench.backend.untilFrames('inbound');
  await expect.poll(() => bench.media.requests).toEqual(['/p']);
  await gateway.stop();
  await writeFile(path.join(bench.dir, 'staging', inbound?.message.media_processing_id ?? ''), 'picture p');
  await bench.start();
  expect(await bench.backend.untilFrames('media.staged')).toMatchObject([
    { bytes: 9, sha256: createHash('sha256').update('picture p').digest('hex') },
  ]);
  expect(bench.media.requests).toEqual(['/p']);
});

describe('media that do not come', () => {
  test('after three attempts the medium is corrupt', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { session } = await bench.startWithBot({ clock });
    const { message } = picture(bench, 'p', { served: false });
    bench.media.on('/p', status(500));
    await session.receive(message);
    await expect
      .poll(() => {
        clock.advance(1_000);
        return bench.backend.ofType('media.corrupt');
      })
      .toHaveLength(1);
    const [corrupt] = bench.backend.ofType('media.corrupt');
    expect(corrupt).toMatchObject({ media_kind: 'image', quota_exceeded: false, reason: 'http: status 500' });
    expect(bench.media.requests).toEqual(['/p', '/p', '/p']);
    expect(await bench.staged()).toEqual([]);
  });

  test('beyond the quota the medium is corrupt at once, and says so', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 1e-9 } });
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    await session.receive(picture(bench, 'p').message);
    const [corrupt] = await bench.backend.untilFrames('media.corrupt');
    expect(corrupt).toMatchObject({ quota_exceeded: true });
    expect(bench.media.requests).toEqual([]);
  });

  test('a medium that is gone is asked for again at the sender’s phone', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { session } = await bench.startWithBot({ clock });
    const { message, ciphertext } = picture(bench, 'p', { served: false });
    session.upload = () => {
      bench.media.on('/again', file(ciphertext));
      return Promise.resolve('/again');
    };
    await session.receive(message);
    await expect
      .poll(() => {
        clock.advance(500);
        return bench.backend.ofType('media.staged');
      })
      .toHaveLength(1);
    expect(session.reuploads).toMatchObject([{ key: message.key, media: { kind: 'image' } }]);
    expect(bench.media.requests).toEqual(['/p', '/again']);
  });

  test('a phone that never answers holds nothing up for longer than its deadline', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { session } = await bench.startWithBot({ clock });
    session.upload = () => new Promise(() => {});
    await session.receive(picture(bench, 'p', { served: false }).message);
    await expect
      .poll(() => {
        clock.advance(5_000);
        return bench.backend.ofType('media.corrupt');
      })
      .toMatchObject([{ reason: 'gone: status 404' }]);
  });

  test('V3: a chat whose downloads hang delays no other chat', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot({ settings: { maxConcurrentDownloads: 3 } });
    const slow = Array.from({ length: 10 }, (_, index) => picture(bench, `slow${index}`, { served: false }));
    for (const { message } of slow) bench.media.on(message.media?.directPath ?? '', () => {});
    await session.receive(...slow.map(({ message }) => message));
    const quick = Array.from({ length: 5 }, (_, index) =>
      picture(bench, `quick${index}`, { sender: 'ben@lid' }),
    );
    await session.receive(...quick.map(({ message }) => message));
    expect(await bench.backend.untilFrames('media.staged', 5)).toHaveLength(5);
    expect(gateway.snapshot().runningDownloads).toBe(1);
  });
});

describe('what bots share', () => {
  test.each([
    ['eight slots, four chats that hang', 8, 4],
    ['two slots, many chats that hang', 2, 10],
  ])('V4: with %s, another bot’s download starts at once', async (_, slots, chats) => {
    const bench = await gatewayBench();
    const { gateway, session: slow } = await bench.startWithBot({
      settings: { maxConcurrentDownloads: slots },
    });
    bench.backend.send({ type: 'bot.start', bot_id: 'other', ...EASY });
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    const many = Array.from({ length: chats * 3 }, (__, nth) =>
      picture(bench, `slow${nth}`, { sender: `chat${nth % chats}@lid`, served: false }),
    );
    for (const { message } of many) bench.media.on(message.media?.directPath ?? '', () => {});
    await slow.receive(...many.map(({ message }) => message));
    await expect.poll(() => bench.media.requests.length).toBe(slots - 1);
    await bench.sessions.of('other').receive(picture(bench, 'other').message);
    await bench.backend.untilFrames('media.staged');
    expect(bench.media.requests).toHaveLength(slots);
    expect(gateway.snapshot().runningDownloads).toBe(slots - 1);
  });

  test('the quota of the most careful one counts', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.backend.send({ type: 'bot.start', bot_id: 'careful', config: { media_storage_quota_gb: 1e-9 } });
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    await session.receive(picture(bench, 'p').message);
    expect(await bench.backend.untilFrames('media.corrupt')).toMatchObject([{ quota_exceeded: true }]);
  });

  test('the quota goes by what lies in the folder', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { gateway, session } = await bench.startWithBot({ clock });
    await session.receive(picture(bench, 'gone').message);
    const [staged] = await bench.backend.untilFrames('media.staged');
    await rm(path.join(bench.dir, 'staging', staged?.guid ?? ''));
    clock.advance(60_000);
    await expect.poll(() => gateway.snapshot().stagedBytes).toBe(0);
  });

  test('a folder that cannot be read once costs no medium: its last total counts, and it is read again soon', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { gateway, session } = await bench.startWithBot({ clock, linkTiming: UNHURRIED });
    await session.receive(picture(bench, 'p').message);
    const [staged] = await bench.backend.untilFrames('media.staged');
    vi.spyOn(StagingFolder.prototype, 'list').mockRejectedValueOnce(new Error('EMFILE: too many open files'));
    onTestFinished(() => void vi.restoreAllMocks());
    clock.advance(60_000);
    await bench.log.untilLine('its last total counts');
    expect(gateway.snapshot().stagedBytes).toBe(staged?.bytes);
    await session.receive(picture(bench, 'next').message);
    const [, next] = await bench.backend.untilFrames('media.staged', 2);
    await rm(path.join(bench.dir, 'staging', staged?.guid ?? ''));
    await nextTurn();
    clock.advance(5_000);
    await expect.poll(() => gateway.snapshot().stagedBytes).toBe(next?.bytes);
  });
});

describe('what the backend asks', () => {
  test('media.released: file, reservation and download are gone', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await session.receive(picture(bench, 'done').message);
    const [staged] = await bench.backend.untilFrames('media.staged');
    bench.media.on('/hangs', () => {});
    await session.receive(picture(bench, 'hangs', { served: false }).message);
    await bench.backend.untilFrames('inbound', 2);
    await expect.poll(() => bench.media.requests).toContain('/hangs');
    const hanging = bench.backend.ofType('inbound')[1]?.message.media_processing_id;
    bench.backend.send({ type: 'media.released', guid: staged?.guid ?? '' });
    bench.backend.send({ type: 'media.released', guid: hanging ?? '' });
    await expect.poll(() => gateway.snapshot()).toMatchObject({ stagedBytes: 0, runningDownloads: 0 });
    expect(await bench.staged()).toEqual([]);
    expect(bench.backend.ofType('media.corrupt')).toEqual([]);
  });

  test('media.holds is answered with what is still on its way', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.media.on('/hangs', () => {});
    await session.receive(picture(bench, 'hangs', { served: false }).message);
    const [inbound] = await bench.backend.untilFrames('inbound');
    const guid = inbound?.message.media_processing_id ?? '';
    bench.backend.send({ type: 'media.holds', guids: [newGuid(), guid] });
    expect(await bench.backend.untilFrames('media.held')).toMatchObject([{ guids: [guid] }]);
  });

  test('send: texts go out one by one, and each is answered', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    session.deliver = ({ text }) =>
      Promise.resolve(text === 'second' ? { kind: 'refused', reason: 'no such chat' } : { kind: 'sent' });
    const send = (request: string, text: string): void =>
      bench.backend.send({ type: 'send', request_id: request, bot_id: 'bot', to: 'ana@lid', text });
    send('r1', 'first');
    send('r2', 'second');
    send('r1', 'first');
    bench.backend.send({
      type: 'send',
      request_id: 'r3',
      bot_id: 'bot',
      to: 'ana@lid',
      text: 'third',
      quoted: { provider_message_id: 'q', text: 'asked' },
    });
    expect(await bench.backend.untilFrames('sent', 2)).toMatchObject([
      { request_id: 'r1', provider_message_id: 'id 1' },
      { request_id: 'r3', provider_message_id: 'id 3' },
    ]);
    expect(bench.backend.ofType('send.failed')).toMatchObject([{ request_id: 'r2', reason: 'no such chat' }]);
    expect(session.sent.map(({ text }) => text)).toEqual(['first', 'second', 'third']);
    expect(session.sent[2]?.quoted).toEqual({ providerMessageId: 'q', text: 'asked' });
    send('r1', 'first');
    expect((await bench.backend.untilFrames('sent', 3))[2]).toMatchObject({
      request_id: 'r1',
      provider_message_id: 'id 1',
    });
    expect(session.sent).toHaveLength(3);
    const own = bench.backend.ofType('inbound').map(({ message }) => message);
    expect(own).toMatchObject([
      { message: 'first', source: 'bot', recipient_id: 'ana@lid', provider_message_id: 'id 1' },
      { message: 'third', source: 'bot', quoted: { text: 'asked' } },
    ]);
  });

  test('send: a phone number as other programs write it is the same chat', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    const request = { type: 'send', request_id: 'r', bot_id: 'bot', text: 'hello' } as const;
    bench.backend.send({ ...request, to: '4915112345678@c.us' });
    bench.backend.send({ ...request, to: '4915112345678@s.whatsapp.net', ask_id: 'again' });
    await bench.backend.untilFrames('sent');
    expect(session.sent).toMatchObject([{ to: '4915112345678@s.whatsapp.net' }]);
    expect(bench.backend.ofType('inbound')).toMatchObject([
      { message: { recipient_id: '4915112345678@s.whatsapp.net' } },
    ]);
    expect(bench.backend.ofType('send.failed')).toEqual([]);
  });

  test('send for a bot that does not run is answered as failed', async () => {
    const bench = await gatewayBench();
    await bench.startWithBot();
    bench.backend.send({ type: 'send', request_id: 'r', bot_id: 'other', to: 'x', text: 'x' });
    expect(await bench.backend.untilFrames('send.failed')).toMatchObject([
      { reason: 'the bot is not running' },
    ]);
  });

  test('a backend cannot make a gateway own more bots than its hello can name', async () => {
    const bench = await gatewayBench();
    const bots = Array.from({ length: 1_000 }, (_, index) => `bot-${index}`);
    const gateway = await bench.start({ bots });
    await bench.backend.untilFrames('hello');
    for (const bot of ['bot-999', 'bot-1000']) {
      bench.backend.send({ type: 'bot.start', bot_id: bot, ...EASY });
      bench.backend.send({ type: 'send', request_id: 'r', bot_id: bot, to: 'x', text: 'x' });
    }
    await bench.backend.untilFrames('send.failed');
    expect(gateway.snapshot().bots).toHaveLength(1_000);
    expect(bench.sessions.all.map(({ botId }) => botId)).toEqual(['bot-999']);
  });

  test('starting a bot does not look through all the others', async () => {
    const bench = await gatewayBench();
    await bench.startWithBot();
    const lookedThrough = vi.spyOn(BotRegister.prototype, 'all');
    const reads = vi.spyOn(JournalDatabase.prototype, 'all');
    onTestFinished(() => void vi.restoreAllMocks());
    for (let nth = 0; nth < 20; nth += 1)
      bench.backend.send({ type: 'bot.start', bot_id: `bot-${nth}`, ...EASY });
    await expect.poll(() => bench.sessions.all.length).toBe(21);
    expect(lookedThrough).not.toHaveBeenCalled();
    expect(reads.mock.calls.filter(([sql]) => sql.includes('FROM bots'))).toEqual([]);
  });

  test('X4: a bot that the backend does not know here is stopped; what it had is sent again over the next link', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const error = { type: 'error', code: 'unknown_bot', reason: 'not yours' } as const;
    // As a backend answers that has never heard of the bot, hence of its media.
    bench.backend.answer = (frame) => {
      if (frame.type === 'media.staged') bench.backend.send({ type: 'media.released', guid: frame.guid });
      const { seq } = frame;
      return frame.type === 'inbound' ? { ...error, seq } : { type: 'ack', seq };
    };
    await session.receive(picture(bench, 'p').message, received('text'));
    const [{ guid } = { guid: '' }] = await bench.backend.untilFrames('media.staged');
    bench.backend.send({ ...error, bot_id: 'bot' });
    await expect.poll(() => session.state).toBe('stopped');
    expect(gateway.snapshot()).toMatchObject({ unackedFrames: 3, deadLetters: 0 });
    expect(bench.backend.links[0]?.filter(({ type }) => type === 'inbound')).toHaveLength(2);

    bench.backend.answer = ({ seq }) => ({ type: 'ack', seq });
    bench.backend.cut();
    await expect.poll(() => gateway.snapshot().unackedFrames, { timeout: 4_000 }).toBe(0);
    const again = bench.backend.links[1]?.flatMap((frame) => ('seq' in frame ? [frame.seq] : []));
    expect(again).toEqual([1, 2, 3]);
    expect(await bench.staged()).toEqual([guid]);
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    await expect.poll(() => bench.sessions.of('bot').state).toBe('started');
  });

  test('malformed frames and errors are survived', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    bench.backend.sendText('{"v":1,"type":"bot.start","bot_id":"../../etc","config":{}}');
    bench.backend.sendText('nonsense');
    bench.backend.send({ type: 'error', code: 'frame_invalid', reason: 'something' });
    await session.receive(received('a'));
    await bench.backend.untilFrames('inbound');
    expect(bench.backend.links).toHaveLength(1);
    expect((await bench.log.untilLine('reports an error')).fields).toMatchObject({ code: 'frame_invalid' });
  });
});

describe('bots', () => {
  test('a bot that was started runs again after a restart, without a backend', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await gateway.stop();
    expect(session.state).toBe('stopped');
    bench.backend.upgradeStatus = 503;
    await bench.start();
    expect(bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
  });

  test('a bot that was stopped stays stopped after a restart, and is announced', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'stopped');
    expect(session.state).toBe('stopped');
    await gateway.stop();
    await bench.start();
    const [, hello] = await bench.backend.untilFrames('hello', 2);
    expect(hello).toMatchObject({ gateway_id: 'north', bots: ['bot'] });
    expect(bench.sessions.all).toHaveLength(1);
  });

  test('the last status of each bot follows each hello', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot({ bots: ['bot', 'spare'] });
    session.show({ state: 'pairing', qr: 'https://wa.me/settings/linked_devices#x', detail: null });
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'pairing');
    bench.backend.cut();
    await bench.backend.untilFrames('hello', 2);
    await bench.backend.until(() => bench.backend.links[1]?.length === 3);
    expect(bench.backend.links[1]?.slice(1)).toMatchObject([
      { bot_id: 'bot', state: 'pairing', qr: 'https://wa.me/settings/linked_devices#x' },
      { bot_id: 'spare', state: 'stopped' },
    ]);
  });

  test('Z2: of many wishes the last one wins, and two sessions never run at once', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    const stopping = Promise.withResolvers<void>();
    session.stop = () => {
      session.state = 'stopped';
      return stopping.promise;
    };
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await expect.poll(() => session.state).toBe('stopped');
    for (let wish = 0; wish < 5; wish += 1) {
      bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
      bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    }
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    expect(bench.sessions.all).toHaveLength(1);
    stopping.resolve();
    await expect.poll(() => bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
  });

  test('a session that cannot be made is told, and tried again when the backend asks again', async () => {
    const bench = await gatewayBench();
    await bench.start({
      createSession: () => {
        throw new Error('no such provider');
      },
    });
    await bench.backend.untilFrames('hello');
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    expect(await bench.backend.untilFrames('bot.status')).toMatchObject([
      { state: 'closed', detail: 'the session could not be started: no such provider' },
    ]);
  });

  test('Z3: a session that gave up is started again when the backend asks again', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    session.show({ state: 'closed', qr: null, detail: 'another program took over' });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    await expect.poll(() => session.starts).toBe(2);
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'open');
    expect(bench.sessions.all).toEqual([session]);
  });

  test('Z5: other settings make another session, another quota alone does not', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const config = { media_storage_quota_gb: 2 };
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config });
    await expect.poll(() => session.starts).toBe(2);
    expect(bench.sessions.all).toEqual([session]);

    const byCode = { ...config, pairing_phone: '4915550000001' };
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: byCode });
    await expect.poll(() => bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
    expect(bench.sessions.of('bot').config).toEqual(byCode);

    await gateway.stop();
    await bench.start();
    expect(bench.sessions.of('bot').config).toEqual(byCode);
  });

  test('Q2: of a bot that was forgotten no credentials are left, and it is named no more', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await session.learn('creds', '"before"');
    const stopping = Promise.withResolvers<void>();
    session.stop = async () => {
      await stopping.promise;
      await session.learn('creds', '"while it ends"');
    };
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot', forget: true });
    await expect.poll(() => gateway.snapshot().bots).toEqual([]);
    stopping.resolve();
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'stopped');
    await gateway.stop();

    const journal = await openJournal({ dir: path.join(bench.dir, 'data') });
    expect(await journal.sessions.readAuth('bot', ['creds'])).toEqual(new Map());
    expect(journal.bots.all()).toEqual([]);
  });

  test('Q3: wanted again while it is being forgotten, a bot begins anew after that, by its last settings', async () => {
    const bench = await gatewayBench();
    const { session } = await bench.startWithBot();
    await session.learn('creds', '"before"');
    const stopping = Promise.withResolvers<void>();
    session.stop = () => stopping.promise;
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot', forget: true });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 5 } });
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config: { media_storage_quota_gb: 7 } });
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    expect(bench.sessions.all).toEqual([session]);
    stopping.resolve();
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    expect(bench.sessions.of('bot').config).toEqual({ media_storage_quota_gb: 7 });
  });

  test('Q3: but not while the gateway stops: it begins with the next one', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const stopping = Promise.withResolvers<void>();
    session.stop = () => stopping.promise;
    const config = { media_storage_quota_gb: 5 };
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot', forget: true });
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', config });
    bench.backend.send({ type: 'media.holds', guids: [] });
    await bench.backend.untilFrames('media.held');
    const stopped = gateway.stop();
    stopping.resolve();
    await stopped;
    expect(bench.sessions.all).toEqual([session]);
    await bench.start();
    expect(bench.sessions.of('bot').config).toEqual(config);
  });

  test('an outcome of a send that cannot be journalled is tried again at the next tick', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const settings = { sendJitterMs: 0, longestTypingMs: 0 };
    await bench.startWithBot({ clock, settings });
    const named = vi.spyOn(SendRegister.prototype, 'name');
    vi.spyOn(SendRegister.prototype, 'end').mockImplementationOnce(() => {
      throw new Error('the disk is gone');
    });
    onTestFinished(() => void vi.restoreAllMocks());
    bench.backend.send({ type: 'send', request_id: 'r', bot_id: 'bot', to: 'ana@lid', text: 'hello' });
    await expect.poll(() => named.mock.calls.length).toBe(1);
    clock.advance(1);
    await bench.log.untilLine('cannot be recorded now');
    expect(bench.backend.ofType('sent')).toEqual([]);
    clock.advance(5_000);
    expect(await bench.backend.untilFrames('sent')).toMatchObject([{ request_id: 'r' }]);
  });

  test('downloads of a stopped bot are aborted, and wait for its next start', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    const { message, ciphertext } = picture(bench, 'p', { served: false });
    bench.media.on('/p', (response) => response.write(ciphertext.subarray(0, 4)));
    await session.receive(message);
    await expect.poll(bench.staged).toEqual([expect.stringContaining('.part')]);
    bench.backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'stopped');
    expect(gateway.snapshot().runningDownloads).toBe(0);
    expect(await bench.staged()).toEqual([]);
    bench.media.on('/p', file(ciphertext));
    bench.backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
    await bench.backend.untilFrames('media.staged');
    expect(bench.backend.ofType('media.corrupt')).toEqual([]);
    expect(bench.media.requests).toEqual(['/p', '/p']);
  });
});

describe('bounds and folders', () => {
  test('B2: a bot that floods the journal is held at its share of it, and no other is for that', async () => {
    const bench = await gatewayBench();
    bench.backend.answer = SILENCE;
    const settings = { journalSoftBytes: 20_000, journalHardBytes: 40_000 };
    const { session: flooding } = await bench.startWithBot({ settings });
    bench.backend.send({ type: 'bot.start', bot_id: 'quiet', ...EASY });
    await expect.poll(() => bench.sessions.all.length).toBe(2);
    const quiet = bench.sessions.of('quiet');
    const stateOf = (botId: string) =>
      bench.backend.ofType('bot.status').findLast((one) => one.bot_id === botId)?.state;
    const ack = (botId: string): void => {
      for (const frame of bench.backend.ofType('inbound')) {
        if (frame.bot_id === botId) bench.backend.send({ type: 'ack', seq: frame.seq });
      }
    };
    await flooding.receive(received('f1', { text: 'x'.repeat(19_000) }));
    await quiet.receive(received('q1', { text: 'x'.repeat(500) }));
    expect([flooding.state, quiet.state]).toEqual(['started', 'started']);
    await flooding.receive(received('f2', { text: 'x'.repeat(2_000) }));
    await bench.backend.until(() => stateOf('bot') === 'closed');
    await quiet.receive(received('q2', { text: 'x'.repeat(10_000) }));
    await bench.backend.untilFrames('inbound', 4);
    expect([flooding.state, quiet.state]).toEqual(['stopped', 'started']);

    ack('bot');
    await bench.backend.until(() => stateOf('bot') === 'open');
    await quiet.receive(received('q3', { text: 'x'.repeat(45_000) }));
    await bench.backend.until(() => stateOf('quiet') === 'closed' && stateOf('bot') === 'closed');
    await bench.backend.untilFrames('inbound', 5);
    ack('quiet');
    await bench.backend.until(() => stateOf('quiet') === 'open' && stateOf('bot') === 'open');
  });

  test('X3: downloads pause at the soft bound; sessions end at the hard one and come back below the soft one', async () => {
    const bench = await gatewayBench();
    bench.backend.answer = SILENCE;
    const settings = { journalSoftBytes: 2_000, journalHardBytes: 20_000 };
    const { gateway, session } = await bench.startWithBot({ settings });
    await session.receive(received('a', { text: 'x'.repeat(3_000) }));
    await session.receive(picture(bench, 'p').message);
    await bench.backend.untilFrames('inbound', 2);
    await expect.poll(() => gateway.snapshot()).toMatchObject({ waitingDownloads: 1, runningDownloads: 0 });
    expect(session.state).toBe('started');
    await session.receive(received('b', { text: 'x'.repeat(30_000) }));
    await bench.backend.until(() => bench.backend.ofType('bot.status').at(-1)?.state === 'closed');
    expect(session.state).toBe('stopped');
    for (const { seq } of bench.backend.ofType('inbound')) bench.backend.send({ type: 'ack', seq });
    await expect.poll(() => bench.sessions.all.map(({ state }) => state)).toEqual(['stopped', 'started']);
    await bench.backend.untilFrames('media.staged');
  });

  test('two gateways on one staging folder: the second is refused', async () => {
    const bench = await gatewayBench();
    const first = await bench.start();
    const elsewhere = { dataFolder: path.join(bench.dir, 'other') };
    await expect(bench.start(elsewhere)).rejects.toMatchObject({ code: 'already_in_use' });
    await first.stop();
    await bench.start(elsewhere);
  });

  test('a staging folder that cannot be locked is not said to be another gateway’s', async () => {
    const bench = await gatewayBench();
    const stagingFolder = path.join(bench.dir, 'other');
    await mkdir(path.join(stagingFolder, '.gateway-lock'), { recursive: true });
    await expect(bench.start({ stagingFolder })).rejects.toMatchObject({ code: 'folder_unusable' });
  });

  test('two gateways on one journal: the second is refused, and lets go of its staging folder', async () => {
    const bench = await gatewayBench();
    const first = await bench.start();
    const stagingFolder = path.join(bench.dir, 'other');
    await expect(bench.start({ stagingFolder })).rejects.toMatchObject({ code: 'already_in_use' });
    await first.stop();
    await bench.start({ stagingFolder });
  });

  test('a start that fails lets go of folder and journal', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    await expect(bench.start({ clock, backendUrls: ['no url'] })).rejects.toThrow('Invalid URL');
    expect(clock.pendingTimers).toBe(0);
    await bench.start();
  });

  test('half a file of a former life is removed; a whole one counts', async () => {
    const bench = await gatewayBench();
    await (await bench.start()).stop();
    const staging = path.join(bench.dir, 'staging');
    const whole = newGuid();
    await writeFile(path.join(staging, `${newGuid()}.part`), 'half');
    await writeFile(path.join(staging, whole), 'whole');
    const gateway = await bench.start();
    expect(await bench.staged()).toEqual([whole]);
    expect(gateway.snapshot().stagedBytes).toBe(5);
  });

  test('settings that do not hold are refused', async () => {
    const bench = await gatewayBench();
    await expect(bench.start({ settings: { maxFileBytes: 0 } })).rejects.toMatchObject({
      code: 'config_invalid',
    });
    const bounds = { journalSoftBytes: 10, journalHardBytes: 5 };
    await expect(bench.start({ settings: bounds })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('journalSoftBytes below journalHardBytes'),
    });
  });

  test('stopping twice is stopping once, and leaves no timer', async () => {
    const bench = await gatewayBench();
    const clock = new ManualClock();
    const { gateway } = await bench.startWithBot({ clock });
    await Promise.all([gateway.stop(), gateway.stop()]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('no log line carries a text, a name or a number', async () => {
    const bench = await gatewayBench();
    const { gateway, session } = await bench.startWithBot();
    await session.receive(
      received('a', { text: 'my secret' }),
      picture(bench, 'p', { sender: '4917012345678@s' }).message,
    );
    await bench.backend.untilFrames('media.staged');
    await gateway.stop();
    const lines = JSON.stringify(
      bench.log.lines.filter(({ level }) => level !== 'trace' && level !== 'debug'),
    );
    expect(lines).not.toMatch(/secret|49170|ana@/);
  });
});
