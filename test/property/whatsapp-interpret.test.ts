import { proto } from '@whiskeysockets/baileys';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Account, StanzaAttributes } from '../../src/gateway/whatsapp/identity.ts';
import { interpret } from '../../src/gateway/whatsapp/interpret.ts';
import { MAX_WRAPPERS } from '../../src/gateway/whatsapp/unwrap.ts';
import { decodeGatewayFrame } from '../../src/protocol/codec.ts';

const ACCOUNT: Account = { jids: ['4915110000001@s.whatsapp.net'], policy: { groups: 'all' } };
const FROM_ALICE: StanzaAttributes = { from: '4915120000002@s.whatsapp.net', id: '3A01', t: '1700000000' };

const WRAPPERS = [
  'ephemeralMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'documentWithCaptionMessage',
  'editedMessage',
  'deviceSentMessage',
  'groupMentionedMessage',
  'lottieStickerMessage',
  'associatedChildMessage',
] as const;

const text = fc.string({ unit: 'binary', maxLength: 600, size: 'max' });
const binary = fc.uint8Array({ maxLength: 64 });
const mediaNode = fc.record(
  {
    mimetype: text,
    caption: text,
    fileName: text,
    directPath: text,
    mediaKey: binary,
    fileSha256: binary,
    fileLength: fc.maxSafeNat(),
    contextInfo: fc.record({
      stanzaId: text,
      mentionedJid: fc.array(text),
      quotedMessage: fc.record({ conversation: text }),
    }),
  },
  { requiredKeys: [] },
);
const content = fc.oneof(
  fc.record({ conversation: text }),
  fc
    .constantFrom('imageMessage', 'videoMessage', 'ptvMessage', 'documentMessage', 'stickerMessage')
    .chain((field) => mediaNode.map((node) => ({ [field]: node }))),
  fc.record({ protocolMessage: fc.record({ type: fc.nat(30), key: fc.record({ id: text }) }) }),
  fc.record({ reactionMessage: fc.record({ text, key: fc.record({ id: text }) }) }),
  fc.record({ eventMessage: fc.record({ name: text, startTime: fc.integer({ min: -1, max: 2 ** 31 }) }) }),
  fc.record({ contactMessage: fc.record({ displayName: text, vcard: text }) }),
  fc.constant({}),
);
const message = fc
  .tuple(content, fc.array(fc.constantFrom(...WRAPPERS), { maxLength: 2 * MAX_WRAPPERS }))
  .map(([innermost, wrappers]) =>
    wrappers.reduce<object>((inner, wrapper) => ({ [wrapper]: { message: inner } }), innermost),
  );
const attributes = fc.record(
  {
    id: text,
    from: fc.oneof(fc.constantFrom('1@s.whatsapp.net', '2:3@lid', '4@g.us', 'status@broadcast'), text),
    participant: fc.oneof(fc.constantFrom('5@lid', '4915110000001:1@s.whatsapp.net'), text),
    recipient: text,
    sender_lid: text,
    participant_pn: text,
    notify: text,
    t: fc.oneof(fc.nat().map(String), text),
    category: fc.constantFrom('peer', ''),
    offline: fc.constant('0'),
  },
  { requiredKeys: [] },
);

const encode = (value: object): Uint8Array => proto.Message.encode(proto.Message.fromObject(value)).finish();

/** The wire's own verdict on what was let through. */
function wireTakes(stanza: StanzaAttributes, plaintext: Uint8Array): boolean {
  const interpretation = interpret(stanza, plaintext, ACCOUNT);
  if (interpretation.kind !== 'message') return true;
  const { received } = interpretation;
  const frame = { v: 1, type: 'inbound', seq: 1, bot_id: 'b', provider_name: 'p', message: received.wire };
  return decodeGatewayFrame(JSON.stringify(frame)).kind === 'frame';
}

describe('interpret', () => {
  test('lets through only what the wire takes, whatever is wrapped in whatever, however deep', () => {
    fc.assert(fc.property(attributes, message, (stanza, value) => wireTakes(stanza, encode(value))));
    fc.assert(fc.property(message, (value) => wireTakes(FROM_ALICE, encode(value))));
  });

  test('never throws on bytes that are no message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (plaintext) => wireTakes(FROM_ALICE, plaintext)),
    );
  });

  test('survives nesting that no stack does', () => {
    let nested: Uint8Array = proto.Message.encode({ conversation: 'deep' }).finish();
    // One more ephemeralMessage { message } around it, by hand: the encoder itself would not get this deep.
    for (let depth = 0; depth < 4_000; depth += 1) nested = protobufField(40, protobufField(1, nested));
    expect(interpret(FROM_ALICE, nested, ACCOUNT)).toEqual({ kind: 'ignored', why: 'malformed' });
  });
});

/** A length-delimited protobuf field. */
function protobufField(tag: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([varint(tag * 8 + 2), varint(value.length), value]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
