import type { CutSubject } from '../contract/store/cuts.ts';
import { openStoreOn, type TestDatabase, urlThrough } from './mongo-subject.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** A call that is cut off is given up so soon. */
const CALL_DEADLINE_MS = 700;

/** A MongoDB store whose server is away from a command on: each chunk that the store sends is a point. */
export async function mongoCutSubject(database: TestDatabase): Promise<CutSubject> {
  const proxy = await TcpProxy.before(new URL(database.url));
  const store = await openStoreOn(urlThrough(proxy.port, database.name), CALL_DEADLINE_MS);
  let isOver = false;
  return {
    store,
    cutAt(n) {
      if (!isOver) proxy.refuseAfter(n);
      return !isOver;
    },
    mend() {
      isOver = !proxy.isRefusing;
      proxy.heal();
    },
    async dispose() {
      proxy.heal();
      await store.close();
      await proxy.close();
      await database.empty();
    },
  };
}
