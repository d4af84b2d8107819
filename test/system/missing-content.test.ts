import { proto } from '@whiskeysockets/baileys';
import { expect, test } from 'vitest';
import type { Content } from '../../src/simulator/content.ts';
import type { SayOptions } from '../../src/simulator/simulator.ts';
import { liveWorks, type Works } from '../support/works.ts';

/** Long enough for a copy that is asked for to come. */
const settings = { undecryptableWaitMs: 3_000 };

const contentsOf = async (works: Works): Promise<Readonly<Record<string, readonly string[]>>> => {
  const chats = await Promise.all(
    (await works.chats()).map(async (chat) => {
      const history = await works.history(chat);
      return [history[0]?.sender.displayName ?? '', history.map(({ content }) => content)] as const;
    }),
  );
  return Object.fromEntries(chats);
};

/** What the account's phone answers when it is asked for a message that its linked device did not get. */
function resendOf(remoteJid: string, id: string, message: proto.IMessage): proto.IMessage {
  const webMessageInfo = { key: { remoteJid, id, fromMe: false }, message, messageTimestamp: 1 };
  const webMessageInfoBytes = proto.WebMessageInfo.encode(proto.WebMessageInfo.fromObject(webMessageInfo));
  return {
    protocolMessage: {
      type: proto.Message.ProtocolMessage.Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE,
      peerDataOperationRequestResponseMessage: {
        peerDataOperationResult: [
          { placeholderMessageResendResponse: { webMessageInfoBytes: webMessageInfoBytes.finish() } },
        ],
      },
    },
  };
}

/** A copy that does not decrypt, and one that decrypts to no message. */
test.each([{ garbled: true }, { nonsense: true }])(
  '%o: content that comes in time is all that is told, in a chat of two and in a group',
  async (damage) => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    await startGateway();
    simulator.group('Trip', ['Bruno']);
    const first = await simulator.say('Ana', { text: 'hello' }, damage);
    const second = await simulator.say('Bruno', { image: 0, caption: 'look' }, { in: 'Trip', ...damage });
    await works.untilIngested(2);
    const retried = simulator.events.of('retry').map(({ messageId }) => messageId);
    expect(new Set(retried)).toEqual(new Set([first.messageId, second.messageId]));
    expect(await contentsOf(works)).toEqual({
      Ana: ['hello'],
      Bruno: [expect.stringMatching(/^\[Transcripted image .*\] look$/)],
    });
  },
);

test('what decrypts to no message is told in brackets, when no other copy comes', async () => {
  const { works, startGateway } = await liveWorks({ settings });
  const { simulator } = works;
  await startGateway();
  simulator.person('Ana').goOffline();
  await simulator.say('Ana', { text: 'hello' }, { nonsense: true });
  await works.untilIngested(1);
  expect(await contentsOf(works)).toEqual({ Ana: ['[Message could not be decrypted]'] });
});

test('what stays away is told in brackets after a while, what says nothing never, and late content by itself', async () => {
  const { works, startGateway } = await liveWorks({ settings });
  const { simulator } = works;
  await startGateway();
  const ana = simulator.person('Ana');
  ana.goOffline();
  const say = (name: string, content: Content, options: SayOptions = {}) =>
    simulator.say(name, content, options);
  await say('Ana', { text: 'can you hear me?' }, { garbled: true });
  await say('Bruno', { withheld: 'view_once' });
  const { messageId } = await say('Chiara', { withheld: 'view_once_unavailable_fanout' });
  await say('Dario', { message: { albumMessage: { expectedImageCount: 2 } } }, { garbled: true });
  const { pn } = simulator.person('Chiara').identity;
  await simulator.account().tellDevices(resendOf(pn, messageId, { conversation: 'from my phone' }));
  await works.untilIngested(3);
  expect(await contentsOf(works)).toEqual({
    Ana: ['[Message could not be decrypted]'],
    Bruno: ['[View-once message that only the phone shows]'],
    Chiara: ['from my phone'],
  });

  ana.goOnline();
  await works.untilIngested(4);
  await say('Dario', { text: 'never mind the album' });
  await works.untilIngested(5);
  expect(await contentsOf(works)).toMatchObject({
    Ana: ['[Message could not be decrypted]', 'can you hear me?'],
    Dario: ['never mind the album'],
  });
});
