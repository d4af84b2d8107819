import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { JOURNAL_VERSIONS } from '../../../src/gateway/journal-schema.ts';
import { fromMe, request } from '../../support/journal-entries.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { framesOf, openJournal } from '../../support/open-journal.ts';
import { NO_AUTH } from '../../support/received-messages.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const toward = (id: string, to: string) => ({ ...request(id), to });

const asked = (askId: string) => ({ ...request('r'), ask_id: askId });

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
