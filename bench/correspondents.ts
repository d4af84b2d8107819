/** What a chat costs in memory, live and passivated: real bots and correspondents whose queues are empty. */
import { type BotProtocol, NOT_CONNECTED } from '../src/actors/bot-protocol.ts';
import { botActor } from '../src/actors/bot.ts';
import { EventBus } from '../src/actors/events.ts';
import type { ActorRef } from '../src/actors/kit/actor.ts';
import { ActorSystem } from '../src/actors/kit/system.ts';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/log.ts';
import { DEFAULT_POOLS, poolRouter } from '../src/jobs/pools.ts';
import { DEFAULT_LIMITS, SKIP_POP } from '../src/queue/limits.ts';
import type { Store } from '../src/store/store.ts';
import { heapAfterCollection } from './heap.ts';

const BOTS = 100;
const CHATS = 1_000;
const PROVIDER = 'simulator';
const PASSIVATE_AFTER_MS = 3_600_000;

/** A store in which every chat is new: what is weighed is the actors' memory, not the store's. */
const emptyStore: Partial<Store> = {
  rehydrate: () => Promise.resolve({ nextId: 1, messages: [] }),
  chatsWithJournal: () => Promise.resolve([]),
  holdJobs: () => Promise.resolve(0),
};

export async function run(): Promise<void> {
  const real = systemClock();
  let aheadMs = 0;
  const system = await ActorSystem.start({
    clock: { now: () => real.now() + aheadMs, schedule: (delayMs, task) => real.schedule(delayMs, task) },
    log: silentLogger,
    onEscalation: (error) => {
      throw error;
    },
  });
  const bots = await Promise.all(
    Array.from({ length: BOTS }, (_, place) => spawnBot(system, `bot-${place}`)),
  );
  const before = heapAfterCollection();
  for (const [place, bot] of bots.entries()) await wakeAll(bot, `bot-${place}`);
  const live = heapAfterCollection();
  aheadMs = PASSIVATE_AFTER_MS;
  await Promise.all(bots.map((bot) => bot.ask('passivateIdle', undefined, { deadlineMs: 600_000 })));
  const passivated = heapAfterCollection();

  const perChat = (bytes: number): number => Math.round(bytes / (BOTS * CHATS));
  console.log(`${(BOTS * CHATS).toLocaleString('en')} chats of ${BOTS} bots, queues empty`);
  console.log(`heap per live chat: ${perChat(live - before)} bytes`);
  console.log(`heap per passivated chat: ${Math.max(perChat(passivated - before), 0)} bytes`);
  await system.stop();
}

function spawnBot(system: ActorSystem, botId: string): Promise<ActorRef<BotProtocol>> {
  return system.spawn(botActor, botId, {
    botId,
    said: { status: NOT_CONNECTED },
    passivateAfterMs: PASSIVATE_AFTER_MS,
    maxLiveChats: CHATS,
    disconnectGraceMs: 600_000,
    services: {
      store: emptyStore as Store,
      events: new EventBus(),
      limits: DEFAULT_LIMITS,
      ordering: SKIP_POP,
      routeToPool: poolRouter(DEFAULT_POOLS),
      mimeTypeOf: (_guid, sendersWord) => Promise.resolve(sendersWord),
      messageReady: () => {},
      wakePools: () => {},
      reviveJobs: () => Promise.resolve(0),
      releaseFile: () => Promise.resolve(),
      hasFile: () => Promise.resolve(true),
    },
  });
}

async function wakeAll(bot: ActorRef<BotProtocol>, botId: string): Promise<void> {
  for (let place = 0; place < CHATS; place += 1) {
    const correspondentId = `${place}@${botId}`;
    const chat = await bot.ask('open', { botId, providerName: PROVIDER, correspondentId });
    await chat.ask('wake', undefined);
  }
}
