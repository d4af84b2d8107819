import { proto } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import type { StanzaAttributes } from '../../../../src/gateway/whatsapp/identity.ts';
import { resentStanzas } from '../../../../src/gateway/whatsapp/resent.ts';

const OWN = '4915110000001@s.whatsapp.net';
const ALICE = '4915120000002@s.whatsapp.net';
const ALICE_LID = '94915120000002@lid';
const GROUP = '120363000000000001@g.us';
const ACCOUNT = { jids: [OWN], policy: { groups: 'all' } } as const;
const PEER: StanzaAttributes = {
  from: '4915110000001:0@s.whatsapp.net',
  id: 'PEER',
  t: '1',
  category: 'peer',
};
const NOTHING_AWAITED = new Map<string, StanzaAttributes>();

const response = (info: object): Uint8Array => {
  const webMessageInfoBytes = proto.WebMessageInfo.encode(proto.WebMessageInfo.fromObject(info)).finish();
  const peerDataOperationResult = [{ placeholderMessageResendResponse: { webMessageInfoBytes } }];
  const protocolMessage = { type: 17, peerDataOperationRequestResponseMessage: { peerDataOperationResult } };
  return proto.Message.encode(proto.Message.fromObject({ protocolMessage })).finish();
};
const FROM_ALICE = {
  key: { remoteJid: ALICE, id: '3A01', fromMe: false },
  message: { conversation: 'at last' },
  messageTimestamp: 5,
  pushName: 'Alice',
};

describe('resentStanzas', () => {
  test('what the own phone sends again is a message of its first sender', () => {
    expect(resentStanzas(PEER, response(FROM_ALICE), ACCOUNT, NOTHING_AWAITED)).toMatchObject([
      {
        key: { remoteJid: ALICE, id: '3A01', fromMe: false },
        wire: { message: 'at last', sender: ALICE, originating_time: 5_000, display_name: 'Alice' },
      },
    ]);
  });

  test('it is one as well when it comes as what the own phone has sent', () => {
    const sent = { deviceSentMessage: { message: proto.Message.decode(response(FROM_ALICE)) } };
    const wrapped = proto.Message.encode(sent).finish();
    expect(resentStanzas(PEER, wrapped, ACCOUNT, NOTHING_AWAITED)).toMatchObject([
      { wire: { message: 'at last' } },
    ]);
  });

  test('the addresses of the stanza that came without content are kept', () => {
    const awaited = new Map([['3A01', { from: ALICE_LID, id: '3A01', t: '4', sender_pn: ALICE }]]);
    const [message] = resentStanzas(PEER, response(FROM_ALICE), ACCOUNT, awaited);
    expect(message).toMatchObject({
      key: { remoteJid: ALICE_LID },
      wire: { alternate_identifiers: [ALICE] },
    });
  });

  test('a group message keeps its participant, and an own one its recipient', () => {
    const inGroup = { ...FROM_ALICE, key: { remoteJid: GROUP, id: '1', participant: ALICE } };
    expect(resentStanzas(PEER, response(inGroup), ACCOUNT, NOTHING_AWAITED)[0]?.key).toMatchObject({
      remoteJid: GROUP,
      participant: ALICE,
    });
    const own = { ...FROM_ALICE, key: { remoteJid: ALICE, id: '1', fromMe: true } };
    expect(resentStanzas(PEER, response(own), ACCOUNT, NOTHING_AWAITED)[0]?.wire).toMatchObject({
      source: 'user_outgoing',
      recipient_id: ALICE,
    });
  });

  test.each([
    ['a stranger', { ...PEER, from: ALICE }],
    ['an ordinary stanza', { ...PEER, category: undefined }],
  ])('%s cannot put messages into chats', (_name, attributes) => {
    expect(resentStanzas(attributes, response(FROM_ALICE), ACCOUNT, NOTHING_AWAITED)).toEqual([]);
  });

  test('other stanzas between own devices hold none', () => {
    const other = proto.Message.encode({ conversation: 'x' }).finish();
    expect(resentStanzas(PEER, other, ACCOUNT, NOTHING_AWAITED)).toEqual([]);
    expect(resentStanzas(PEER, Buffer.from([0x0a, 0xff]), ACCOUNT, NOTHING_AWAITED)).toEqual([]);
  });
});
