import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import { MemoryDatabase } from '../../src/store/memory/memory-database.ts';
import { openMemoryStore } from '../../src/store/memory/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { describeStore } from './store.contract.ts';
import type { StoreSubject } from './store/subject.ts';

async function memorySubject(): Promise<StoreSubject> {
  const database = new MemoryDatabase();
  const open = async (): Promise<Store> =>
    openMemoryStore({ clock: systemClock(), newClaimToken: newGuid, database });
  const store = await open();
  const lose = async (key: CorrespondentKey, id: number): Promise<void> =>
    database.chats.lose(database.chats.owned(key, store.fence), id);
  return { store, rival: open, reopen: open, lose, dispose: () => store.close() };
}

describeStore('the memory store', memorySubject);
