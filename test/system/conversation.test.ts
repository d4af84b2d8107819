import { proto } from '@whiskeysockets/baileys';
import { describe, expect, test } from 'vitest';
import { isPlaceholder } from '../../src/queue/message.ts';
import { uploaded } from '../support/crafted-media.ts';
import { liveWorks } from '../support/works.ts';

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const MIB = 2 ** 20;

describe('a text behind a medium', () => {
  const videoBytes = (DEEP ? 100 : 2) * MIB;

  test(`stands behind its placeholder, and is in the history before it (${videoBytes / MIB} MiB)`, async () => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    await startGateway();
    await simulator.say('Ana', {
      video: videoBytes,
      fault: { kind: 'drip', bytesPerSecond: videoBytes / 3 },
    });
    await simulator.say('Ana', { text: 'did you see it?' });
    await works.untilEvent((event) => event.kind === 'ingested');
    const [chat] = await works.chats();
    if (chat === undefined) throw new Error('expected a chat');
    const [placeholder] = (await works.store.rehydrate(chat)).messages;
    expect(placeholder && isPlaceholder(placeholder)).toBe(true);
    expect(simulator.media.requests).toHaveLength(1);

    await works.untilIngested(2);
    const ingested = await works.history(chat, 'ingestion');
    expect(ingested.map(({ id, content }) => [id, content])).toEqual([
      [2, 'did you see it?'],
      [1, expect.stringContaining('[Transcripted video')],
    ]);
  });
});

describe('what is taken in', () => {
  test('groups are left out where the policy says so', async () => {
    const { works, startGateway } = await liveWorks({ policy: { groups: 'none' } });
    const { simulator } = works;
    await startGateway();
    simulator.group('Club', ['Ana']);
    const toAll = await simulator.say('Ana', { text: 'to all' }, { in: 'Club' });
    await simulator.events.waitFor('receipt', ({ messageId }) => messageId === toAll.messageId);
    await simulator.say('Ana', { text: 'to you' });
    await works.untilIngested(1);
    expect((await works.onlyHistory()).map(({ content }) => content)).toEqual(['to you']);
  });

  test('what came while the bot was away is marked as backlog, what comes live is not', async () => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    await (await startGateway()).stop();
    await simulator.say('Ana', { text: 'while away' });
    await simulator.say('Ana', { image: 0, caption: 'while away' });
    await startGateway();
    await simulator.say('Ana', { text: 'live' });
    await works.untilIngested(3);
    expect((await works.onlyHistory()).map(({ backlog }) => backlog)).toEqual([true, true, false]);
  });

  test('the history that the phone sends to a new device is no news', async () => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    await startGateway();
    const id = await simulator.account().tellHistory([
      {
        chat: simulator.directChat('Ana'),
        from: simulator.person('Ana'),
        content: { text: 'yesterday' },
        writtenAt: Date.now() - 86_400_000,
      },
    ]);
    await simulator.events.waitFor('receipt', ({ messageId }) => messageId === id);
    await simulator.say('Ana', { text: 'today' });
    await works.untilIngested(1);
    expect((await works.onlyHistory()).map(({ content }) => content)).toEqual(['today']);
  });
});

describe('what people do besides writing', () => {
  test('reactions, edits, deletions, places and polls are messages of their own, about another one', async () => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    await startGateway();
    const { messageId: id } = await simulator.say('Ana', { text: 'see you at six' });
    const say = (message: proto.IMessage) => simulator.say('Ana', { message });
    const { MESSAGE_EDIT, REVOKE } = proto.Message.ProtocolMessage.Type;
    await say({ reactionMessage: { key: { id }, text: '👍' } });
    await say({
      protocolMessage: {
        type: MESSAGE_EDIT,
        key: { id },
        editedMessage: { conversation: 'see you at seven' },
      },
    });
    await say({ protocolMessage: { type: REVOKE, key: { id } } });
    await say({ locationMessage: { degreesLatitude: 1.5, degreesLongitude: 2.5, name: 'Café' } });
    await say({ pollCreationMessageV3: { name: 'When?', options: [{ optionName: 'six' }] } });
    await say({
      extendedTextMessage: {
        text: 'yes',
        contextInfo: { stanzaId: id, quotedMessage: { conversation: 'see you at six' } },
      },
    });
    await works.untilIngested(7);
    const told = (await works.onlyHistory()).map(({ content, quoted, editsProviderMessageId }) => [
      content,
      quoted?.providerMessageId === id,
      editsProviderMessageId === id,
    ]);
    expect(told).toEqual([
      ['see you at six', false, false],
      ['[Reacted with 👍]', true, false],
      ['[Edited] see you at seven', false, true],
      ['[Deleted a message]', false, true],
      ['[Location: Café, 1.5, 2.5]', false, false],
      ['[Poll: When?]\n- six', false, false],
      ['yes', true, false],
    ]);
  });

  test('an album is its pictures, each with the name of the album', async () => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    await startGateway();
    const album = await simulator.say('Ana', { message: { albumMessage: { expectedImageCount: 2 } } });
    for (const caption of ['first', 'second']) {
      const node = await uploaded(simulator, Buffer.from(caption));
      const imageMessage = { ...node, mimetype: 'image/jpeg', caption };
      const messageAssociation = { associationType: 1, parentMessageKey: { id: album.messageId } };
      await simulator.say('Ana', { message: { messageContextInfo: { messageAssociation }, imageMessage } });
    }
    await works.untilIngested(2);
    const pictures = await works.onlyHistory();
    expect(pictures.map(({ albumId }) => albumId)).toEqual([album.messageId, album.messageId]);
    expect(pictures.map(({ content }) => content)).toEqual([
      expect.stringMatching(/^\[Transcripted image .*\] first$/),
      expect.stringMatching(/^\[Transcripted image .*\] second$/),
    ]);
  });
});

describe('groups', () => {
  test('a message tells who wrote it, and the group’s name once WhatsApp has told it', async () => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    await startGateway();
    const ana = simulator.person('Ana').identity;
    const { jid: from } = simulator.group('Garden party', ['Ana']);
    const names = async () => (await works.onlyHistory()).map(({ group }) => group?.name ?? null);
    let sent = 0;
    const say = async (): Promise<void> => {
      await simulator.say('Ana', { text: `message ${sent}` }, { in: 'Garden party' });
      sent += 1;
      await works.untilIngested(sent);
    };
    await say();
    await expect
      .poll(async () => {
        await say();
        return (await names()).at(-1);
      })
      .toBe('Garden party');
    expect((await names())[0]).toBeNull();

    for (const { session } of simulator.account().devices.values()) {
      session?.connection.send({
        tag: 'notification',
        attrs: { from, type: 'w:gp2', id: 'rename', participant: ana.lid, t: '1700000000' },
        content: [{ tag: 'subject', attrs: { subject: 'Garden work', s_t: '1700000000' } }],
      });
    }
    await expect
      .poll(async () => {
        await say();
        return (await names()).at(-1);
      })
      .toBe('Garden work');
    expect((await works.onlyHistory())[0]).toMatchObject({
      sender: { identifier: ana.lid, displayName: 'Ana', alternateIdentifiers: [ana.pn] },
      actualSender: ana.lid,
    });
  });
});
