import type { BotRecord } from '../../../src/store/bot-store.ts';
import { MemoryChats } from './memory-chats.ts';
import { MemoryJobs } from './memory-jobs.ts';

/** What outlives a memory store: hand it to the next one, and that one is the next owner of the same data. */
export class MemoryDatabase {
  readonly chats = new MemoryChats();
  readonly jobs = new MemoryJobs();
  readonly bots = new Map<string, BotRecord>();
  #lastFence = 0;

  nextFence(): number {
    this.#lastFence += 1;
    return this.#lastFence;
  }
}
