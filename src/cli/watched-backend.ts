import { EventBus } from '../actors/events.ts';
import { type Inspector, startInspector } from '../inspector/inspector.ts';
import { LiveState } from '../inspector/live/live-state.ts';
import { type Backend, type BackendOptions, startBackend } from '../system/backend.ts';

/** A backend and, unless the configuration switches it off, the HTTP server that looks into it. */
export interface WatchedBackend {
  readonly backend: Backend;
  readonly inspector: Inspector | null;
  stop(): Promise<void>;
}

/** Rejects, with nothing left running, with what `startBackend` and `startInspector` reject with. */
export async function startWatchedBackend(options: Omit<BackendOptions, 'events'>): Promise<WatchedBackend> {
  const { config, clock, log } = options;
  await using opened = new AsyncDisposableStack();
  const events = new EventBus();
  const state = new LiveState({ events, clock, log });
  opened.defer(() => state.close());
  const backend = await startBackend({ ...options, events });
  opened.defer(() => backend.stop());
  const { administration } = backend;
  const { http } = config;
  const inspector = http.enabled ? await startInspector({ http, administration, state, clock, log }) : null;
  opened.defer(() => inspector?.close());
  const running = opened.move();
  return { backend, inspector, stop: () => running.disposeAsync() };
}
