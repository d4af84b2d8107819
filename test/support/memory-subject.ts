import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import { MemoryDatabase } from './memory-store/memory-database.ts';
import { openMemoryStore } from './memory-store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { RestartedSubject } from '../contract/store/clock-steps.ts';
import type { StoreSubject } from '../contract/store/subject.ts';
import { ManualClock } from './manual-clock.ts';

export interface MemorySubject extends StoreSubject {
  /** The data, to be looked at without an owner's write. */
  readonly database: MemoryDatabase;
}

const elapse = (): Promise<void> => Promise.resolve();

/** A memory store on data of its own. */
export async function memorySubject(): Promise<MemorySubject> {
  const database = new MemoryDatabase();
  const open = async (): Promise<Store> =>
    openMemoryStore({ clock: systemClock(), newClaimToken: newGuid, database });
  const store = await open();
  const lose = async (key: CorrespondentKey, id: number): Promise<void> => database.chats.lose(key, id);
  return { store, rival: open, reopen: open, lose, elapse, database, dispose: () => store.close() };
}

/** The same, opened by one host's clock after the other. */
export async function restartedMemory(): Promise<RestartedSubject> {
  const database = new MemoryDatabase();
  let store: Store | null = null;
  return {
    async openAt(now) {
      await store?.close();
      store = openMemoryStore({ clock: new ManualClock(now), newClaimToken: newGuid, database });
      return store;
    },
    elapse,
    dispose: async () => store?.close(),
  };
}
