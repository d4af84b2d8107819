import { utimes, writeFile } from 'node:fs/promises';
import type { Completion } from '../../src/actors/completion.ts';
import type { FileGateway } from '../../src/actors/janitor-files.ts';
import { freshMemory, janitorActor, type JanitorArgs } from '../../src/actors/janitor.ts';
import { newGuid } from '../../src/base/ids.ts';
import { openStagingFolder } from '../../src/staging/staging-folder.ts';
import type { NewJob } from '../../src/store/message-store.ts';
import { settle } from './actor-kit.ts';
import { actorBench } from './chat-bench.ts';
import { BOT } from './inbound-frames.ts';
import { scratchFolder } from './scratch-folder.ts';
import { acceptMedia, HOUR_MS, jobError, placeholderMessage } from './store-records.ts';

const HOUR_S = 3_600;

/** A janitor over a real folder and a memory store that can be made to fail, on a manual clock. */
export async function janitorBench(changes: Partial<JanitorArgs> = {}) {
  const bench = await actorBench();
  const { clock, services, store, system } = bench;
  const folder = await openStagingFolder(await scratchFolder());
  /** What the one gateway says, and what happens before it does. */
  const released: string[] = [];
  const gateway = {
    held: new Set<string>(),
    unacked: 0,
    isAway: false,
    asked: async () => {},
    released,
  };
  const bot = { isConnected: true };
  const expired: Completion[] = [];
  const hasFile = async (guid: string): Promise<boolean> => (await folder.sizeOf(guid)) !== null;
  const askGateway = async (guids: readonly string[]) => {
    if (gateway.isAway) return null;
    await gateway.asked();
    return { held: new Set(guids.filter((guid) => gateway.held.has(guid))), unacked: gateway.unacked };
  };
  const fileGateway: FileGateway = {
    id: 'gateway-1',
    held: askGateway,
    released: (guid) => void released.push(guid),
  };
  const args: Omit<JanitorArgs, 'memory'> = {
    store: services.store,
    folders: () => [{ folder, gateways: [fileGateway] }],
    hasFile,
    bots: () => Promise.resolve([{ id: BOT, isConnected: () => bot.isConnected, historyMs: null }]),
    limits: {
      staleJobMs: 3 * HOUR_MS,
      heldJobMs: 7 * 24 * HOUR_MS,
      failedFileMs: 24 * HOUR_MS,
      failedJobMs: 90 * 24 * HOUR_MS,
      orphanFileMs: 4 * HOUR_MS,
    },
    everyMs: 0,
    firstAfterMs: 0,
    expired: (completion) => expired.push(completion),
    ...changes,
  };
  /** A janitor as a process that starts now has it. */
  const spawn = async (name: string, otherwise: Partial<JanitorArgs> = {}) => {
    const memory = freshMemory(clock.now());
    const spawned = await system.spawn(janitorActor, name, { ...args, memory, ...otherwise });
    await settle();
    return spawned;
  };
  const janitor = await spawn('janitor');
  let nextId = 1;
  const job = async (start: Partial<NewJob> = {}, guid = newGuid()): Promise<string> => {
    const changed = { acceptedTime: clock.now(), providerMessageId: null };
    const placeholder = placeholderMessage(nextId, guid, changed);
    nextId += 1;
    await store.accept(acceptMedia(await bench.keyOf('ann'), placeholder, start));
    return guid;
  };
  return {
    ...bench,
    folder,
    gateway,
    bot,
    expired,
    janitor,
    spawn,
    /** A file as old as the clock says it is. */
    async file(guid = newGuid(), { partial = false, hoursOld = 0 } = {}): Promise<string> {
      const path = folder.pathOf(guid) + (partial ? '.part' : '');
      await writeFile(path, 'OggS…');
      const modifiedAt = clock.now() / 1_000 - hoursOld * HOUR_S;
      await utimes(path, modifiedAt, modifiedAt);
      return guid;
    },
    /** A job in the chat of ann, just now. */
    job,
    /** A failed job, just now. */
    async failedJob(): Promise<string> {
      const guid = await job();
      await store.discardJob(guid, jobError(), clock.now());
      return guid;
    },
    async names(): Promise<string[]> {
      return (await folder.list()).map(({ guid, partial }) => (partial ? `${guid}.part` : guid)).toSorted();
    },
  };
}
