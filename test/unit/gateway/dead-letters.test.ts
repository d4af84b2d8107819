import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { traceOf } from '../../../src/base/trace.ts';
import { JOURNAL_FILE } from '../../../src/gateway/journal.ts';
import { JOURNAL_VERSIONS } from '../../../src/gateway/journal-schema.ts';
import { openGatewayJournal } from '../../../src/gateway/offline-journal.ts';
import { WIRE_LIMITS } from '../../../src/protocol/frames.ts';
import { encryptMedia } from '../../support/encrypted-media.ts';
import { gatewayBench, picture } from '../../support/gateway-bench.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { framesOf, openJournal } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

function openOffline(dir: string) {
  const journal = openGatewayJournal(dir, new ManualClock());
  onTestFinished(() => journal.close());
  return journal;
}

describe('dead letters', () => {
  test('are listed oldest first, with what the backend said', async () => {
    const clock = new ManualClock();
    const dir = await scratchFolder();
    const journal = await openJournal({ dir, clock });
    await journal.sessions.commit('bot', NO_AUTH, [received('a'), received('b')]);
    journal.frames.refuse(2, 'frame_invalid', 'second');
    journal.frames.refuse(1, 'frame_invalid', 'first');
    journal.close();
    const letter = { type: 'inbound', botId: 'bot', code: 'frame_invalid', diedAt: clock.now() };
    expect(openOffline(dir).deadLetters.list()).toEqual([
      { ...letter, seq: 1, reason: 'first' },
      { ...letter, seq: 2, reason: 'second' },
    ]);
  });

  test('Y1: a letter that is retried is a frame at the tail, and a letter no more', async () => {
    const dir = await scratchFolder();
    const journal = await openJournal({ dir });
    await journal.sessions.commit('bot', NO_AUTH, [received('a'), received('b')]);
    const [before] = framesOf(journal);
    journal.frames.refuse(1, 'frame_invalid', 'no');
    journal.close();
    const offline = openOffline(dir);
    expect(offline.deadLetters.retry(1)).toEqual({ kind: 'retried', seq: 3 });
    expect(offline.deadLetters.retry(1)).toEqual({ kind: 'not_found' });
    expect(offline.deadLetters.list()).toEqual([]);
    offline.close();
    const [, tail] = framesOf(await openJournal({ dir }));
    expect(tail).toEqual({ ...before, seq: 3 });
  });

  test('Y2: a retried announcement is told as corrupt, for its file was not kept', async () => {
    const dir = await scratchFolder();
    const journal = await openJournal({ dir });
    const media = encryptMedia(Buffer.from('x'), { kind: 'sticker', mimeType: 'image/webp' }).reference;
    await journal.sessions.commit('bot', NO_AUTH, [received('a', { media })]);
    const guid = journal.frames.refuse(1, 'frame_invalid', 'no');
    journal.close();
    const offline = openOffline(dir);
    expect(offline.deadLetters.retry(1)).toEqual({ kind: 'retried', seq: 2 });
    offline.close();
    expect(framesOf(await openJournal({ dir }))).toMatchObject([
      { type: 'inbound', seq: 2, message: { media_processing_id: guid } },
      { type: 'media.corrupt', seq: 3, guid, media_kind: 'sticker', quota_exceeded: false },
    ]);
  });

  test('what the wire cannot carry is hopeless, and stays', async () => {
    const dir = await scratchFolder();
    const journal = await openJournal({ dir });
    const message = received('a');
    const sender = 'x'.repeat(WIRE_LIMITS.identifierCharacters + 1);
    await journal.sessions.commit('bot', NO_AUTH, [{ ...message, wire: { ...message.wire, sender } }]);
    journal.close();
    const { deadLetters } = openOffline(dir);
    expect(deadLetters.retry(1)).toMatchObject({ kind: 'hopeless' });
    expect(deadLetters.list()).toMatchObject([{ seq: 1, type: null, botId: null }]);
  });
});

/** A journal with these letters, each a millisecond younger than the one before. */
async function lettersOf(ids: readonly string[]) {
  const clock = new ManualClock();
  const journal = await openJournal({ clock });
  const bodies = new Map<number, number>();
  for (const id of ids) {
    await journal.sessions.commit('bot', NO_AUTH, [received(id)]);
    clock.advance(1);
    const [frame] = journal.frames.after(0, 1);
    if (frame === undefined) throw new Error('expected a frame');
    bodies.set(frame.seq, Buffer.byteLength(frame.body));
    journal.frames.refuse(frame.seq, 'frame_invalid', 'no');
  }
  const { deadLetters } = journal;
  const left = () => deadLetters.list().map(({ seq }) => seq);
  return { journal, clock, deadLetters, left, bodies };
}

describe('dropping dead letters', () => {
  const BOUNDS = { maxAgeMs: 1_000, maxLetters: 10, maxBytes: 1_000_000 };

  test('Y3: those beyond the bounds go, the oldest first, and are told', async () => {
    const { deadLetters, clock, left } = await lettersOf(['a', 'b', 'c', 'd', 'e']);
    expect(deadLetters.dropBeyond(BOUNDS)).toEqual([]);
    const letter = { type: 'inbound', botId: 'bot', guid: null };
    expect(deadLetters.dropBeyond({ ...BOUNDS, maxLetters: 3 })).toEqual([
      { ...letter, seq: 1, why: 'number', providerMessageId: 'a' },
      { ...letter, seq: 2, why: 'number', providerMessageId: 'b' },
    ]);
    expect(left()).toEqual([3, 4, 5]);
    clock.advance(BOUNDS.maxAgeMs - 2);
    expect(deadLetters.dropBeyond(BOUNDS)).toMatchObject([{ seq: 3, why: 'age' }]);
    expect(left()).toEqual([4, 5]);
  });

  test('Y3: bytes are bounded, and the youngest stays whatever its size', async () => {
    const { deadLetters, left, bodies } = await lettersOf(['a', 'b', 'c', 'd']);
    const lastTwo = (bodies.get(3) ?? 0) + (bodies.get(4) ?? 0);
    expect(deadLetters.dropBeyond({ ...BOUNDS, maxBytes: lastTwo })).toMatchObject([
      { seq: 1, why: 'bytes' },
      { seq: 2, why: 'bytes' },
    ]);
    deadLetters.dropBeyond({ ...BOUNDS, maxBytes: 1 });
    expect(left()).toEqual([4]);
  });

  test('Y3: no bot loses letters to the flood of another', async () => {
    const { journal, deadLetters, clock, left } = await lettersOf(['a', 'b']);
    clock.advance(1);
    const flood = Array.from({ length: 6 }, (_, nth) => received(`f${nth}`, { text: 'x'.repeat(1_000) }));
    await journal.sessions.commit('flood', NO_AUTH, flood);
    for (let seq = 3; seq <= 8; seq += 1) journal.frames.refuse(seq, 'frame_invalid', 'no');
    const dropped = [
      ...deadLetters.dropBeyond({ ...BOUNDS, maxLetters: 5 }),
      ...deadLetters.dropBeyond({ ...BOUNDS, maxBytes: 3_000 }),
    ];
    expect(dropped.map(({ seq, botId, why }) => [seq, botId, why])).toEqual([
      [3, 'flood', 'number'],
      [4, 'flood', 'number'],
      [5, 'flood', 'number'],
      [6, 'flood', 'bytes'],
      [7, 'flood', 'bytes'],
    ]);
    expect(left()).toEqual([1, 2, 8]);
  });

  test('Y3: the oldest is who was refused first, wherever its place was', async () => {
    const { journal, deadLetters, clock, left } = await lettersOf([]);
    await journal.sessions.commit('bot', NO_AUTH, [received('a'), received('b')]);
    journal.frames.refuse(2, 'frame_invalid', 'no');
    clock.advance(1);
    journal.frames.refuse(1, 'frame_invalid', 'no');
    deadLetters.dropBeyond({ ...BOUNDS, maxLetters: 1 });
    expect(left()).toEqual([1]);
  });

  test('Y3: letters of before they were counted count too', async () => {
    const dir = await scratchFolder();
    const db = new DatabaseSync(path.join(dir, JOURNAL_FILE));
    for (const version of JOURNAL_VERSIONS.slice(0, 4)) db.exec(version);
    db.exec(`PRAGMA user_version = 4;
      INSERT INTO dead_letters (seq, body, code, reason, died_at) VALUES (1, '{}', 'x', 'y', 1), (2, '{}', 'x', 'y', 2)`);
    db.close();
    const { deadLetters } = openOffline(dir);
    expect(deadLetters.count).toBe(2);
    expect(deadLetters.dropBeyond({ ...BOUNDS, maxAgeMs: Infinity, maxBytes: 3 })).toEqual([
      { seq: 1, type: null, botId: null, guid: null, providerMessageId: null, why: 'bytes' },
    ]);
    expect(deadLetters.count).toBe(1);
  });
});

describe('a running gateway', () => {
  test('tells its dead letters page by page, and sends one once more', async () => {
    const bench = await gatewayBench();
    bench.backend.answer = ({ seq }) => ({ type: 'nack', seq, code: 'frame_invalid', reason: 'no' });
    const { gateway, session } = await bench.startWithBot();
    for (const id of ['a', 'b', 'c']) await session.receive(received(id));
    await expect.poll(() => gateway.snapshot().deadLetters).toBe(3);
    const page = { type: 'letters.list', limit: 2 } as const;
    bench.backend.send({ ...page, request_id: 'q1' });
    bench.backend.send({ ...page, request_id: 'q2', after: 2 });
    const [first, second] = await bench.backend.untilFrames('letters.listed', 2);
    expect(first).toMatchObject({
      request_id: 'q1',
      letters: [{ seq: 1, bot_id: 'bot' }, { seq: 2 }],
      next: 2,
    });
    expect(second).toMatchObject({ request_id: 'q2', letters: [{ seq: 3, type: 'inbound', reason: 'no' }] });
    expect(second).not.toHaveProperty('next');

    bench.backend.answer = ({ seq }) => ({ type: 'ack', seq });
    bench.backend.send({ type: 'letters.retry', request_id: 'q3', letter_seq: 2 });
    bench.backend.send({ type: 'letters.retry', request_id: 'q4', letter_seq: 2 });
    expect(await bench.backend.untilFrames('letters.retried', 2)).toMatchObject([
      { request_id: 'q3', outcome: 'retried', waits_as: 4 },
      { request_id: 'q4', outcome: 'not_found' },
    ]);
    await bench.backend.until(() => bench.backend.ofType('inbound').some(({ seq }) => seq === 4));
    await expect.poll(() => gateway.snapshot()).toMatchObject({ deadLetters: 2, unackedFrames: 0 });
  });
});

test('a letter that nobody sent again for 30 days is gone, and the log says how many went', async () => {
  const timers = new ManualClock();
  let awayMs = 0;
  const clock: Clock = {
    now: () => timers.now() + awayMs,
    schedule: (delayMs, task) => timers.schedule(delayMs, task),
  };
  const bench = await gatewayBench();
  const { gateway, session } = await bench.startWithBot({ clock });
  bench.backend.answer = ({ seq }) => ({ type: 'nack', seq, code: 'frame_invalid', reason: 'no' });
  for (const id of ['a', 'b']) await session.receive(received(id));
  await expect.poll(() => gateway.snapshot().deadLetters).toBe(2);
  const hourMs = 3_600_000;
  awayMs = 30 * 24 * hourMs - 2 * hourMs;
  timers.advance(hourMs);
  expect(gateway.snapshot().deadLetters).toBe(2);
  timers.advance(hourMs);
  expect(gateway.snapshot().deadLetters).toBe(0);
  expect(bench.log.lines.filter(({ message }) => message.includes('dead letters'))).toMatchObject([
    {
      level: 'warn',
      fields: {
        why: 'age',
        letters: 2,
        dropped: [
          { seq: 1, type: 'inbound', bot_id: 'bot', trace: traceOf('bot', 'a') },
          { seq: 2, type: 'inbound', bot_id: 'bot', trace: traceOf('bot', 'b') },
        ],
      },
    },
  ]);
});

test('a flood of refusals leaves as many letters as are kept, and the log names every other one, without its words', async () => {
  const clock = new ManualClock();
  const bench = await gatewayBench();
  const { gateway, session } = await bench.startWithBot({ clock, settings: { maxDeadLetters: 20 } });
  bench.backend.answer = ({ seq }) => ({ type: 'nack', seq, code: 'frame_invalid', reason: 'no' });
  const ids = Array.from({ length: 270 }, (_, index) => `m${index}`);
  for (const id of ids) await session.receive(received(id, { text: 'a secret' }));
  await expect.poll(() => gateway.snapshot().deadLetters).toBe(270);
  clock.advance(5_000);
  expect(gateway.snapshot().deadLetters).toBe(20);
  const lines = bench.log.lines.filter(({ message }) => message.includes('dead letters'));
  expect(lines.map(({ fields }) => fields['letters'])).toEqual([100, 100, 50]);
  expect(lines.flatMap(({ fields }) => fields['dropped'])).toMatchObject(
    ids.slice(0, 250).map((id) => ({ trace: traceOf('bot', id) })),
  );
  expect(JSON.stringify(bench.log.lines)).not.toContain('a secret');
});

describe('openGatewayJournal', () => {
  test('where no gateway has ever run there is nothing, and nothing is made', async () => {
    const dir = await scratchFolder();
    expect(() => openGatewayJournal(dir, new ManualClock())).toThrow(
      expect.objectContaining({ code: 'not_found' }),
    );
    expect(await readdir(dir)).toEqual([]);
  });

  test('while the gateway runs its journal is its own; afterwards a retried letter reaches the backend', async () => {
    const bench = await gatewayBench();
    bench.backend.answer = ({ seq }) => ({ type: 'nack', seq, code: 'frame_invalid', reason: 'no' });
    const { gateway, session } = await bench.startWithBot();
    await session.receive(picture(bench, 'p').message);
    await expect.poll(() => gateway.snapshot().deadLetters).toBeGreaterThan(0);
    const dataFolder = path.join(bench.dir, 'data');
    expect(() => openGatewayJournal(dataFolder, new ManualClock())).toThrow(
      expect.objectContaining({ code: 'already_in_use' }),
    );
    await gateway.stop();
    const { deadLetters, close } = openGatewayJournal(dataFolder, new ManualClock());
    const [letter] = deadLetters.list();
    expect(deadLetters.retry(letter?.seq ?? 0)).toMatchObject({ kind: 'retried' });
    close();
    bench.backend.answer = ({ seq }) => ({ type: 'ack', seq });
    const links = bench.backend.links.length;
    await bench.start();
    await bench.backend.until(() => bench.backend.links[links]?.some(({ type }) => type === 'media.corrupt'));
    const again = bench.backend.links[links]?.filter(({ type }) => type !== 'hello' && type !== 'bot.status');
    expect(again?.map(({ type }) => type)).toEqual(['inbound', 'media.corrupt']);
  });
});
