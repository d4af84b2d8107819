import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import { MemoryDatabase } from '../../src/store/memory/memory-database.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { StoreSubject } from '../contract/store/subject.ts';

export interface MemorySubject extends StoreSubject {
  /** The data, to be looked at without an owner's write. */
  readonly database: MemoryDatabase;
}

/** A memory store on data of its own. */
export async function memorySubject(): Promise<MemorySubject> {
  const database = new MemoryDatabase();
  const open = async (): Promise<Store> =>
    openMemoryStore({ clock: systemClock(), newClaimToken: newGuid, database });
  const store = await open();
  const lose = async (key: CorrespondentKey, id: number): Promise<void> => database.chats.lose(key, id);
  return { store, rival: open, reopen: open, lose, database, dispose: () => store.close() };
}
