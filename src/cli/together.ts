import { randomBytes } from 'node:crypto';
import { startGateway } from '../gateway/gateway.ts';
import type { Gateway } from '../gateway/gateway-options.ts';
import { baileysSessions } from '../gateway/whatsapp/baileys-sessions.ts';
import { resolveEndpoint } from '../gateway/whatsapp/endpoint.ts';
import type { Inspector } from '../inspector/inspector.ts';
import { openStagingFolders } from '../staging/staging-folders.ts';
import type { Store } from '../store/store.ts';
import type { Backend } from '../system/backend.ts';
import { LOCAL_GATEWAY } from '../system/config/atoms.ts';
import { gatewayFolderOf } from './folders.ts';
import { openStoreOrStandBy, type StandbyOptions } from './standby.ts';
import { startWatchedBackend } from './watched-backend.ts';

/** A backend and its store. */
export interface Serving {
  readonly store: Store;
  readonly backend: Backend;
  /** Null where the configuration switches it off. */
  readonly inspector: Inspector | null;
  /** Drains: what was begun is finished, what is left is durable. What fails keeps nothing else open. */
  stop(): Promise<void>;
}

/** Gateway and backend in one process, over a real loopback link. Stopped, the gateway takes nothing more in first. */
export interface Together extends Serving {
  readonly gateway: Gateway;
}

export interface ServingOptions extends StandbyOptions {
  readonly onEscalation: (error: unknown, path: string) => void;
}

/** Rejects, with nothing left running, with what `openStoreOrStandBy`, `startWatchedBackend` and `startGateway` reject with. */
export async function startTogether(options: ServingOptions): Promise<Together> {
  const { config, clock, log, onEscalation } = options;
  await using opened = new AsyncDisposableStack();
  const staging = await openStagingFolders(config.stagingFolder, config.gateways);
  const store = await openStoreOrStandBy(options);
  opened.defer(() => store.close());
  // The link never leaves this process, so its token need not either.
  const token = randomBytes(32).toString('base64url');
  const credentials = [
    { gatewayId: LOCAL_GATEWAY, token },
    ...config.gateways.map(({ id, token: own }) => ({ gatewayId: id, token: own })),
  ];
  let running: Gateway | null = null;
  const watched = await startWatchedBackend({
    gatewayFigures: () => running?.snapshot() ?? null,
    config,
    store,
    staging,
    credentials,
    clock,
    log,
    onEscalation,
    signal: options.standby?.signal,
  });
  opened.defer(() => watched.stop());
  const { backend, inspector } = watched;
  const endpoint = await resolveEndpoint(config.simulator ?? null);
  const gateway = await startGateway({
    dataFolder: gatewayFolderOf(config.dataFolder),
    stagingFolder: config.stagingFolder,
    backendUrls: [backend.url],
    token,
    gatewayId: LOCAL_GATEWAY,
    settings: config.gateway,
    clock,
    log,
    createSession: baileysSessions({ clock, log, endpoint }),
  });
  running = gateway;
  opened.defer(() => {
    running = null;
    return gateway.stop();
  });
  const all = opened.move();
  return { store, backend, inspector, gateway, stop: () => all.disposeAsync() };
}
