import { existsSync } from 'node:fs';
import { DragomanError, hasCode } from '../base/errors.ts';
import type { Administration } from '../system/administration.ts';
import { type Config, type ConfigSources, loadConfig, storeLocation } from '../system/config.ts';
import { ApiClient, apiUrl } from './remote/api-client.ts';
import { type RemoteAdministration, remoteAdministration } from './remote/remote-administration.ts';

/** What can be told without a running backend. */
export interface Readable {
  readonly bots: Pick<Administration['bots'], 'list'>;
  readonly chats: Pick<Administration['chats'], 'list' | 'show' | 'queue' | 'history' | 'message'>;
  readonly jobs: Pick<Administration['jobs'], 'list' | 'show'>;
  readonly janitor: Administration['janitor'];
}

/** Asks the running backend. Rejects with `backend_unreachable` when there is none. */
export async function withBackend<T>(
  sources: ConfigSources,
  use: (administration: RemoteAdministration, config: Config) => Promise<T>,
): Promise<T> {
  const config = loadConfig(sources);
  return use(remoteAdministration(clientOf(config)), config);
}

/**
 * Asks the running backend, or, when none answers, the store itself; never a store that a backend holds. Of MongoDB
 * only a backend is asked: whoever opens it owns it, and another machine's backend may be at it.
 */
export async function withReadable<T>(
  sources: ConfigSources,
  use: (readable: Readable) => Promise<T>,
): Promise<T> {
  const config = loadConfig(sources);
  let unreachable: DragomanError;
  try {
    return await use(remoteAdministration(clientOf(config)));
  } catch (error) {
    if (!hasCode(error, 'backend_unreachable')) throw error;
    unreachable = error;
  }
  const location = storeLocation(config);
  if (location.kind !== 'sqlite') throw unreachable;
  if (existsSync(location.file)) {
    const { withStore } = await import('./offline-administration.ts');
    return withStore(config, unreachable, use);
  }
  throw new DragomanError(
    'not_found',
    `nothing is stored in ${location.file} yet, and ${unreachable.message}`,
  );
}

function clientOf({ http }: Config): ApiClient {
  if (!http.enabled || http.port === 0) {
    throw new DragomanError(
      'backend_unreachable',
      'the configuration does not say where the backend is to be asked: set http.port, and http.enabled to true',
    );
  }
  return new ApiClient(apiUrl(http), http.token);
}
