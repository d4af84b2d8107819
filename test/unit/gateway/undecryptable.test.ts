import { describe, expect, test } from 'vitest';
import type { ReceivedMessage } from '../../../src/gateway/received.ts';
import { fromMe, request, undecryptable } from '../../support/journal-entries.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { framesOf, openJournal, seqsOf } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';

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
