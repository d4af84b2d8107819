import { openStagingFolders } from '../staging/staging-folders.ts';
import { withoutLocalGateway } from '../system/local-gateway.ts';
import { openStoreOrStandBy } from './standby.ts';
import type { Serving, ServingOptions } from './together.ts';
import { startWatchedBackend } from './watched-backend.ts';

/**
 * A backend for gateways in other processes. Rejects, with nothing left running, with `config_invalid` when a bot is
 * paired by no gateway, and with what `openStoreOrStandBy` and `startWatchedBackend` reject with.
 */
export async function startBackendAlone({ config: given, ...options }: ServingOptions): Promise<Serving> {
  const config = withoutLocalGateway(given);
  await using opened = new AsyncDisposableStack();
  const staging = await openStagingFolders(config.stagingFolder, config.gateways);
  const store = await openStoreOrStandBy({ ...options, config });
  opened.defer(() => store.close());
  const credentials = config.gateways.map(({ id, token }) => ({ gatewayId: id, token }));
  const watched = await startWatchedBackend({
    ...options,
    config,
    store,
    staging,
    credentials,
    signal: options.standby?.signal,
  });
  opened.defer(() => watched.stop());
  const { backend, inspector } = watched;
  const running = opened.move();
  return { store, backend, inspector, stop: () => running.disposeAsync() };
}
