import { type BotStatus, NOT_CONNECTED } from '../../src/actors/bot-protocol.ts';
import { type BotArgs, botActor } from '../../src/actors/bot.ts';
import { completionOf } from '../../src/actors/completion.ts';
import { ingestionActor } from '../../src/actors/ingestion.ts';
import type { InboundFrame } from '../../src/protocol/frames.ts';
import type { QueueLimits } from '../../src/queue/limits.ts';
import type { ActorSnapshot } from '../../src/actors/kit/actor.ts';
import { settle } from './actor-kit.ts';
import { actorBench } from './chat-bench.ts';
import { BOT } from './inbound-frames.ts';
import { stagedMedia } from './store-records.ts';
import { TestLink } from './test-link.ts';

export const OPEN: BotStatus = { state: 'open', qr: null, detail: null };
export const CLOSED: BotStatus = { state: 'closed', qr: null, detail: null };

/** A bot with its chats and ingestion, over a memory store that can be made to fail. */
export async function botBench(changes: Partial<BotArgs> = {}, limits: Partial<QueueLimits> = {}) {
  const bench = await actorBench(limits);
  const { system, store, clock } = bench;
  const ingestion = await system.spawn(ingestionActor, 'ingestion', { announceAgain: () => {} });
  const spawnBot = () =>
    system.spawn(botActor, `bot-${BOT}`, {
      botId: BOT,
      services: { ...bench.services, messageReady: (chat) => ingestion.tell('ready', chat) },
      said: { status: NOT_CONNECTED },
      passivateAfterMs: 60_000,
      maxLiveChats: 100,
      disconnectGraceMs: 30_000,
      ...changes,
    });
  const bot = await spawnBot();
  await settle();
  return {
    ...bench,
    ingestion,
    bot,
    spawnBot,
    inbound: (frame: InboundFrame, link = new TestLink(), isLastTry = false) =>
      bot.ask('inbound', { frame, link, isLastTry }),
    /** What a worker does: the job's words are durable, in whichever collection it is. */
    async complete(guid: string, words = 'words') {
      await store.stage(guid, stagedMedia('audio'), clock.now());
      const claim = await store.claim({ pool: 'audio', now: clock.now(), leaseMs: 30_000, cappedBots: [] });
      if (claim?.guid !== guid) throw new Error(`expected to claim ${guid}`);
      const result = { kind: 'words', words } as const;
      await store.complete(claim, result, clock.now());
      return completionOf(claim, result, clock.now());
    },
    chatActors: (): readonly ActorSnapshot[] =>
      system.inspect().children.find(({ kind }) => kind === 'bot')?.children ?? [],
  };
}
