import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WIRE_LIMITS } from '../../../src/protocol/frames.ts';
import { downloadFailed } from '../../../src/gateway/download-outcome.ts';
import { JOURNAL_VERSIONS } from '../../../src/gateway/journal-schema.ts';
import type { ReceivedMessage } from '../../../src/gateway/received.ts';
import type { UndecryptableMessage } from '../../../src/gateway/session.ts';
import { encryptMedia } from '../../support/encrypted-media.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { framesOf, openJournal, seqsOf } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

/** sqlite.org/rescode.html#ioerr_read */
const SQLITE_IOERR_READ = 266;

const { reference } = encryptMedia(Buffer.from('a picture'), { fileName: 'cat.jpg' });
const STAGED = { kind: 'staged', bytes: 9, sha256: 'a'.repeat(64) } as const;

const undecryptable = (id: string): UndecryptableMessage => {
  const { key, wire } = received(id);
  return { key, wire: { ...wire, message: '[Message could not be decrypted]' } };
};

const put = (key: string, value: string) => ({ puts: [[key, value]], deletes: [] }) as const;
const fromMe = (id: string) => received(id, { key: { ...received(id).key, fromMe: true } });

const request = (id: string) =>
  ({ v: 1, type: 'send', request_id: id, bot_id: 'bot', to: 'ana@lid', text: 'hello' }) as const;

/** The GUID of the only pending medium. */
async function announceMedium(journal: Awaited<ReturnType<typeof openJournal>>, id = 'm'): Promise<string> {
  await journal.sessions.commit('bot', NO_AUTH, [received(id, { media: reference })]);
  const guid = journal.media.pendingAfter('bot', 0).at(-1)?.guid;
  if (guid === undefined) throw new Error('expected a pending medium');
  return guid;
}

describe('opening', () => {
  test('the gateway id is made up once and kept; a given one takes its place', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    const { gatewayId } = first;
    first.close();
    const second = await openJournal({ dir });
    expect(second.gatewayId).toBe(gatewayId);
    second.close();
    expect((await openJournal({ dir, gatewayId: 'north' })).gatewayId).toBe('north');
  });

  test('B2: a journal that is open is already_in_use', async () => {
    const dir = await scratchFolder();
    await openJournal({ dir });
    await expect(openJournal({ dir })).rejects.toMatchObject({ code: 'already_in_use' });
  });

  test('a file that is no database is store_corrupt', async () => {
    const dir = await scratchFolder();
    await writeFile(
      path.join(dir, 'gateway.sqlite'),
      'not a database, but long enough to be read as one '.repeat(50),
    );
    await expect(openJournal({ dir })).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  test('a journal of a newer Dragoman is store_newer', async () => {
    const dir = await scratchFolder();
    const db = new DatabaseSync(path.join(dir, 'gateway.sqlite'));
    db.exec('PRAGMA user_version = 99');
    db.close();
    await expect(openJournal({ dir })).rejects.toMatchObject({ code: 'store_newer' });
  });

  test('of texts sent before echoes had a say, only those that may have been sent take their place by their echo', async () => {
    const dir = await scratchFolder();
    const old = new DatabaseSync(path.join(dir, 'gateway.sqlite'));
    for (const version of JOURNAL_VERSIONS.slice(0, 5)) old.exec(version);
    const add = old.prepare(
      `INSERT INTO sends (bot_id, request_id, provider_message_id, answered, answer, expires_at)
       VALUES ('bot', ?1, ?1, ?2, ?3, 9e15)`,
    );
    add.run('sent', 1, '{"type":"sent"}');
    add.run('long ago', 1, null);
    add.run('failed', 1, '{"type":"send.failed"}');
    add.run('interrupted', 0, null);
    old.exec('PRAGMA user_version = 5');
    old.close();
    const { frames, sessions } = await openJournal({ dir });
    frames.acknowledge([1]);
    const ids = ['sent', 'long ago', 'failed', 'interrupted'];
    await sessions.commit(
      'bot',
      NO_AUTH,
      ids.map((id) => fromMe(id)),
    );
    const announced = frames.after(0, 10).map(({ body }) => /"message":"text ([^"]*)"/.exec(body)?.[1]);
    expect(announced).toEqual(['failed', 'interrupted']);
  });

  test('B3: after the disk failed at a read, the file is opened afresh', async () => {
    const journal = await openJournal();
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    const letGo = vi.spyOn(DatabaseSync.prototype, 'close');
    vi.spyOn(StatementSync.prototype, 'all').mockImplementationOnce(() => {
      throw Object.assign(new Error('disk I/O error'), { errcode: SQLITE_IOERR_READ });
    });
    onTestFinished(() => void vi.restoreAllMocks());
    expect(() => seqsOf(journal)).toThrow(expect.objectContaining({ code: 'store_unavailable' }));
    expect(letGo).toHaveBeenCalledTimes(1);
    expect(seqsOf(journal)).toEqual([1]);
    await journal.sessions.commit('bot', NO_AUTH, [received('b')]);
    expect(seqsOf(journal)).toEqual([1, 2]);
  });

  test('a folder that is not there is folder_unusable', async () => {
    await expect(openJournal({ dir: '/nonexistent' })).rejects.toMatchObject({ code: 'folder_unusable' });
  });
});

describe('the sequence', () => {
  test('an announced message says when it was received', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    expect(framesOf(journal)).toMatchObject([{ message: { received_time: clock.now() } }]);
  });

  test('O1: seqs rise by one, over every kind of frame', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    journal.media.staged(guid, 'image/jpeg', STAGED);
    journal.sends.begin(request('r1'));
    journal.sends.end(request('r1'), { kind: 'sent', providerMessageId: 'p1' });
    journal.sends.begin(request('r2'));
    journal.sends.end(request('r2'), { kind: 'refused', reason: 'no such chat' });
    expect(framesOf(journal).map((frame) => frame.type)).toEqual([
      'inbound',
      'media.staged',
      'inbound',
      'sent',
      'send.failed',
    ]);
    expect(seqsOf(journal)).toEqual([1, 2, 3, 4, 5]);
  });

  test('O1: a seq is never used twice, even when everything is acked before a restart', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    await first.sessions.commit('bot', NO_AUTH, [received('a'), received('b')]);
    first.frames.acknowledge([1, 2]);
    first.close();
    const second = await openJournal({ dir });
    await second.sessions.commit('bot', NO_AUTH, [received('c')]);
    expect(seqsOf(second)).toEqual([3]);
  });

  test('O2: an acked frame is gone, the others stay in order', async () => {
    const journal = await openJournal();
    await journal.sessions.commit(
      'bot',
      NO_AUTH,
      ['a', 'b', 'c'].map((id) => received(id)),
    );
    journal.frames.acknowledge([2, 2, 77]);
    expect(seqsOf(journal)).toEqual([1, 3]);
    expect(journal.frames.after(1, 10).map(({ seq }) => seq)).toEqual([3]);
    expect(journal.frames.after(0, 1).map(({ seq }) => seq)).toEqual([1]);
  });

  test('O2: a refused frame is a dead letter', async () => {
    const journal = await openJournal();
    await journal.sessions.commit('bot', NO_AUTH, [received('a'), received('b')]);
    expect(journal.frames.refuse(1, 'frame_invalid', 'no')).toBeNull();
    expect(journal.frames.refuse(1, 'frame_invalid', 'no')).toBeNull();
    expect(seqsOf(journal)).toEqual([2]);
    expect(journal.deadLetters.count).toBe(1);
  });

  test('O3: a message that the wire cannot carry is a dead letter, and no medium waits for it', async () => {
    const journal = await openJournal();
    const bad = received('bad', { media: reference });
    await journal.sessions.commit('bot', NO_AUTH, [
      { ...bad, wire: { ...bad.wire, sender: 'x'.repeat(WIRE_LIMITS.identifierCharacters + 1) } },
      received('good'),
    ]);
    expect(seqsOf(journal)).toEqual([2]);
    expect(journal.deadLetters.count).toBe(1);
    expect(journal.media.pendingAfter('bot', 0)).toEqual([]);
  });

  test('the backlog is the size of what is unacked', async () => {
    const journal = await openJournal();
    await journal.sessions.commit('bot', NO_AUTH, [received('a', { text: 'é'.repeat(100) }), received('b')]);
    const bytes = journal.frames.after(0, 10).reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
    expect(journal.frames.backlog()).toEqual({ frames: 2, bytes });
    journal.frames.acknowledge([1, 2]);
    expect(journal.frames.backlog()).toEqual({ frames: 0, bytes: 0 });
  });
});

describe('what sessions commit', () => {
  test('J1: a ratchet and its message are there together, or neither is', async () => {
    const journal = await openJournal();
    const auth = { puts: [['session:ana', '{"n":1}']], deletes: [] } as const;
    const unstorable: never[] = [];
    Object.defineProperty(unstorable, Symbol.iterator, {
      value: function* () {
        yield received('a');
        throw new Error('power cut');
      },
    });
    await expect(journal.sessions.commit('bot', auth, unstorable)).rejects.toThrow('power cut');
    expect(await journal.sessions.readAuth('bot', ['session:ana'])).toEqual(new Map());
    expect(seqsOf(journal)).toEqual([]);
    expect(journal.frames.backlog()).toEqual({ frames: 0, bytes: 0 });
    await journal.sessions.commit('bot', auth, [received('a')]);
    expect(await journal.sessions.readAuth('bot', ['session:ana'])).toEqual(
      new Map([['session:ana', '{"n":1}']]),
    );
    expect(seqsOf(journal)).toHaveLength(1);
  });

  test('credentials are each bot’s own, replaced, deleted and cleared', async () => {
    const journal = await openJournal();
    await journal.sessions.commit('a', put('creds', '1'), []);
    await journal.sessions.commit('a', put('creds', '2'), []);
    await journal.sessions.commit('b', put('creds', '3'), []);
    await journal.sessions.commit('a', put('key', '4'), []);
    await journal.sessions.commit('a', { puts: [], deletes: ['key'] }, []);
    expect(await journal.sessions.readAuth('a', ['creds', 'key', 'none'])).toEqual(new Map([['creds', '2']]));
    await journal.sessions.clearAuth('a');
    expect(await journal.sessions.readAuth('a', ['creds'])).toEqual(new Map());
    expect(await journal.sessions.readAuth('b', ['creds'])).toEqual(new Map([['creds', '3']]));
  });

  test('J3: a read error rejects', async () => {
    const journal = await openJournal();
    journal.close();
    await expect(journal.sessions.readAuth('bot', ['creds'])).rejects.toMatchObject({
      code: 'store_unavailable',
    });
  });

  test('J4: a second delivery is ignored, also after a restart, and a bot’s own only', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    await first.sessions.commit('bot', NO_AUTH, [received('a'), received('a', { text: 'again' })]);
    first.close();
    const second = await openJournal({ dir });
    await second.sessions.commit('bot', NO_AUTH, [received('a')]);
    expect(seqsOf(second)).toEqual([1]);
    await second.sessions.commit('other', NO_AUTH, [received('a')]);
    expect(seqsOf(second)).toEqual([1, 2]);
  });

  test('what was seen is forgotten when it has expired', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock, seenDays: 1 });
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    clock.advance(23 * 3_600_000);
    journal.prune();
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    expect(seqsOf(journal)).toEqual([1]);
    clock.advance(2 * 3_600_000);
    journal.prune();
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    expect(seqsOf(journal)).toEqual([1, 2]);
  });

  test('a medium is announced as downloading, under a GUID of its own', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    expect(framesOf(journal)).toMatchObject([
      {
        type: 'inbound',
        seq: 1,
        bot_id: 'bot',
        provider_name: 'simulator',
        message: {
          media_processing_id: guid,
          media_state: 'downloading',
          mime_type: 'image/jpeg',
          original_filename: 'cat.jpg',
        },
      },
    ]);
  });

  test('a text that is too long for a frame is cut, whole characters only', async () => {
    const journal = await openJournal();
    const text = '😀'.repeat(WIRE_LIMITS.textCharacters);
    const long = received('a', { text: `x${text}` });
    await journal.sessions.commit('bot', NO_AUTH, [
      { ...long, wire: { ...long.wire, quoted: { provider_message_id: 'q', text: text.slice(0, 65_536) } } },
    ]);
    const [frame] = framesOf(journal);
    expect(frame?.type === 'inbound' && frame.message.message.isWellFormed()).toBe(true);
    expect(frame?.type === 'inbound' && frame.message.message.length).toBeGreaterThan(60_000);
    expect(journal.frames.backlog().bytes).toBeLessThanOrEqual(WIRE_LIMITS.frameBytes);
  });

  test('a message whose lists are as long as the wire allows loses its mentions, never its place', async () => {
    const journal = await openJournal();
    const longList = Array.from({ length: WIRE_LIMITS.listItems }, () => '語'.repeat(256));
    const message = received('a', { text: '語'.repeat(WIRE_LIMITS.textCharacters) });
    await journal.sessions.commit('bot', NO_AUTH, [
      { ...message, wire: { ...message.wire, mentions: longList } },
    ]);
    const [frame] = framesOf(journal);
    expect(frame).toMatchObject({ type: 'inbound', message: { provider_message_id: 'a' } });
    expect(frame?.type === 'inbound' && frame.message.message.length).toBeGreaterThan(10_000);
    expect(journal.deadLetters.count).toBe(0);
  });

  test('J6: a text whose echo comes before its outcome is announced once, and is sent whatever the outcome says', async () => {
    const journal = await openJournal();
    for (const id of ['p1', 'p2']) {
      journal.sends.begin(request(id));
      journal.sends.name(request(id), id);
    }
    await journal.sessions.commit('bot', NO_AUTH, [fromMe('p1'), fromMe('p2')]);
    journal.sends.end(request('p1'), { kind: 'sent', providerMessageId: 'p1' });
    journal.sends.end(request('p2'), { kind: 'unknown', reason: 'too late' });
    expect(framesOf(journal)).toMatchObject([
      { type: 'inbound', message: { provider_message_id: 'p1', source: 'bot' } },
      { type: 'inbound', message: { provider_message_id: 'p2', source: 'bot' } },
      { type: 'sent', request_id: 'p1' },
      { type: 'sent', request_id: 'p2', provider_message_id: 'p2' },
    ]);
  });

  test('J6, T3: the echo of a text that may have been sent takes its place, once, and whoever asks again is told', async () => {
    const dir = await scratchFolder();
    const journal = await openJournal({ dir });
    for (const id of ['p1', 'p2', 'p3']) {
      journal.sends.begin(request(id));
      journal.sends.name(request(id), id);
    }
    journal.sends.end(request('p1'), { kind: 'unknown', reason: 'too late' });
    await journal.sessions.commit('bot', NO_AUTH, [fromMe('p1')]);
    await journal.sessions.commit('bot', NO_AUTH, [fromMe('p2')]);
    journal.close();
    const next = await openJournal({ dir });
    await next.sessions.commit('bot', NO_AUTH, [fromMe('p3'), fromMe('p1')]);
    expect(next.sends.begin(request('p1'))).toBe('repeated');
    expect(framesOf(next)).toMatchObject([
      { type: 'send.failed', request_id: 'p1', reason: 'too late; the text may have been sent' },
      { type: 'inbound', message: { provider_message_id: 'p1', source: 'bot', message: 'text p1' } },
      { type: 'inbound', message: { provider_message_id: 'p2', source: 'bot' } },
      { type: 'sent', request_id: 'p2' },
      { type: 'send.failed', request_id: 'p3', reason: expect.stringContaining('may have been sent') },
      { type: 'inbound', message: { provider_message_id: 'p3', source: 'bot' } },
      { type: 'sent', request_id: 'p1', provider_message_id: 'p1' },
    ]);
  });

  test('J6: the echo of a text that the bot sent is no news; the owner’s own text is', async () => {
    const journal = await openJournal();
    journal.sends.begin(request('r1'));
    journal.sends.name(request('r1'), 'p1');
    journal.sends.end(request('r1'), { kind: 'sent', providerMessageId: 'p1' });
    await journal.sessions.commit('bot', NO_AUTH, [fromMe('p1'), fromMe('p2')]);
    const announced = framesOf(journal).flatMap((frame) => (frame.type === 'inbound' ? [frame.message] : []));
    expect(announced).toMatchObject([
      { provider_message_id: 'p1', source: 'bot' },
      { provider_message_id: 'p2' },
    ]);
  });
});

const directFrom = (jid: string, alternates: readonly string[]): ReceivedMessage => {
  const { key, wire } = received('a');
  return received('a', {
    key: { ...key, remoteJid: jid },
    wire: { ...wire, sender: jid, alternate_identifiers: [...alternates] },
  });
};

const inTrip = (jid: string, alternates: readonly string[], isOwn = false): ReceivedMessage =>
  received('a', {
    key: { remoteJid: 'trip@g.us', participant: jid, id: 'a', fromMe: isOwn },
    wire: { ...directFrom(jid, alternates).wire, group: { id: 'trip@g.us' } },
  });

const inGroup = (remoteJid: string) => ({ remoteJid, participant: 'bruno@lid', id: 'q', fromMe: false });

test('whom a quotation quotes is known after a restart too: by its chat, where two messages have one id', async () => {
  const dir = await scratchFolder();
  const first = await openJournal({ dir });
  await first.sessions.commit('bot', NO_AUTH, [
    received('q', { key: inGroup('1@g.us') }),
    received('q', { key: inGroup('2@g.us') }),
  ]);
  await first.sessions.expectContent('bot', undecryptable('never'));
  first.sends.begin(request('r1'));
  first.sends.name(request('r1'), 'own');
  first.close();
  const { sessions } = await openJournal({ dir });
  expect(await sessions.keyOf('bot', '2@g.us', 'q')).toEqual(inGroup('2@g.us'));
  const unknown = { remoteJid: 'ana@lid', participant: null, id: 'x', fromMe: false };
  expect(await sessions.keyOf('bot', 'ana@lid', 'x')).toEqual(unknown);
  expect(await sessions.keyOf('other', 'ana@lid', 'q')).toMatchObject({ fromMe: false, participant: null });
  expect(await sessions.keyOf('bot', 'ana@lid', 'own')).toMatchObject({ fromMe: true });
});

test('a message that is quoted is found by its id, not among all that were seen', async () => {
  const { sessions, sends } = await openJournal();
  const prepared = vi.spyOn(DatabaseSync.prototype, 'prepare');
  onTestFinished(() => prepared.mockRestore());
  await sessions.keyOf('bot', 'ana@lid', 'q');
  sends.answersBacklog({ ...request('r'), quoted: { provider_message_id: 'q', text: '' } });
  const lookups = prepared.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes('seen'));
  expect(lookups).toHaveLength(2);
  const other = new DatabaseSync(':memory:');
  for (const version of JOURNAL_VERSIONS) other.exec(version);
  for (const sql of lookups) {
    const [plan] = other.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    expect(plan?.['detail']).toContain('(bot_id=? AND message_id=?)');
  }
  other.close();
});

describe('messages that cannot be decrypted', () => {
  test('J5: content that comes in time is all that is announced', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    await journal.sessions.expectContent('bot', undecryptable('a'));
    clock.advance(119_000);
    expect(journal.sessions.announceOverdue()).toBe(0);
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    clock.advance(2_000);
    expect(journal.sessions.announceOverdue()).toBe(0);
    expect(framesOf(journal)).toMatchObject([{ message: { message: 'text a' } }]);
  });

  test('J5: without content it is announced once, and content that comes later is announced as well', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    await journal.sessions.expectContent('bot', undecryptable('a'));
    clock.advance(120_000);
    expect(journal.sessions.announceOverdue()).toBe(1);
    await journal.sessions.expectContent('bot', undecryptable('a'));
    clock.advance(120_000);
    expect(journal.sessions.announceOverdue()).toBe(0);
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    expect(framesOf(journal)).toMatchObject([
      { message: { provider_message_id: 'a#undecrypted', message: '[Message could not be decrypted]' } },
      { message: { provider_message_id: 'a', message: 'text a' } },
    ]);
  });

  test('J5: content that says nothing to people ends the wait in silence', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    await journal.sessions.expectContent('bot', undecryptable('album'));
    await journal.sessions.commit('bot', NO_AUTH, [{ key: received('album').key, wire: null }]);
    clock.advance(120_000);
    expect(journal.sessions.announceOverdue()).toBe(0);
    expect(seqsOf(journal)).toEqual([]);
  });

  describe('J4: under another of its addresses', () => {
    test.each([
      ['a chat of two', directFrom('ana@lid', []), directFrom('ana@pn', ['ana@lid'])],
      ['a group', inTrip('ana@lid', []), inTrip('ana@pn', ['ana@lid'])],
      ['the account itself in a group', inTrip('me@lid', [], true), inTrip('me@pn', [], true)],
    ])('a message of %s is the same', async (_name, first, second) => {
      const journal = await openJournal();
      await journal.sessions.commit('bot', NO_AUTH, [first, second]);
      expect(seqsOf(journal)).toEqual([1]);
    });

    test.each([
      ['another chat', directFrom('ana@lid', []), directFrom('ben@pn', ['ben@lid'])],
      ['another member of the group', inTrip('ana@lid', []), inTrip('ben@pn', ['ben@lid'])],
      ['the group, and not of the chat of two', directFrom('ana@lid', []), inTrip('ana@lid', [])],
    ])('a message of %s with the same id is another one', async (_name, first, second) => {
      const journal = await openJournal();
      await journal.sessions.commit('bot', NO_AUTH, [first, second]);
      expect(seqsOf(journal)).toEqual([1, 2]);
    });
  });

  test.each([
    ['before', ['content', 'stub']],
    ['after', ['stub', 'content']],
  ])('J5: content that comes under another address, %s, is all that is announced', async (_when, order) => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    const { key, wire } = undecryptable('a');
    const stub = { key, wire: { ...wire, alternate_identifiers: ['ana@pn'] } };
    for (const each of order) {
      if (each === 'stub') await journal.sessions.expectContent('bot', stub);
      else await journal.sessions.commit('bot', NO_AUTH, [directFrom('ana@pn', ['ana@lid'])]);
    }
    clock.advance(120_000);
    expect(journal.sessions.announceOverdue()).toBe(0);
    expect(framesOf(journal)).toMatchObject([{ message: { message: 'text a' } }]);
  });

  test('J6: the echo of a text that the bot sent is not missed', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    journal.sends.begin(request('r1'));
    journal.sends.name(request('r1'), 'p1');
    await journal.sessions.expectContent('bot', { ...undecryptable('p1'), key: fromMe('p1').key });
    clock.advance(120_000);
    expect(journal.sessions.announceOverdue()).toBe(0);
  });

  test('J5: content that comes later is of the backlog if its stanza was, whatever address it comes from', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    for (const id of ['soon', 'late', 'live']) {
      const { key, wire } = undecryptable(id);
      const isAway = id !== 'live';
      await journal.sessions.expectContent('bot', {
        key,
        wire: { ...wire, ...(isAway && { backlog: true }) },
      });
    }
    const { wire } = received('soon');
    const underNumber = received('soon', {
      key: { ...received('soon').key, remoteJid: '1@s.whatsapp.net' },
      wire: { ...wire, sender: '1@s.whatsapp.net', alternate_identifiers: ['ana@lid'] },
    });
    await journal.sessions.commit('bot', NO_AUTH, [underNumber, received('live')]);
    clock.advance(120_000);
    journal.sessions.announceOverdue();
    await journal.sessions.commit('bot', NO_AUTH, [received('late')]);
    const marks = framesOf(journal).flatMap((frame) =>
      frame.type === 'inbound' ? [[frame.message.provider_message_id, frame.message.backlog]] : [],
    );
    expect(marks).toEqual([
      ['soon', true],
      ['live', undefined],
      ['late#undecrypted', true],
      ['late', true],
    ]);
    for (const id of ['soon', 'late'])
      expect(journal.sends.answersBacklog({ ...request('r'), answers_provider_message_id: id })).toBe(true);
  });

  test('what stands for one that came while the bot was away is not answered either', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    const { key, wire } = undecryptable('a');
    await journal.sessions.expectContent('bot', { key, wire: { ...wire, backlog: true } });
    await journal.sessions.expectContent('bot', undecryptable('b'));
    clock.advance(120_000);
    expect(journal.sessions.announceOverdue()).toBe(2);
    const answering = (id: string) =>
      journal.sends.answersBacklog({ ...request('r'), answers_provider_message_id: `${id}#undecrypted` });
    expect([answering('a'), answering('b')]).toEqual([true, false]);
  });

  test('J4: a stub of what was received is ignored', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock });
    await journal.sessions.commit('bot', NO_AUTH, [received('a')]);
    await journal.sessions.expectContent('bot', undecryptable('a'));
    clock.advance(120_000);
    expect(journal.sessions.announceOverdue()).toBe(0);
  });
});

describe('media', () => {
  test('E1: a medium is pending until it is staged, after a restart too', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    const guid = await announceMedium(first);
    first.frames.acknowledge([1]);
    first.close();
    const second = await openJournal({ dir });
    expect(second.media.pendingAfter('bot', 0)).toMatchObject([
      { guid, chat: 'ana@lid', key: { id: 'm' }, media: reference },
    ]);
    expect(second.media.staged(guid, 'image/jpeg', STAGED)).toBe(true);
    expect(second.media.pendingAfter('bot', 0)).toEqual([]);
    expect(framesOf(second)).toMatchObject([
      { type: 'media.staged', guid, bytes: 9, sha256: STAGED.sha256, mime_type: 'image/jpeg' },
    ]);
  });

  test('E1: what came first counts', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    journal.media.gaveUp(guid, 'image', downloadFailed('quota'));
    expect(journal.media.staged(guid, 'image/jpeg', STAGED)).toBe(false);
    journal.media.gaveUp(guid, 'image', downloadFailed('gone'));
    expect(framesOf(journal).slice(1)).toMatchObject([
      { type: 'media.corrupt', guid, media_kind: 'image', quota_exceeded: true },
    ]);
  });

  test('E2: a medium is held until the last frame about it is acked', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    const other = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
    expect(journal.media.held([guid, other])).toEqual([guid]);
    journal.media.staged(guid, 'image/jpeg', STAGED);
    journal.frames.acknowledge([1]);
    expect(journal.media.held([guid])).toEqual([guid]);
    journal.frames.acknowledge([2]);
    expect(journal.media.held([guid])).toEqual([]);
  });

  test('E2: a released medium is not pending, and not held once its frames are acked', async () => {
    const journal = await openJournal();
    const [unacked, acked] = [await announceMedium(journal, 'm1'), await announceMedium(journal, 'm2')];
    journal.frames.acknowledge([2]);
    journal.media.released(unacked);
    journal.media.released(acked);
    expect(journal.media.pendingAfter('bot', 0)).toEqual([]);
    expect(journal.media.held([unacked, acked])).toEqual([unacked]);
    journal.frames.acknowledge([1]);
    expect(journal.media.held([unacked])).toEqual([]);
    expect(journal.media.staged(acked, 'image/jpeg', STAGED)).toBe(false);
  });

  test('refusing the announcement of a medium names it', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    expect(journal.frames.refuse(1, 'unknown_bot', 'no')).toBe(guid);
  });
});

const toward = (id: string, to: string) => ({ ...request(id), to });

describe('sends', () => {
  test('T1: a request is begun once, also after a restart; asked again it is answered again', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    expect(first.sends.begin(request('r'))).toBe('begun');
    expect(first.sends.begin(request('r'))).toBe('in_hand');
    first.sends.end(request('r'), { kind: 'sent', providerMessageId: 'p' });
    first.close();
    const second = await openJournal({ dir });
    expect(second.sends.begin(request('r'))).toBe('repeated');
    const [, answer, again] = framesOf(second);
    expect(answer).toMatchObject({ type: 'sent', request_id: 'r', provider_message_id: 'p' });
    expect(again).toEqual({ ...answer, seq: 3 });
  });

  test('T1: one of which nothing went out is begun anew by the next asking, not by the same one', async () => {
    const journal = await openJournal();
    const asked = (askId: string) => ({ ...request('r'), ask_id: askId });
    for (const askId of ['1', '2', '3']) {
      expect(journal.sends.begin(asked(askId))).toBe('begun');
      journal.sends.name(asked(askId), askId);
      journal.sends.end(asked(askId), { kind: 'unsent', reason: 'no connection' });
      expect(journal.sends.begin(asked(askId))).toBe('repeated');
    }
    expect(journal.sends.begin(request('r'))).toBe('repeated');
    expect(journal.sends.begin(asked('4'))).toBe('begun');
    expect(journal.sends.begin(asked('5'))).toBe('in_hand');
    journal.sends.end(asked('4'), { kind: 'sent', providerMessageId: 'p' });
    expect(journal.sends.begin(asked('6'))).toBe('repeated');
    const answers = framesOf(journal).flatMap((frame) => ('request_id' in frame ? [frame] : []));
    expect(answers.map((frame) => [frame.type, 'ask_id' in frame && frame.ask_id])).toEqual([
      ...['1', '1', '2', '2', '3', '3', undefined].map((askId) => ['send.failed', askId ?? false]),
      ['sent', '5'],
      ['sent', '6'],
    ]);
  });

  test('T1: a journal of before knows which may be begun anew', async () => {
    const dir = await scratchFolder();
    const old = new DatabaseSync(path.join(dir, 'gateway.sqlite'));
    for (const version of JOURNAL_VERSIONS.slice(0, 7)) old.exec(version);
    const answer = JSON.stringify({ type: 'send.failed', bot_id: 'bot', request_id: 'r', reason: 'no' });
    const add = old.prepare(
      `INSERT INTO sends (bot_id, request_id, answered, expires_at, answer, unsent_seq)
       VALUES ('bot', ?, 1, 9000000000000000, ?, ?)`,
    );
    add.run('unsent', answer, 1);
    add.run('refused', answer, null);
    old.exec('PRAGMA user_version = 7');
    old.close();
    const journal = await openJournal({ dir });
    expect(journal.sends.begin({ ...request('unsent'), ask_id: '1' })).toBe('begun');
    expect(journal.sends.begin({ ...request('refused'), ask_id: '2' })).toBe('repeated');
  });

  test('T1, T3: one that its echo tells of after all is never begun anew', async () => {
    const journal = await openJournal();
    journal.sends.begin({ ...request('r'), ask_id: '1' });
    journal.sends.name(request('r'), 'p');
    journal.sends.end(request('r'), { kind: 'unsent', reason: 'no connection' });
    await journal.sessions.commit('bot', NO_AUTH, [fromMe('p')]);
    expect(journal.sends.begin({ ...request('r'), ask_id: '2' })).toBe('repeated');
    expect(framesOf(journal).at(-1)).toMatchObject({ type: 'sent', ask_id: '2', provider_message_id: 'p' });
  });

  test('T1: a retry to the other address of the same person is the same request; to anybody else it is refused', async () => {
    const journal = await openJournal();
    journal.sends.begin(toward('by phone', '49151@s.whatsapp.net'));
    journal.sends.begin(toward('by lid', '17104@lid'));
    expect(journal.sends.begin(toward('by phone', '17104@lid'))).toBe('repeated');
    const learnt = ['lid-mapping:49151', '"17104"'] as const;
    const reverse = ['lid-mapping:17104_reverse', '"49151"'] as const;
    await journal.sessions.commit('bot', { puts: [learnt, reverse], deletes: [] }, []);
    expect(journal.sends.begin(toward('by phone', '17104@lid'))).toBe('in_hand');
    expect(journal.sends.begin(toward('by lid', '49151@s.whatsapp.net'))).toBe('in_hand');
    expect(journal.sends.begin(toward('by lid', '49151@g.us'))).toBe('repeated');
    expect(journal.sends.begin(toward('by lid', '49152@s.whatsapp.net'))).toBe('repeated');
  });

  test('T1: one that was refused, or may have been sent, stays as it was answered', async () => {
    const journal = await openJournal();
    for (const kind of ['refused', 'unknown'] as const) {
      journal.sends.begin(request(kind));
      journal.sends.end(request(kind), { kind, reason: 'x' });
    }
    journal.frames.acknowledge([1, 2]);
    expect(journal.sends.begin(request('refused'))).toBe('repeated');
    expect(journal.sends.begin(request('unknown'))).toBe('repeated');
  });

  test('T1: answers are forgotten when they have expired, open requests never', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock, seenDays: 1 });
    journal.sends.begin(request('answered'));
    journal.sends.end(request('answered'), { kind: 'sent', providerMessageId: 'p' });
    journal.sends.begin(request('open'));
    clock.advance(23 * 3_600_000);
    journal.prune();
    expect(journal.sends.begin(request('answered'))).toBe('repeated');
    clock.advance(2 * 3_600_000);
    journal.prune();
    expect(journal.sends.begin(request('open'))).toBe('in_hand');
    expect(journal.sends.begin(request('answered'))).toBe('begun');
  });

  test('T1: one bot’s request is not another’s', async () => {
    const journal = await openJournal();
    journal.sends.begin(request('r'));
    expect(journal.sends.begin({ ...request('r'), bot_id: 'other' })).toBe('begun');
  });

  test('T2: what a crash cut short is answered as failed, once, and again to whoever asks', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    first.sends.begin(request('r'));
    first.sends.name(request('r'), 'p');
    first.sends.begin(request('waiting'));
    first.close();
    const second = await openJournal({ dir });
    const doubtful = {
      type: 'send.failed',
      request_id: 'r',
      reason: expect.stringContaining('may have been'),
    };
    expect(framesOf(second)).toMatchObject([
      doubtful,
      { request_id: 'waiting', reason: 'the gateway stopped before it was sent' },
    ]);
    second.close();
    const third = await openJournal({ dir });
    expect(framesOf(third)).toHaveLength(2);
    expect(third.sends.begin(request('r'))).toBe('repeated');
    expect(framesOf(third)[2]).toMatchObject(doubtful);
  });

  test('T3: a text that was sent has its place in the chat before it is answered; a failed one has none', async () => {
    const journal = await openJournal();
    journal.sends.begin(request('r1'));
    journal.sends.end(request('r1'), { kind: 'sent', providerMessageId: 'p' });
    const group = {
      ...request('r2'),
      to: '120363@g.us',
      quoted: { provider_message_id: 'q', text: 'asked' },
    };
    journal.sends.begin(group);
    journal.sends.end(group, { kind: 'sent', providerMessageId: 'p2' });
    journal.sends.begin(request('r3'));
    journal.sends.end(request('r3'), { kind: 'refused', reason: 'no such chat' });
    const own = { direction: 'outgoing', source: 'bot', message: 'hello', sender: 'bot' };
    expect(framesOf(journal)).toMatchObject([
      { type: 'inbound', message: { ...own, provider_message_id: 'p', recipient_id: 'ana@lid' } },
      { type: 'sent', request_id: 'r1' },
      { type: 'inbound', message: { ...own, group: { id: '120363@g.us' }, quoted: { text: 'asked' } } },
      { type: 'sent', request_id: 'r2' },
      { type: 'send.failed', request_id: 'r3' },
    ]);
  });
});

describe('frames of a bot that is not this gateway’s', () => {
  test('O4: what is about a parked medium is not acked away, nor is anything else kept', async () => {
    const journal = await openJournal();
    const guid = await announceMedium(journal);
    await journal.sessions.commit('bot', NO_AUTH, [received('text')]);
    journal.media.staged(guid, 'image/jpeg', STAGED);
    journal.frames.park(1);
    journal.frames.park(2);
    expect(journal.frames.isParked(guid)).toBe(true);
    journal.frames.acknowledge([2, 3]);
    expect(seqsOf(journal)).toEqual([1, 3]);
    journal.frames.unpark();
    journal.frames.acknowledge([1, 3]);
    expect(seqsOf(journal)).toEqual([]);
  });
});

describe('bots', () => {
  test('the last wish is remembered over a restart', async () => {
    const dir = await scratchFolder();
    const first = await openJournal({ dir });
    first.bots.started('a', { media_storage_quota_gb: 25 });
    first.bots.started('b', { media_storage_quota_gb: 0.5, groups: 'none' });
    first.bots.stopped('a');
    first.close();
    expect((await openJournal({ dir })).bots.all()).toEqual([
      { botId: 'a', running: false, config: { media_storage_quota_gb: 25 } },
      { botId: 'b', running: true, config: { media_storage_quota_gb: 0.5, groups: 'none' } },
    ]);
  });
});
