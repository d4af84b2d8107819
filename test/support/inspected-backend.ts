import { onTestFinished } from 'vitest';
import { EventBus } from '../../src/actors/events.ts';
import { systemClock } from '../../src/base/clock.ts';
import { type Inspector, startInspector } from '../../src/inspector/inspector.ts';
import { LiveState } from '../../src/inspector/live/live-state.ts';
import { Metrics } from '../../src/inspector/metrics/metrics.ts';
import { machine } from './backend-machine.ts';

export const HTTP_TOKEN = 'a token for this test alone';

/** A backend without a gateway, and the HTTP server that looks into it. `again`: another one over the same data. */
export async function inspected(http: Record<string, unknown> = {}, changes: Record<string, unknown> = {}) {
  const { start, log, config, staging } = await machine({ http: { port: 0, ...http }, ...changes });
  const clock = systemClock();
  const again = async () => {
    const events = new EventBus();
    const state = new LiveState({ events, clock, log });
    const metrics = new Metrics(events);
    onTestFinished(() => metrics.close());
    const running = await start({ events });
    const { administration } = running.backend;
    const inspector = await startInspector({
      http: config.http,
      administration,
      events,
      state,
      metrics,
      clock,
      log,
    });
    onTestFinished(() => inspector.close());
    return { ...running, administration, inspector, log, staging, ...caller(inspector) };
  };
  return { ...(await again()), again };
}

/** Calls an inspector. */
function caller({ url }: Inspector) {
  return {
    get: (path: string, headers: Record<string, string> = {}) => fetch(new URL(path, url), { headers }),
    post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(new URL(path, url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
  };
}
