import { type BinaryNode, proto, unpadRandomMax16 } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import { textInPlaceOf, withoutContent } from '../../../../src/gateway/whatsapp/missing-content.ts';
import { Stanzas } from '../../../../src/gateway/whatsapp/stanzas.ts';

const ALICE = '4915120000002@s.whatsapp.net';

const stanza = (...content: BinaryNode[]): BinaryNode => ({
  tag: 'message',
  attrs: { from: ALICE, id: '3A01', t: '1', offline: '0' },
  content,
});

describe('Stanzas', () => {
  test('a ciphertext finds its stanza, by identity and not by value', () => {
    const stanzas = new Stanzas();
    const payload = Buffer.from('ciphertext');
    const node = stanza({ tag: 'enc', attrs: { type: 'msg' }, content: payload });
    expect(stanzas.note(node, { ...node.attrs })).toBe(true);
    expect(stanzas.of(payload)).toEqual({
      attributes: { from: ALICE, id: '3A01', t: '1', offline: '0' },
      plaintext: false,
    });
    expect(stanzas.of(Buffer.from('ciphertext'))).toBeNull();
  });

  test('a stanza of the backlog takes its turn with the others', () => {
    const node = stanza({ tag: 'enc', attrs: { type: 'msg' }, content: Buffer.from('x') });
    new Stanzas().note(node, { ...node.attrs });
    expect(node.attrs).not.toHaveProperty('offline');
  });

  test('a plaintext goes the way of a ciphertext, and comes out as it went in', () => {
    const stanzas = new Stanzas();
    const plaintext = proto.Message.encode({ conversation: 'hello' }).finish();
    const child: BinaryNode = { tag: 'plaintext', attrs: {}, content: plaintext };
    const node = stanza(child);
    expect(stanzas.note(node, { ...node.attrs })).toBe(true);
    expect(child).toMatchObject({ tag: 'enc', attrs: { type: 'msg' } });
    const payload = child.content;
    if (!(payload instanceof Uint8Array)) throw new Error('expected bytes');
    expect(stanzas.of(payload)?.plaintext).toBe(true);
    expect(Buffer.from(unpadRandomMax16(payload))).toEqual(Buffer.from(plaintext));
  });

  test('a stanza with nothing to decrypt has no content', () => {
    const node = stanza({ tag: 'unavailable', attrs: { type: 'view_once' } });
    expect(new Stanzas().note(node, { ...node.attrs })).toBe(false);
  });
});

describe('missing content', () => {
  const unavailable = (type: string) => stanza({ tag: 'unavailable', attrs: { type } });
  const account = { jids: [], policy: { groups: 'none' } } as const;

  test.each([
    [unavailable('view_once'), '[View-once message that only the phone shows]'],
    [stanza(), '[Message could not be decrypted]'],
    [unavailable('bot_unavailable_fanout'), null],
  ])('is told by its reason', (node, text) => {
    expect(textInPlaceOf(node)).toBe(text);
  });

  test('names its chat and its sender, and that it is backlog', () => {
    expect(withoutContent(stanza().attrs, '[gone]', account)).toEqual({
      key: { remoteJid: ALICE, participant: null, id: '3A01', fromMe: false },
      wire: {
        provider_message_id: '3A01',
        sender: ALICE,
        message: '[gone]',
        direction: 'incoming',
        source: 'user',
        originating_time: 1_000,
        backlog: true,
      },
    });
  });

  test('is no message where the message would be none', () => {
    expect(withoutContent({ ...stanza().attrs, from: 'status@broadcast' }, '[gone]', account)).toBeNull();
    const inGroup = { ...stanza().attrs, from: '1@g.us', participant: ALICE };
    expect(withoutContent(inGroup, '[gone]', account)).toBeNull();
  });
});
