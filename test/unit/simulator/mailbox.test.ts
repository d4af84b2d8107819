import type { BinaryNode } from '@whiskeysockets/baileys';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Envelope, Mailbox, referenceOf } from '../../../src/simulator/mailbox.ts';

const message = (id: string, attrs: BinaryNode['attrs'] = {}): Envelope => ({
  stanza: { tag: 'message', attrs: { from: '1@s.whatsapp.net', id, ...attrs } },
  reseal: () => Promise.reject(new Error('not asked for in this test')),
});
const about = (id: string) => ({ chat: '1@s.whatsapp.net', participant: '', id });

let mailbox: Mailbox;
const ids = () => mailbox.redeliver().map(({ attrs }) => attrs['id']);

beforeEach(() => {
  mailbox = new Mailbox();
  for (const id of ['a', 'b', 'c']) mailbox.post(message(id));
});

test('B1: a message stays through every login until its receipt', () => {
  expect(ids()).toEqual(['a', 'b', 'c']);
  expect(mailbox.receive(about('b'))).toBe(true);
  expect(mailbox.receive(about('b'))).toBe(false);
  expect(ids()).toEqual(['a', 'c']);
  expect(mailbox.size).toBe(2);
});

test('B1: a refusal ends the delivery', () => {
  expect(mailbox.refuse(about('a'))).toBe(true);
  expect(ids()).toEqual(['b', 'c']);
});

test('B2: a message that is sealed again keeps its place', () => {
  const { stanza } = message('b', { sealed: 'again' });
  expect(mailbox.replace(stanza)).toBe(true);
  expect(ids()).toEqual(['a', 'b', 'c']);
  expect(mailbox.redeliver()[1]).toBe(stanza);
});

test('a message that was received in the meantime is not put back by a retry', () => {
  mailbox.receive(about('b'));
  expect(mailbox.replace(message('b').stanza)).toBe(false);
  expect(ids()).toEqual(['a', 'c']);
});

describe('B3: retries', () => {
  test('the refusal after a retry receipt removes nothing, the next one does', () => {
    expect(mailbox.retry(about('a'))).toMatchObject({ kind: 'granted', attempt: 1 });
    expect(mailbox.refuse(about('a'))).toBe(false);
    expect(ids()).toContain('a');
    expect(mailbox.refuse(about('a'))).toBe(true);
  });

  test('a refusal that never came is not expected after the next login', () => {
    mailbox.retry(about('a'));
    mailbox.redeliver();
    expect(mailbox.refuse(about('a'))).toBe(true);
  });

  test('the sixth retry is not granted', () => {
    const kinds = Array.from({ length: 6 }, () => mailbox.retry(about('a')).kind);
    expect(kinds).toEqual(['granted', 'granted', 'granted', 'granted', 'granted', 'exhausted']);
    expect(mailbox.retry(about('nothing')).kind).toBe('unknown');
  });
});

test('the same id of two senders in a group names two messages', () => {
  for (const participant of ['1@lid', '2@lid']) {
    mailbox.post(message('x', { from: 'g@g.us', participant }));
  }
  expect(mailbox.receive({ chat: 'g@g.us', participant: '1@lid', id: 'x' })).toBe(true);
  expect(mailbox.size).toBe(4);
});

test('a receipt for a message of the account itself names its chat as recipient', () => {
  const stanza = { tag: 'message', attrs: { from: 'me@s.whatsapp.net', recipient: '1@lid', id: 'x' } };
  const receipt = {
    tag: 'receipt',
    attrs: { to: 'me@s.whatsapp.net', recipient: '1@lid', id: 'x', type: 'sender' },
  };
  expect(referenceOf(receipt)).toEqual(referenceOf(stanza));
});
