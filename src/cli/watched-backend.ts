import { EventBus } from '../actors/events.ts';
import { type Inspector, startInspector } from '../inspector/inspector.ts';
import { LiveState } from '../inspector/live/live-state.ts';
import { Metrics } from '../inspector/metrics/metrics.ts';
import type { GatewayFigures } from '../inspector/metrics/state-metrics.ts';
import { type Backend, type BackendOptions, startBackend } from '../system/backend.ts';

/** A backend and, unless the configuration switches it off, the HTTP server that looks into it. */
export interface WatchedBackend {
  readonly backend: Backend;
  readonly inspector: Inspector | null;
  stop(): Promise<void>;
}

export interface WatchedBackendOptions extends Omit<BackendOptions, 'events'> {
  /** Of the gateway in this process; null while there is none. */
  readonly gatewayFigures?: () => GatewayFigures | null;
}

/** Rejects, with nothing left running, with what `startBackend` and `startInspector` reject with. */
export async function startWatchedBackend(options: WatchedBackendOptions): Promise<WatchedBackend> {
  const { config, clock, log, gatewayFigures } = options;
  await using opened = new AsyncDisposableStack();
  const events = new EventBus();
  const { http } = config;
  const listeners = http.enabled
    ? { state: new LiveState({ events, clock, log }), metrics: new Metrics(events) }
    : null;
  opened.defer(() => listeners?.state.close());
  opened.defer(() => listeners?.metrics.close());
  const backend = await startBackend({ ...options, events });
  opened.defer(() => backend.stop());
  const { administration } = backend;
  const inspector =
    listeners &&
    (await startInspector({
      http,
      administration,
      events,
      ...listeners,
      ...(gatewayFigures && { gatewayFigures }),
      clock,
      log,
    }));
  opened.defer(() => inspector?.close());
  const running = opened.move();
  return { backend, inspector, stop: () => running.disposeAsync() };
}
