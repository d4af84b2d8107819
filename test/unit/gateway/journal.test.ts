import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WIRE_LIMITS } from '../../../src/protocol/frames.ts';
import { JOURNAL_VERSIONS } from '../../../src/gateway/journal-schema.ts';
import { announceMedium, fromMe, reference, request, STAGED } from '../../support/journal-entries.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { framesOf, openJournal, seqsOf } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

/** sqlite.org/rescode.html#ioerr_read */
const SQLITE_IOERR_READ = 266;

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
