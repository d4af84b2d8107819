import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { BotRegister } from '../../../src/gateway/bot-register.ts';
import { JournalDatabase } from '../../../src/gateway/journal-database.ts';
import { FrameLog } from '../../../src/gateway/frame-log.ts';
import { MediaLedger } from '../../../src/gateway/media-ledger.ts';
import { SendRegister } from '../../../src/gateway/send-register.ts';
import { EASY, gatewayBench, picture } from '../../support/gateway-bench.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { received } from '../../support/received-messages.ts';

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
