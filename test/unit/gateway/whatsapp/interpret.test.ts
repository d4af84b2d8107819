import { proto } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import type { ReceivedMessage } from '../../../../src/gateway/received.ts';
import type { Account, StanzaAttributes } from '../../../../src/gateway/whatsapp/identity.ts';
import { interpret } from '../../../../src/gateway/whatsapp/interpret.ts';
import { MAX_WRAPPERS } from '../../../../src/gateway/whatsapp/unwrap.ts';
import { WIRE_LIMITS } from '../../../../src/protocol/frames.ts';

const ALICE = '4915120000002@s.whatsapp.net';
const ALICE_LID = '94915120000002@lid';
const GROUP = '120363000000000001@g.us';
const ACCOUNT: Account = {
  jids: ['4915110000001@s.whatsapp.net', '94915110000001@lid'],
  policy: { groups: 'all' },
};
const FROM_ALICE: StanzaAttributes = { from: ALICE, id: '3A01', t: '1700000000', notify: 'Alice' };

const encode = (message: object): Uint8Array =>
  proto.Message.encode(proto.Message.fromObject(message)).finish();

const interpreted = (message: object, attributes: StanzaAttributes = FROM_ALICE) =>
  interpret(attributes, encode(message), ACCOUNT);

function received(message: object, attributes: StanzaAttributes = FROM_ALICE): ReceivedMessage {
  const interpretation = interpreted(message, attributes);
  if (interpretation.kind !== 'message') throw new Error(`${interpretation.kind}: ${interpretation.why}`);
  return interpretation.received;
}

const textOf = (message: object): string => received(message).wire.message;

const bytes = (fill: number): Buffer => Buffer.alloc(32, fill);
const FILE = {
  mediaKey: bytes(1),
  fileSha256: bytes(2),
  fileEncSha256: bytes(3),
  directPath: '/v/t62/file.enc',
  fileLength: 12_345,
};
const IMAGE = { imageMessage: { ...FILE, mimetype: 'image/jpeg', caption: 'look' } };

describe('media', () => {
  test.each([
    ['image', { imageMessage: { mimetype: 'image/png' } }, 'image', 'image', 'image/png'],
    ['video', { videoMessage: { mimetype: 'video/mp4' } }, 'video', 'video', 'video/mp4'],
    ['round video', { ptvMessage: { mimetype: 'video/mp4' } }, 'video', 'ptv', 'video/mp4'],
    ['audio', { audioMessage: { mimetype: 'audio/mpeg' } }, 'audio', 'audio', 'audio/mpeg'],
    [
      'voice note',
      { audioMessage: { mimetype: 'audio/ogg; codecs=opus', ptt: true } },
      'audio',
      'audio',
      'audio/ogg; codecs=opus',
    ],
    [
      'document',
      { documentMessage: { mimetype: 'application/pdf' } },
      'document',
      'document',
      'application/pdf',
    ],
    ['sticker', { stickerMessage: { mimetype: 'image/webp' } }, 'sticker', 'sticker', 'image/webp'],
    [
      'lottie sticker',
      { lottieStickerMessage: { message: { stickerMessage: { mimetype: 'application/was' } } } },
      'sticker',
      'sticker',
      'application/was',
    ],
  ])('a %s is a medium with its own key type', (_name, message, kind, cipher, mimeType) => {
    expect(received(message).media).toMatchObject({ kind, cipher, mimeType });
  });

  test('a medium tells where it lies and what proves it, and its caption is the message', () => {
    expect(received(IMAGE)).toMatchObject({
      wire: { message: 'look' },
      media: {
        mediaKey: bytes(1).toString('base64'),
        fileSha256: bytes(2).toString('base64'),
        fileEncSha256: bytes(3).toString('base64'),
        directPath: '/v/t62/file.enc',
        declaredBytes: 12_345,
      },
    });
  });

  test('what the sender left out is null, and the MIME type is the usual one of its kind', () => {
    expect(received({ audioMessage: {} }).media).toEqual({
      kind: 'audio',
      cipher: 'audio',
      mimeType: 'audio/ogg; codecs=opus',
      fileName: null,
      mediaKey: null,
      directPath: null,
      fileSha256: null,
      fileEncSha256: null,
      declaredBytes: null,
    });
  });

  test('a document keeps its file name, or else its title', () => {
    const named = { documentMessage: { ...FILE, fileName: 'offer.pdf', title: 'Offer' } };
    expect(received(named).media?.fileName).toBe('offer.pdf');
    expect(received({ documentMessage: { ...FILE, title: 'Offer' } }).media?.fileName).toBe('Offer');
  });

  test('keys and hashes of another length than 32 bytes are not taken', () => {
    const forged = { imageMessage: { ...FILE, mediaKey: Buffer.alloc(1_000), fileSha256: Buffer.alloc(31) } };
    expect(received(forged).media).toMatchObject({ mediaKey: null, fileSha256: null });
  });
});

describe('wrappers', () => {
  const wrapped = (field: string) => ({ [field]: { message: IMAGE } });
  test.each([
    'ephemeralMessage',
    'viewOnceMessage',
    'viewOnceMessageV2',
    'viewOnceMessageV2Extension',
    'documentWithCaptionMessage',
    'groupMentionedMessage',
    'botInvokeMessage',
    'botForwardedMessage',
    'associatedChildMessage',
    'groupStatusMessageV2',
    'questionMessage',
    'limitSharingMessage',
  ])('a picture inside %s is found', (field) => {
    expect(received(wrapped(field))).toMatchObject({ wire: { message: 'look' }, media: { kind: 'image' } });
  });

  test('wrappers nest', () => {
    const message = {
      deviceSentMessage: {
        message: { ephemeralMessage: { message: { viewOnceMessageV2: { message: IMAGE } } } },
      },
    };
    expect(received(message).media?.kind).toBe('image');
  });

  const nested = (depth: number): object =>
    depth === 0 ? { conversation: 'deep' } : { ephemeralMessage: { message: nested(depth - 1) } };
  test('beyond the cap a message is told, not its content', () => {
    expect(textOf(nested(MAX_WRAPPERS))).toBe('deep');
    expect(textOf(nested(MAX_WRAPPERS + 1))).toBe('[Unsupported message]');
  });

  test.each([
    ['template', { templateMessage: { hydratedTemplate: { ...IMAGE, hydratedContentText: 'Sale' } } }],
    ['buttons', { buttonsMessage: { ...IMAGE, contentText: 'Sale' } }],
    ['interactive', { interactiveMessage: { header: IMAGE, body: { text: 'Sale' } } }],
    [
      'carousel',
      {
        interactiveMessage: {
          body: { text: 'Sale' },
          carouselMessage: { cards: [{ header: { title: '' } }, { header: IMAGE }] },
        },
      },
    ],
  ])('a picture in the header of a %s message comes with its text', (_name, message) => {
    expect(received(message)).toMatchObject({ wire: { message: 'look\nSale' }, media: { kind: 'image' } });
  });
});

test('a product in a header is told, and its picture shown', () => {
  const product = { title: 'Chair', productImage: IMAGE.imageMessage };
  const message = { interactiveMessage: { header: { productMessage: { product } }, body: { text: 'Sale' } } };
  expect(received(message)).toMatchObject({
    wire: { message: 'look\n[Product: Chair]\nSale' },
    media: { kind: 'image' },
  });
});

const edit = (editedMessage: object) => ({
  editedMessage: { message: { protocolMessage: { type: 14, key: { id: '3A00' }, editedMessage } } },
});

describe('edits, deletions and albums', () => {
  test('an edit is a message of its own, which names the one that it replaces', () => {
    expect(received(edit({ conversation: 'better' })).wire).toMatchObject({
      provider_message_id: '3A01',
      message: '[Edited] better',
      edits_provider_message_id: '3A00',
    });
  });

  test('an edit without the wrapper is one all the same', () => {
    const bare = { protocolMessage: { type: 14, key: { id: '3A00' }, editedMessage: { conversation: 'x' } } };
    expect(received(bare).wire.message).toBe('[Edited] x');
  });

  test('an edited picture is still a picture; a new caption alone is a text', () => {
    expect(received(edit(IMAGE))).toMatchObject({
      media: { kind: 'image' },
      wire: { message: '[Edited] look', edits_provider_message_id: '3A00' },
    });
    expect(received(edit({ imageMessage: { caption: 'new' } }))).toMatchObject({
      media: null,
      wire: { message: '[Edited] new' },
    });
  });

  test('an edit that only its reader can decrypt is told without its text', () => {
    const message = { secretEncryptedMessage: { targetMessageKey: { id: '3A00' }, secretEncType: 2 } };
    expect(received(message).wire).toMatchObject({
      message: '[Edited a message]',
      edits_provider_message_id: '3A00',
    });
  });

  test('a deletion is a message of its own, which names the one that is gone', () => {
    expect(received({ protocolMessage: { type: 0, key: { id: '3A00' } } }).wire).toMatchObject({
      message: '[Deleted a message]',
      edits_provider_message_id: '3A00',
    });
  });

  test('an album is a header: silent, while its pictures name it', () => {
    expect(interpreted({ albumMessage: { expectedImageCount: 2 } })).toMatchObject({
      kind: 'silent',
      why: 'album',
      received: { key: { remoteJid: ALICE, id: '3A01' }, wire: null },
    });
    const messageContextInfo = {
      messageAssociation: { associationType: 1, parentMessageKey: { id: 'ALBUM' } },
    };
    expect(received({ ...IMAGE, messageContextInfo }).wire.album_id).toBe('ALBUM');
    expect(received({ associatedChildMessage: { message: IMAGE }, messageContextInfo }).wire.album_id).toBe(
      'ALBUM',
    );
  });
});

describe('texts', () => {
  test.each([
    ['a plain text', { conversation: 'hello' }, 'hello'],
    ['a text with a preview', { extendedTextMessage: { text: 'hello' } }, 'hello'],
    [
      'a location',
      {
        locationMessage: {
          degreesLatitude: 48.1,
          degreesLongitude: 11.5,
          name: 'Office',
          address: 'Main St',
        },
      },
      '[Location: Office, Main St, 48.1, 11.5]',
    ],
    [
      'a live location',
      { liveLocationMessage: { degreesLatitude: 1, degreesLongitude: -2, caption: 'on my way' } },
      '[Live location: 1, -2]\non my way',
    ],
    [
      'a contact',
      { contactMessage: { displayName: 'Bob', vcard: 'BEGIN:VCARD\nitem1.TEL;waid=1:+1 555\nEND:VCARD' } },
      '[Contact: Bob, +1 555]',
    ],
    [
      'contacts',
      { contactsArrayMessage: { contacts: [{ displayName: 'Bob' }, { displayName: 'Eve' }] } },
      '[Contact: Bob]\n[Contact: Eve]',
    ],
    [
      'a poll',
      {
        pollCreationMessageV3: {
          name: 'Lunch?',
          options: [{ optionName: 'Pizza' }, { optionName: 'Pasta' }],
        },
      },
      '[Poll: Lunch?]\n- Pizza\n- Pasta',
    ],
    [
      'a group invite',
      { groupInviteMessage: { groupName: 'Team', caption: 'join' } },
      '[Group invite: Team]\njoin',
    ],
    [
      'an event',
      {
        eventMessage: {
          name: 'Party',
          startTime: 1_700_000_000,
          location: { name: 'Roof' },
          description: 'Bring cake',
        },
      },
      '[Event: Party, 2023-11-14T22:13:20.000Z, Roof]\nBring cake',
    ],
    ['a canceled event', { eventMessage: { name: 'Party', isCanceled: true } }, '[Canceled event: Party]'],
    [
      'a list reply',
      { listResponseMessage: { title: 'Blue', singleSelectReply: { selectedRowId: '1' } } },
      'Blue',
    ],
    [
      'a button reply',
      { buttonsResponseMessage: { selectedDisplayText: 'Yes', selectedButtonId: 'y' } },
      'Yes',
    ],
    ['a template reply', { templateButtonReplyMessage: { selectedId: 'y' } }, 'y'],
    ['a form reply', { interactiveResponseMessage: { body: { text: 'Done' } } }, 'Done'],
    [
      'a list',
      { listMessage: { title: 'Menu', sections: [{ rows: [{ title: 'Tea' }, { title: 'Coffee' }] }] } },
      'Menu\n- Tea\n- Coffee',
    ],
    [
      'buttons',
      { buttonsMessage: { contentText: 'Sure?', buttons: [{ buttonText: { displayText: 'Yes' } }] } },
      'Sure?\n- Yes',
    ],
    [
      'an order',
      { orderMessage: { orderTitle: 'Cake', itemCount: 2, message: 'please' } },
      '[Order: Cake, 2 items]\nplease',
    ],
    ['a payment', { sendPaymentMessage: { noteMessage: { conversation: 'rent' } } }, '[Payment]\nrent'],
    ['a sticker pack', { stickerPackMessage: { name: 'Cats' } }, '[Sticker pack: Cats]'],
    ['a kind that nobody described', { paymentInviteMessage: { serviceType: 1 } }, '[Payment invite]'],
  ])('%s reads as a person would put it', (_name, message, text) => {
    expect(textOf(message)).toBe(text);
  });

  test('a kind that the schema does not know is told as unsupported', () => {
    const unknownField = Buffer.from([0xfa, 0x3e, 0x02, 0x08, 0x01]);
    const interpretation = interpret(FROM_ALICE, unknownField, ACCOUNT);
    expect(interpretation).toMatchObject({ received: { wire: { message: '[Unsupported message]' } } });
  });

  test.each([
    ['a reaction', { reactionMessage: { key: { id: '3A00' }, text: '👍' } }, '[Reacted with 👍]'],
    ['a reaction taken back', { reactionMessage: { key: { id: '3A00' }, text: '' } }, '[Removed a reaction]'],
    ['a vote', { pollUpdateMessage: { pollCreationMessageKey: { id: '3A00' } } }, '[Voted in a poll]'],
    ['a pin', { pinInChatMessage: { key: { id: '3A00' }, type: 1 } }, '[Pinned a message]'],
  ])('%s names the message that it is about', (_name, message, text) => {
    expect(received(message).wire).toMatchObject({
      message: text,
      quoted: { provider_message_id: '3A00', text: '' },
    });
  });

  test.each([
    ['a group key', { senderKeyDistributionMessage: { groupId: GROUP } }],
    ['a disappearing-messages setting', { protocolMessage: { type: 3, ephemeralExpiration: 86_400 } }],
    ['an app-state key', { protocolMessage: { type: 6, appStateSyncKeyShare: { keys: [] } } }],
    ['a history notice', { protocolMessage: { type: 5, historySyncNotification: {} } }],
    ['a kept message', { keepInChatMessage: { key: { id: '3A00' } } }],
  ])('%s is nothing that a person would miss', (_name, message) => {
    expect(interpreted(message)).toMatchObject({ kind: 'silent', why: 'housekeeping' });
  });

  test('a protocol message without a type is no deletion', () => {
    expect(interpreted({ protocolMessage: { key: { id: '3A00' } } }).kind).toBe('silent');
  });

  test('a group key that comes with a text does not hide it', () => {
    expect(textOf({ senderKeyDistributionMessage: { groupId: GROUP }, conversation: 'hi' })).toBe('hi');
  });
});

describe('quotations and mentions', () => {
  test('a reply names what it quotes, with its text', () => {
    const contextInfo = { stanzaId: '3A00', quotedMessage: { conversation: 'before' } };
    expect(received({ extendedTextMessage: { text: 'reply', contextInfo } }).wire.quoted).toEqual({
      provider_message_id: '3A00',
      text: 'before',
    });
  });

  test('a quoted picture reads as its kind and caption', () => {
    const contextInfo = { stanzaId: '3A00', quotedMessage: { ephemeralMessage: { message: IMAGE } } };
    expect(received({ stickerMessage: { ...FILE, contextInfo } }).wire.quoted?.text).toBe('[image] look');
  });

  test('mentions are addresses without devices', () => {
    const contextInfo = { mentionedJid: ['4915130000003:7@s.whatsapp.net', 'nonsense'] };
    expect(received({ extendedTextMessage: { text: '@Bob', contextInfo } }).wire.mentions).toEqual([
      '4915130000003@s.whatsapp.net',
    ]);
  });
});

describe('who and where', () => {
  const hello = { conversation: 'hello' };

  test('in a chat of two the sender is the chat, and the other address an alternate', () => {
    expect(
      received(hello, { ...FROM_ALICE, from: '4915120000002:3@s.whatsapp.net', sender_lid: ALICE_LID }),
    ).toEqual({
      key: { remoteJid: ALICE, participant: null, id: '3A01', fromMe: false },
      media: null,
      wire: {
        provider_message_id: '3A01',
        sender: ALICE,
        message: 'hello',
        direction: 'incoming',
        source: 'user',
        originating_time: 1_700_000_000_000,
        display_name: 'Alice',
        alternate_identifiers: [ALICE_LID],
      },
    });
  });

  test('a stanza that is addressed by LID has the phone number as the alternate', () => {
    const { wire } = received(hello, { ...FROM_ALICE, from: ALICE_LID, sender_pn: ALICE });
    expect(wire).toMatchObject({ sender: ALICE_LID, alternate_identifiers: [ALICE] });
  });

  test('in a group the sender is the participant', () => {
    const attributes = { ...FROM_ALICE, from: GROUP, participant: ALICE_LID, participant_pn: ALICE };
    expect(received(hello, attributes)).toMatchObject({
      key: { remoteJid: GROUP, participant: ALICE_LID, fromMe: false },
      wire: {
        sender: ALICE_LID,
        actual_sender: ALICE_LID,
        group: { id: GROUP },
        alternate_identifiers: [ALICE],
      },
    });
  });

  test('groups are ignored where the policy says so', () => {
    const attributes = { ...FROM_ALICE, from: GROUP, participant: ALICE };
    const interpretation = interpret(attributes, encode(hello), { ...ACCOUNT, policy: { groups: 'none' } });
    expect(interpretation).toEqual({ kind: 'ignored', why: 'group' });
  });

  test('what the owner writes on the phone is outgoing, in the chat of its recipient', () => {
    const attributes = {
      id: '3A01',
      t: '1700000000',
      from: '4915110000001:0@s.whatsapp.net',
      recipient: ALICE,
      peer_recipient_lid: ALICE_LID,
    };
    const message = { deviceSentMessage: { destinationJid: ALICE, message: hello } };
    expect(received(message, attributes)).toMatchObject({
      key: { remoteJid: ALICE, fromMe: true },
      wire: {
        message: 'hello',
        direction: 'outgoing',
        source: 'user_outgoing',
        recipient_id: ALICE,
        alternate_identifiers: [ALICE_LID],
      },
    });
  });

  test('the destination inside counts where the stanza names no recipient', () => {
    const attributes = { id: '3A01', t: '1', from: '94915110000001:2@lid' };
    const message = { deviceSentMessage: { destinationJid: ALICE, message: hello } };
    expect(received(message, attributes).key).toMatchObject({ remoteJid: ALICE, fromMe: true });
  });

  test('nobody else can put words into the owner’s mouth', () => {
    const message = { deviceSentMessage: { destinationJid: '4915130000003@s.whatsapp.net', message: hello } };
    expect(received(message)).toMatchObject({
      key: { remoteJid: ALICE, fromMe: false },
      wire: { direction: 'incoming', sender: ALICE },
    });
  });

  test('what the owner writes into a group is outgoing in the group', () => {
    const attributes = { ...FROM_ALICE, from: GROUP, participant: '94915110000001:2@lid' };
    expect(received(hello, attributes)).toMatchObject({
      key: { remoteJid: GROUP, fromMe: true },
      wire: { source: 'user_outgoing', group: { id: GROUP } },
    });
  });

  test('what was sent while the bot was away is backlog', () => {
    expect(received(hello, { ...FROM_ALICE, offline: '0' }).wire.backlog).toBe(true);
    expect(received(hello).wire).not.toHaveProperty('backlog');
  });

  test.each([
    ['a status', { ...FROM_ALICE, from: 'status@broadcast', participant: ALICE }, 'unaddressed'],
    ['a channel', { ...FROM_ALICE, from: '120363000000000009@newsletter' }, 'unaddressed'],
    ['a group message of nobody', { ...FROM_ALICE, from: GROUP }, 'unaddressed'],
    ['a stanza without an id', { from: ALICE, t: '1' }, 'unaddressed'],
    ['a stanza between own devices', { ...FROM_ALICE, category: 'peer' }, 'own_device'],
  ])('%s is ignored', (_name, attributes, why) => {
    expect(interpreted(hello, attributes)).toEqual({ kind: 'ignored', why });
  });
});

describe('bounds', () => {
  test('a text is cut to the wire without splitting a character', () => {
    const text = textOf({ conversation: `${'x'.repeat(WIRE_LIMITS.textCharacters - 1)}🙂` });
    expect(text).toHaveLength(WIRE_LIMITS.textCharacters - 1);
    expect(text.isWellFormed()).toBe(true);
  });

  test('names are cut, lists are cut, and identifiers that do not fit are left out', () => {
    const mentionedJid = Array.from({ length: 1_000 }, (_, index) => `${index}@s.whatsapp.net`);
    const contextInfo = { stanzaId: 'x'.repeat(1_000), mentionedJid };
    const message = { documentMessage: { ...FILE, fileName: 'n'.repeat(5_000), contextInfo } };
    const { wire, media } = received(message, { ...FROM_ALICE, notify: 'A'.repeat(5_000) });
    expect(wire.display_name).toHaveLength(WIRE_LIMITS.filenameCharacters);
    expect(media?.fileName).toHaveLength(WIRE_LIMITS.filenameCharacters);
    expect(wire.mentions).toHaveLength(WIRE_LIMITS.listItems);
    expect(wire).not.toHaveProperty('quoted');
  });

  test('a time that is none is zero', () => {
    expect(received({ conversation: 'x' }, { from: ALICE, id: '1', t: 'soon' }).wire.originating_time).toBe(
      0,
    );
  });

  test('what does not decode is ignored', () => {
    const interpretation = interpret(FROM_ALICE, Buffer.from([0x0a, 0xff]), ACCOUNT);
    expect(interpretation).toEqual({ kind: 'ignored', why: 'malformed' });
  });
});
