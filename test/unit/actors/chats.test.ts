import { expect, test } from 'vitest';
import { NOT_CONNECTED } from '../../../src/actors/bot-protocol.ts';
import { botActor } from '../../../src/actors/bot.ts';
import type { Chat } from '../../../src/actors/chat-protocol.ts';
import { Chats } from '../../../src/actors/chats.ts';
import type { AnyActorRef } from '../../../src/actors/kit/actor.ts';
import { actorBench } from '../../support/chat-bench.ts';
import { BOT, textFrame } from '../../support/inbound-frames.ts';
import { TestLink } from '../../support/test-link.ts';

test('L2: a chat that was busy when it was to passivate is asked again the next time', async () => {
  const { system, services, keyOf, clock } = await actorBench();
  const asked: string[] = [];
  const chats = new Chats({
    context: {
      clock,
      spawn: (definition, name, args) => system.spawn(definition, name, args),
      passivate: ({ name }: AnyActorRef) => Promise.resolve(asked.push(name) > 1),
    },
    services: { ...services, messageReady: () => {}, jobsStartIn: () => 'active' },
    maxLive: 10,
  });
  const chat = await chats.open(await keyOf('ann'));
  await chat.ask('wake', undefined);
  await chats.passivateIdle(clock.now());
  expect(chats.liveCount).toBe(1);
  await chats.passivateIdle(clock.now());
  expect(asked).toEqual([chat.name, chat.name]);
  expect(chats.liveCount).toBe(0);
});

test('a bot that is told to announces each of its live chats again', async () => {
  const { system, services } = await actorBench();
  const announced: Chat[] = [];
  const bot = await system.spawn(botActor, 'bot', {
    botId: BOT,
    said: { status: NOT_CONNECTED },
    passivateAfterMs: 60_000,
    maxLiveChats: 10,
    disconnectGraceMs: 30_000,
    services: { ...services, messageReady: (chat) => announced.push(chat) },
  });
  const link = new TestLink();
  for (const sender of ['ann', 'bob']) {
    await bot.ask('inbound', { frame: textFrame(sender, 'hello'), link, isLastTry: false });
  }
  const known = new Set(announced);
  announced.length = 0;
  await bot.ask('announce', undefined);
  expect(known.size).toBe(2);
  expect(new Set(announced)).toEqual(known);
});
