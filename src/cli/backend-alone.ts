import { openStagingFolders } from '../staging/staging-folders.ts';
import { startBackend } from '../system/backend.ts';
import { withoutLocalGateway } from '../system/local-gateway.ts';
import { openStore } from './open-store.ts';
import type { Serving, ServingOptions } from './together.ts';

/**
 * A backend for gateways in other processes. Rejects, with nothing left running, with `config_invalid` when a bot is
 * paired by no gateway, and with what `openStore` and `startBackend` reject with.
 */
export async function startBackendAlone({ config: given, ...options }: ServingOptions): Promise<Serving> {
  const config = withoutLocalGateway(given);
  await using opened = new AsyncDisposableStack();
  const staging = await openStagingFolders(config.stagingFolder, config.gateways);
  const store = await openStore(config, options.clock, options.log);
  opened.defer(() => store.close());
  const credentials = config.gateways.map(({ id, token }) => ({ gatewayId: id, token }));
  const backend = await startBackend({ ...options, config, store, staging, credentials });
  opened.defer(() => backend.stop());
  const running = opened.move();
  return { store, backend, stop: () => running.disposeAsync() };
}
