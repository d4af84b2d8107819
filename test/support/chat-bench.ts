import type { Chat } from '../../src/actors/chat-protocol.ts';
import type { ChatServices } from '../../src/actors/chat-services.ts';
import { correspondentActor } from '../../src/actors/correspondent.ts';
import type { Completion } from '../../src/actors/completion.ts';
import { type DragomanEvent, EventBus } from '../../src/actors/events.ts';
import { newGuid } from '../../src/base/ids.ts';
import { DEFAULT_POOLS, poolRouter } from '../../src/jobs/pools.ts';
import { DEFAULT_LIMITS, type QueueLimits, SKIP_POP } from '../../src/queue/limits.ts';
import { MemoryDatabase } from './memory-store/memory-database.ts';
import { openMemoryStore } from './memory-store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { startActors } from './actor-kit.ts';
import { BOT } from './inbound-frames.ts';
import { interceptStore, StoreFaults } from './intercepted-store.ts';
import { PROVIDER } from './store-records.ts';

const MAX_ATTEMPTS = 3;
const WHOLE = { afterSeq: 0, limit: 10_000 };

/** A chat's history, or its journal, as a reader sees it. */
export const contents = (messages: readonly { readonly content: string }[]): string[] =>
  messages.map(({ content }) => content);

/** An actor system, a memory store that can be made to fail, and what the actors of chats need. */
export async function actorBench(limits: Partial<QueueLimits> = {}) {
  const kit = await startActors();
  const { clock } = kit;
  const database = new MemoryDatabase();
  const faults = new StoreFaults();
  /** The same data, without the faults. */
  const store: Store = openMemoryStore({ clock, newClaimToken: newGuid, database });
  const events: DragomanEvent[] = [];
  const bus = new EventBus();
  bus.listen((event) => events.push(event));
  const woken: string[] = [];
  store.onClaimable((pool) => woken.push(pool));
  /** The GUIDs of files that may go. */
  const released: string[] = [];
  /** The GUIDs of files that are not there. */
  const gone = new Set<string>();
  const services = {
    store: interceptStore(store, faults.intercept),
    events: bus,
    limits: { ...DEFAULT_LIMITS, ...limits },
    ordering: SKIP_POP,
    routeToPool: poolRouter(DEFAULT_POOLS),
    mimeTypeOf: (_guid: string, sendersWord: string) => Promise.resolve(sendersWord),
    wakePools: () => void woken.push('every pool'),
    hasFile: async (guid: string) => !gone.has(guid),
    reviveJobs: async () => (await services.store.reviveJobs(clock.now(), MAX_ATTEMPTS)).poisoned.length,
    releaseFile: async ({ guid }: Completion) => void released.push(guid),
  };
  const keyOf = async (sender: string) => {
    const { correspondentId } = await store.resolveCorrespondent(BOT, PROVIDER, [sender]);
    return { botId: BOT, providerName: PROVIDER, correspondentId };
  };
  return {
    ...kit,
    database,
    faults,
    store,
    events,
    woken,
    released,
    gone,
    services,
    keyOf,
    journalOf: async (sender: string) => contents((await store.rehydrate(await keyOf(sender))).messages),
    historyOf: async (sender: string) =>
      contents((await store.history(await keyOf(sender), WHOLE)).map(({ message }) => message)),
  };
}

/** One chat's actor by itself: nobody ingests what it announces. */
export async function chatBench(limits: Partial<QueueLimits> = {}, changes: Partial<ChatServices> = {}) {
  const bench = await actorBench(limits);
  const announced: Chat[] = [];
  const notes: boolean[] = [];
  const key = await bench.keyOf('ann');
  const services: ChatServices = {
    ...bench.services,
    messageReady: (chat) => announced.push(chat),
    noteQueue: (_chat, isEmpty) => notes.push(isEmpty),
    jobsStartIn: () => 'active',
    ...changes,
  };
  const chat = await bench.system.spawn(correspondentActor, 'ann', { key, services });
  return { ...bench, key, chat, announced, notes };
}
