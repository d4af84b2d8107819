import { proto } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import type { Content } from '../../src/simulator/content.ts';
import type { SentMessage } from '../../src/simulator/person.ts';
import { makeSampleMedia } from '../../src/simulator/sample-media.ts';
import { type HeaderMedium, headersWith, uploaded, wrappings } from '../support/crafted-media.ts';
import { MediaStage } from '../support/media-stage.ts';
import { liveWorks } from '../support/works.ts';

/*
 * Every type of message, and everything that one is wrapped in, from a person's phone over a real Baileys socket. A row
 * for each: texts up to the history, media up to their file.
 */

const FILE_BYTES = 20_000;
const { MESSAGE_EDIT, REVOKE } = proto.Message.ProtocolMessage.Type;
const ABOUT = { key: { id: 'EARLIER' } };

const edit = (editedMessage: proto.IMessage): proto.IMessage => ({
  protocolMessage: { type: MESSAGE_EDIT, ...ABOUT, editedMessage },
});
const reply = (text: string): proto.IMessage => ({ extendedTextMessage: { text } });

/** What each message reads as in the history. */
const TEXTS: Readonly<Record<string, readonly [proto.IMessage, string]>> = {
  'a text': [{ conversation: 'hello' }, 'hello'],
  'a text with a preview': [reply('see https://example.org'), 'see https://example.org'],
  'a location': [
    { locationMessage: { degreesLatitude: 48.1, degreesLongitude: 11.5, name: 'Office' } },
    '[Location: Office, 48.1, 11.5]',
  ],
  'a live location': [
    { liveLocationMessage: { degreesLatitude: 1, degreesLongitude: -2, caption: 'on my way' } },
    '[Live location: 1, -2]\non my way',
  ],
  'a contact': [
    { contactMessage: { displayName: 'Bob', vcard: 'BEGIN:VCARD\nTEL;waid=1:+1 555\nEND:VCARD' } },
    '[Contact: Bob, +1 555]',
  ],
  contacts: [
    {
      contactsArrayMessage: {
        displayName: '2 contacts',
        contacts: [
          { displayName: 'Bob', vcard: 'BEGIN:VCARD\nTEL:+1 555\nEND:VCARD' },
          { displayName: 'Eve' },
        ],
      },
    },
    '[Contact: Bob, +1 555]\n[Contact: Eve]',
  ],
  'a poll': [
    { pollCreationMessageV3: { name: 'When?', options: [{ optionName: 'six' }, { optionName: 'ten' }] } },
    '[Poll: When?]\n- six\n- ten',
  ],
  'a vote': [{ pollUpdateMessage: { pollCreationMessageKey: ABOUT.key } }, '[Voted in a poll]'],
  'a reaction': [{ reactionMessage: { ...ABOUT, text: '👍' } }, '[Reacted with 👍]'],
  'a reaction taken back': [{ reactionMessage: { ...ABOUT, text: '' } }, '[Removed a reaction]'],
  'a deletion': [{ protocolMessage: { type: REVOKE, ...ABOUT } }, '[Deleted a message]'],
  'an edited text': [edit({ conversation: 'at seven' }), '[Edited] at seven'],
  'an edited text in its wrapper': [
    { editedMessage: { message: edit({ conversation: 'at seven' }) } },
    '[Edited] at seven',
  ],
  'an edited caption': [
    { editedMessage: { message: edit({ imageMessage: { caption: 'us, last year' } }) } },
    '[Edited] us, last year',
  ],
  'an edited caption that disappears': [
    {
      ephemeralMessage: {
        message: { editedMessage: { message: edit({ videoMessage: { caption: 'us' } }) } },
      },
    },
    '[Edited] us',
  ],
  'a pin': [{ pinInChatMessage: { ...ABOUT, type: 1 } }, '[Pinned a message]'],
  'an event': [{ eventMessage: { name: 'Party', location: { name: 'Roof' } } }, '[Event: Party, Roof]'],
  'a group invite': [
    { groupInviteMessage: { groupName: 'Team', caption: 'join' } },
    '[Group invite: Team]\njoin',
  ],
  'a list': [{ listMessage: { title: 'Menu', sections: [{ rows: [{ title: 'Tea' }] }] } }, 'Menu\n- Tea'],
  'a list reply': [{ listResponseMessage: { title: 'Tea' } }, 'Tea'],
  'a button reply': [{ buttonsResponseMessage: { selectedDisplayText: 'Yes' } }, 'Yes'],
  'an order': [{ orderMessage: { orderTitle: 'Cake', message: 'please' } }, '[Order: Cake]\nplease'],
  'a payment': [{ sendPaymentMessage: { noteMessage: { conversation: 'rent' } } }, '[Payment]\nrent'],
  'a sticker pack': [{ stickerPackMessage: { name: 'Cats' } }, '[Sticker pack: Cats]'],
  'a kind that nobody described': [{ paymentInviteMessage: { serviceType: 1 } }, '[Payment invite]'],
  'a message of no known kind': [{}, '[Unsupported message]'],
};

test('every type that has no medium reads as a person would put it', async () => {
  const { works, startGateway } = await liveWorks();
  await startGateway();
  const rows = Object.entries(TEXTS);
  // A chat each: who says it is the name of the row.
  await Promise.all(rows.map(([name, [message]]) => works.simulator.say(name, { message })));
  await works.untilIngested(rows.length);
  const histories = await Promise.all((await works.chats()).map((chat) => works.history(chat)));
  const told = histories.map((history) => [
    history[0]?.sender.displayName,
    history.map(({ content }) => content),
  ]);
  expect(Object.fromEntries(told)).toEqual(
    Object.fromEntries(rows.map(([name, [, text]]) => [name, [text]])),
  );
});

/** What the backend is told of a medium: how it ended, of which type it is, its caption and its file name. */
async function toldOf(stage: MediaStage, sent: SentMessage): Promise<readonly (string | null)[]> {
  const { announced, end } = await stage.storyOf(sent);
  const { mime_type: type = null, message, original_filename: name = null } = announced;
  return [end.type, type, message, name];
}

describe('media', () => {
  test('every type comes with its bytes, its caption and its file name', async () => {
    const stage = await MediaStage.start();
    const { simulator } = stage;
    const picture = Uint8Array.from(makeSampleMedia('image').bytes);
    const round = await uploaded(simulator, makeSampleMedia('video').bytes, 'ptv');
    const audio = await uploaded(simulator, Buffer.from('ID3 music'), 'audio');
    const sticker = await uploaded(simulator, makeSampleMedia('sticker').bytes, 'sticker');
    const rows: readonly (readonly [Content, string, string, string | null])[] = [
      [{ image: FILE_BYTES, caption: 'a picture' }, 'image/jpeg', 'a picture', null],
      [{ image: picture, mimeType: 'image/png' }, 'image/png', '', null],
      [{ video: FILE_BYTES, caption: 'a video' }, 'video/mp4', 'a video', null],
      [{ message: { ptvMessage: { ...round, mimetype: 'video/mp4' } } }, 'video/mp4', '', null],
      [{ message: { audioMessage: { ...audio, mimetype: 'audio/mpeg' } } }, 'audio/mpeg', '', null],
      [{ voice: FILE_BYTES }, 'audio/ogg; codecs=opus', '', null],
      [{ document: FILE_BYTES, fileName: '../../etc/passwd' }, 'application/pdf', '', '../../etc/passwd'],
      // Phones wrap a document that has a caption.
      [
        { document: FILE_BYTES, fileName: 'p.pdf', caption: 'the plan' },
        'application/pdf',
        'the plan',
        'p.pdf',
      ],
      [{ sticker: 0 }, 'image/webp', '', null],
      [
        {
          message: { lottieStickerMessage: { message: { stickerMessage: { ...sticker, isLottie: true } } } },
        },
        'image/webp',
        '',
        null,
      ],
    ];
    const sent: SentMessage[] = [];
    for (const [content] of rows) sent.push(await simulator.say('Ana', content));
    const told = await Promise.all(sent.map((message) => toldOf(stage, message)));
    expect(told).toEqual(rows.map(([, ...wanted]) => ['media.staged', ...wanted]));
    expect(await stage.problems(sent)).toEqual([]);
  });

  test('what a medium is wrapped in makes no difference, other than that an edited one says so', async () => {
    const stage = await MediaStage.start();
    const { simulator } = stage;
    const node = await uploaded(simulator, Buffer.from('a picture in a wrapper'));
    const image = { imageMessage: { ...node, mimetype: 'image/jpeg', caption: 'look' } };
    const wrapped = { ...wrappings(image), 'an edit': edit(image) };
    expect(Object.keys(wrapped).length).toBeGreaterThan(20);
    const sent = await Promise.all(
      Object.entries(wrapped).map(([name, message]) => simulator.say(name, { message })),
    );
    // What the owner wrote is wrapped once more, for the account's other devices.
    const message = { ephemeralMessage: { message: image } };
    sent.push(await simulator.account().owner.send(simulator.directChat('Ana'), { message }));
    for (const each of sent) {
      const isEdit = ['an edit', 'editedMessage'].includes(each.from);
      const wanted = ['media.staged', 'image/jpeg', isEdit ? '[Edited] look' : 'look', null];
      expect(await toldOf(stage, each), each.from).toEqual(wanted);
    }
    expect(await stage.problems(sent)).toEqual([]);
  });

  test('a picture, a video or a document in a header comes with the text beside it', async () => {
    const stage = await MediaStage.start();
    const { simulator } = stage;
    const [image, video, document] = await Promise.all(
      (['image', 'video', 'document'] as const).map((kind) =>
        uploaded(simulator, makeSampleMedia(kind).bytes, kind),
      ),
    );
    const media: Readonly<Record<string, readonly [HeaderMedium, string, string | null]>> = {
      'a picture': [{ imageMessage: { ...image, mimetype: 'image/jpeg' } }, 'image/jpeg', null],
      'a video': [{ videoMessage: { ...video, mimetype: 'video/mp4' } }, 'video/mp4', null],
      'a document': [
        { documentMessage: { ...document, mimetype: 'application/pdf', fileName: 'offer.pdf' } },
        'application/pdf',
        'offer.pdf',
      ],
    };
    const rows = Object.entries(media).flatMap(([kind, [medium, ...wanted]]) =>
      Object.entries(headersWith(medium, 'Sale')).map(
        ([header, message]) => [`${kind}: ${header}`, message, wanted] as const,
      ),
    );
    const product = { product: { title: 'Chair', productImage: { ...image, mimetype: 'image/jpeg' } } };
    const sent = await Promise.all(rows.map(([name, message]) => simulator.say(name, { message })));
    for (const [index, each] of sent.entries()) {
      const [name, , [type, fileName] = []] = rows[index] ?? [];
      expect(await toldOf(stage, each), name).toEqual(['media.staged', type, 'Sale', fileName]);
    }
    sent.push(await simulator.say('a product', { message: { productMessage: product } }));
    expect(await Promise.all(sent.slice(-1).map((each) => toldOf(stage, each)))).toEqual([
      ['media.staged', 'image/jpeg', '[Product: Chair]', null],
    ]);
    expect(await stage.problems(sent)).toEqual([]);
  });
});
