import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WIRE_LIMITS } from '../../../src/protocol/frames.ts';
import { JOURNAL_VERSIONS } from '../../../src/gateway/journal-schema.ts';
import { announceMedium, fromMe, request, undecryptable } from '../../support/journal-entries.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { framesOf, openJournal, seqsOf } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const put = (key: string, value: string) => ({ puts: [[key, value]], deletes: [] }) as const;

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
