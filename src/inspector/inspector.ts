import type { EventBus } from '../actors/events.ts';
import type { Clock } from '../base/clock.ts';
import { repeat } from '../base/deadlines.ts';
import type { Logger } from '../base/log.ts';
import type { Administration } from '../system/administration.ts';
import type { Config } from '../system/config.ts';
import { actorRoutes } from './http/routes/actors.ts';
import { botRoutes } from './http/routes/bots.ts';
import { chatRoutes } from './http/routes/chats.ts';
import { eventRoutes } from './http/routes/events.ts';
import { followRoutes } from './http/routes/follow.ts';
import { gatewayRoutes } from './http/routes/gateways.ts';
import { healthRoutes } from './http/routes/health.ts';
import { janitorRoutes } from './http/routes/janitor.ts';
import { jobRoutes } from './http/routes/jobs.ts';
import { metricsRoutes } from './http/routes/metrics.ts';
import { pageRoutes } from './http/routes/page.ts';
import { poolRoutes } from './http/routes/pools.ts';
import { sendRoutes } from './http/routes/send.ts';
import { startHttp } from './http/server.ts';
import { Followers } from './live/followers.ts';
import { LiveFeed } from './live/live-feed.ts';
import type { LiveState } from './live/live-state.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { GatewayFigures } from './metrics/state-metrics.ts';
import { readinessOf } from './readiness.ts';

export interface InspectorOptions {
  readonly http: Config['http'];
  readonly administration: Administration;
  /** The backend's. */
  readonly events: EventBus;
  /** Has listened since before the backend started. It stays the caller's to close. */
  readonly state: LiveState;
  /** As `state`. */
  readonly metrics: Metrics;
  /** Of the gateway in this process; null while there is none. */
  readonly gatewayFigures?: () => GatewayFigures | null;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Inspector {
  /** Where page, API, metrics and health are. */
  readonly url: string;
  close(): Promise<void>;
}

/** Proxies drop connections over which nothing came for a minute or so. */
const KEEP_ALIVE_MS = 20_000;

/**
 * Lets people and programs look into a running backend.
 * Rejects, with nothing left running, with what `startHttp` rejects with.
 */
export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const { http, administration, events, state, metrics, gatewayFigures = () => null, clock, log } = options;
  metrics.watch({ administration, state, gatewayFigures, now: () => clock.now() });
  const feed = new LiveFeed({ state, administration, clock });
  const followers = new Followers(events);
  const keptAlive = repeat(clock, KEEP_ALIVE_MS, () => followers.keepAlive());
  const closeFeeds = (): void => {
    keptAlive.cancel();
    followers.close();
    feed.close();
  };
  try {
    const server = await startHttp({
      ...http,
      log,
      routes: [
        healthRoutes(readinessOf(administration, clock)),
        metricsRoutes(metrics),
        actorRoutes(administration),
        botRoutes(administration),
        chatRoutes(administration),
        sendRoutes(administration),
        jobRoutes(administration),
        gatewayRoutes(administration),
        janitorRoutes(administration),
        poolRoutes(administration),
        eventRoutes(feed),
        followRoutes(administration, followers),
        pageRoutes,
      ],
    });
    return {
      url: server.url,
      async close() {
        closeFeeds();
        await server.close();
      },
    };
  } catch (error) {
    closeFeeds();
    throw error;
  }
}
