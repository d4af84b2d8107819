import type { Clock } from '../base/clock.ts';
import type { DragomanError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { healthRoutes } from '../inspector/http/routes/health.ts';
import { type RunningHttp, startHttp } from '../inspector/http/server.ts';
import type { Store } from '../store/store.ts';
import type { Config } from '../system/config.ts';
import { openStore } from './open-store.ts';

export interface Standby {
  /** Told once, when the waiting begins. */
  readonly onWaiting: () => void;
  /** Ends the waiting: it rejects with `aborted`. */
  readonly signal: AbortSignal;
  /** Another backend has taken the store over: nothing is left but to end the process. */
  readonly onLost: (error: DragomanError) => void;
}

export interface StandbyOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** Left out: it does not wait for a backend that is active, it rejects with `already_in_use`. */
  readonly standby?: Standby;
  /** Opens the store; by default, the one that the configuration names. */
  readonly openStore?: typeof openStore;
}

/**
 * Opens the store, or stands by until the backend that is active on it ends or dies. Meanwhile the HTTP port tells that
 * the process lives and is not ready, and gateways find nobody at theirs: they dial the active one.
 */
export async function openStoreOrStandBy(options: StandbyOptions): Promise<Store> {
  const { config, clock, log, standby, openStore: open = openStore } = options;
  if (standby === undefined) return open(config, clock, log);
  const { signal, onWaiting, onLost } = standby;
  let health: Promise<RunningHttp | null> = Promise.resolve(null);
  const waiting = (owner: string): void => {
    log.info({ owner }, 'standing by: another backend is active on this store');
    console.log(`Standing by: the backend on ${owner} is active on this store. Ctrl-C ends the waiting.`);
    onWaiting();
    health = tellOfStandby(options, owner);
  };
  try {
    return await open(config, clock, log, { whenOwned: 'wait', signal, waiting, lost: onLost });
  } finally {
    await (await health)?.close();
  }
}

/** Never rejects: who cannot be asked is not ready either. */
async function tellOfStandby({ config, log }: StandbyOptions, owner: string): Promise<RunningHttp | null> {
  if (!config.http.enabled) return null;
  const detail = `standing by for the backend on ${owner}`;
  const routes = [healthRoutes(() => Promise.resolve([{ name: 'store', ready: false, detail }]))];
  try {
    const http = await startHttp({ ...config.http, log, routes });
    console.log(`Whether it is ready is told at ${http.url}/readyz.`);
    return http;
  } catch (error) {
    log.warn({ reason: String(error) }, 'nobody can ask over HTTP whether this backend is ready');
    return null;
  }
}
