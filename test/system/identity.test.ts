import { describe, expect, test } from 'vitest';
import type { AddressingMode } from '../../src/simulator/identity.ts';
import { liveWorks } from '../support/works.ts';

const ORDERS: readonly (readonly [AddressingMode, AddressingMode])[] = [
  ['pn', 'lid'],
  ['lid', 'pn'],
];

describe('one person, two addresses', () => {
  test.each(ORDERS)('%s first, then %s: one chat, when each message tells both', async (first, second) => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    const { identity } = simulator.person('Ana');
    await startGateway();
    await simulator.say('Ana', { text: 'first' }, { addressing: first });
    await simulator.say('Ana', { text: 'second' }, { addressing: second });
    await works.untilIngested(2);
    expect((await works.onlyHistory()).map(({ content }) => content)).toEqual(['first', 'second']);
    const [chat] = await works.chats();
    expect(chat?.correspondentId).toBe(identity[first]);
    expect(chat?.aliases.toSorted()).toEqual([identity.pn, identity.lid].toSorted());
  });

  test.each(ORDERS)('%s first, then %s: one chat, when WhatsApp tells it aside', async (first, second) => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    const { identity } = simulator.person('Ana');
    await startGateway();
    const aside = { tellsOtherName: false };
    await simulator.say('Ana', { text: 'first' }, { addressing: first, ...aside });
    await simulator.say('Ana', { text: 'second' }, { addressing: second, ...aside });
    await works.untilIngested(2);
    expect((await works.onlyHistory()).map(({ content }) => content)).toEqual(['first', 'second']);
    expect((await works.chats())[0]?.correspondentId).toBe(identity[first]);
  });

  test('what the owner writes by hand stands in the chat of its recipient, whose addresses are not the owner’s', async () => {
    const { works, startGateway } = await liveWorks();
    const { simulator } = works;
    const { identity } = simulator.person('Ana');
    await startGateway();
    await simulator.say('Ana', { text: 'are you there?' }, { addressing: 'lid' });
    const { owner } = simulator.account();
    await owner.send(simulator.directChat('Ana', { addressing: 'pn' }), { text: 'yes' });
    await works.untilIngested(2);
    const [question, answer] = await works.onlyHistory();
    expect(question).toMatchObject({ source: 'user', sender: { alternateIdentifiers: [identity.pn] } });
    expect(answer).toMatchObject({
      source: 'user_outgoing',
      recipientId: identity.pn,
      sender: { identifier: owner.identity.pn, alternateIdentifiers: [] },
    });
  });
});
