import { systemClock } from '../base/clock.ts';
import { DragomanError, hasCode } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import type { Store } from '../store/store.ts';
import { administerChats } from '../system/administration/chats.ts';
import { administerJobs } from '../system/administration/jobs.ts';
import type { BotView } from '../system/administration/views.ts';
import type { Config } from '../system/config.ts';
import { offlineJanitor } from './offline-janitor.ts';
import { openStore } from './open-store.ts';
import type { Readable } from './with-administration.ts';

/** Reads a store that no backend holds. Rejects with `unreachable`'s code when one does. */
export async function withStore<T>(
  config: Config,
  unreachable: DragomanError,
  use: (readable: Readable) => Promise<T>,
): Promise<T> {
  const store = await openUnheld(config, unreachable);
  try {
    return await use(await readableOf(store, config));
  } finally {
    await store.close();
  }
}

async function openUnheld(config: Config, unreachable: DragomanError): Promise<Store> {
  try {
    return await openStore(config, systemClock(), silentLogger);
  } catch (error) {
    if (!hasCode(error, 'already_in_use')) throw error;
    throw new DragomanError('backend_unreachable', `a backend holds the store, but ${unreachable.message}`, {
      cause: error,
    });
  }
}

async function readableOf(store: Store, config: Config): Promise<Readable> {
  const gateways = new Map([
    ...(await store.bots())
      .filter(({ removed }) => !removed)
      .map(({ botId, gatewayId }) => [botId, gatewayId] as const),
    ...config.bots.map(({ id, gateway }) => [id, gateway] as const),
  ]);
  const bots = Array.from(gateways, ([botId, gatewayId]): BotView => ({
    botId,
    gatewayId,
    linked: false,
    stopped: false,
    state: 'closed',
    qr: null,
    detail: 'no backend runs',
  }));
  return {
    bots: { list: () => Promise.resolve(bots) },
    chats: administerChats({ store, bots: gateways }),
    jobs: administerJobs({ store, bots: gateways, pools: config.pools.map(({ name }) => name) }),
    janitor: offlineJanitor(config, store),
  };
}
