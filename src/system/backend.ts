import { botActor, type BotProtocol } from '../actors/bot.ts';
import type { Completion } from '../actors/completion.ts';
import { EventBus } from '../actors/events.ts';
import { ingestionActor } from '../actors/ingestion.ts';
import type { ActorRef } from '../actors/kit/actor.ts';
import { ActorSystem } from '../actors/kit/system.ts';
import { workerPoolActor } from '../actors/worker-pool.ts';
import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { type PoolConfig, poolRouter } from '../jobs/pools.ts';
import { DEFAULT_RETRY } from '../jobs/retry.ts';
import { createPoolProcessor } from '../processors/registry.ts';
import { DEFAULT_JOB_TIMES, type JobRun } from '../processors/run-job.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';
import type { Store } from '../store/store.ts';
import type { BotSettings, Config } from './config.ts';
import type { GatewayCredential } from './gateway-auth.ts';
import { Ingress } from './ingress.ts';
import { startLinkServer } from './link-server.ts';
import { runSteps } from './steps.ts';

export interface BackendOptions {
  readonly config: Config;
  readonly store: Store;
  readonly staging: StagingFolder;
  readonly credentials: readonly GatewayCredential[];
  readonly clock: Clock;
  readonly log: Logger;
  /** An actor failed more often than its supervisors can bear: nothing left but to end the process. */
  readonly onEscalation: (error: unknown, path: string) => void;
}

export interface Backend {
  /** Where gateways dial. */
  readonly url: string;
  readonly events: EventBus;
  readonly system: ActorSystem;
  /** Drains: what was begun is finished or given back, what is ready is ingested, jobs are held. */
  stop(): Promise<void>;
}

/** Recovers what an earlier life left, then opens the port for gateways. The store stays the caller's to close. */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const { config, store, staging, clock, log } = options;
  const events = new EventBus();
  const routeToPool = poolRouter(config.pools);
  const runs = await jobRuns(options);
  const swept = await store.sweepToHolding(clock.now());
  log.info({ swept }, 'start-up sweep: active jobs are held until their bots connect');

  const system = await ActorSystem.start({ clock, log, onEscalation: options.onEscalation });
  const bots = new Map<string, { settings: BotSettings; ref: ActorRef<BotProtocol> }>();
  const settlements = new Set<Promise<void>>();
  const ingestion = await system.spawn(ingestionActor, 'ingestion', undefined);
  let ingesting = true;

  const completed = (completion: Completion): void => {
    if (!keepsFile(completion)) ingress.released(completion.gatewayId, completion.guid);
    const bot = bots.get(completion.correspondent.botId);
    if (bot === undefined) return;
    const settlement = bot.ref
      .ask('settle', completion, { deadlineMs: SETTLE_DEADLINE_MS })
      .catch((error: unknown) =>
        log.warn({ guid: completion.guid, reason: describeError(error) }, 'a result waits on its job'),
      )
      .finally(() => settlements.delete(settlement));
    settlements.add(settlement);
  };

  const workers = await system.spawn(workerPoolActor, 'workers', {
    pools: config.pools,
    store,
    leaseMs: config.leaseMs,
    maxAttempts: config.maxAttempts,
    runOf: (pool) => runs(pool),
    completed,
  });
  const wakePool = (pool: string | null): void => workers.tell('wake', pool);
  await workers.ask('open', undefined);

  for (const settings of config.bots) {
    const ref = await system.spawn(botActor, settings.id, {
      botId: settings.id,
      passivateAfterMs: config.passivateAfterMs,
      disconnectGraceMs: config.disconnectGraceMs,
      services: {
        store,
        events,
        routeToPool,
        limits: settings.limits,
        ordering:
          settings.ordering === 'strict'
            ? { kind: 'strict', strictHoldMs: settings.strictHoldMs }
            : { kind: 'skip-pop' },
        messageReady: (chat) => ingestion.tell('ready', chat),
        wakePool,
        ingesting: () => ingesting,
      },
    });
    bots.set(settings.id, { settings, ref });
  }

  const ingress = new Ingress({ store, staging, bots, routeToPool, wakePool, clock, log });
  const server = await startLinkServer({
    ...config.listen,
    credentials: options.credentials,
    handler: ingress,
    clock,
    log,
  });

  return {
    url: server.url,
    events,
    system,
    async stop() {
      const deadlineMs = config.drainDeadlineMs;
      await runSteps({ clock, log, title: 'drain' }, [
        { name: 'answer the frames in hand', deadlineMs, run: () => server.drain() },
        {
          name: 'finish or give back jobs',
          deadlineMs,
          run: () => workers.ask('drain', undefined, { deadlineMs }),
        },
        { name: 'settle what is completed', deadlineMs, run: () => Promise.all(settlements) },
        {
          name: 'ingest what is ready',
          deadlineMs,
          run: () => ingestion.ask('drain', undefined, { deadlineMs }),
        },
        {
          name: 'hold jobs',
          deadlineMs,
          run: () => {
            ingesting = false;
            return Promise.all(
              [...bots.values()].map(({ ref }) => ref.ask('retire', undefined, { deadlineMs })),
            );
          },
        },
        { name: 'close the links', deadlineMs, run: () => server.close() },
        { name: 'stop the actors', deadlineMs, run: () => system.stop() },
      ]);
    },
  };
}

/** A result waits on its job anyhow: this only bounds how long one try to settle it may take. */
const SETTLE_DEADLINE_MS = 600_000;

/** How each pool's workers do a job. Rejects with `config_invalid` when a processor cannot be made. */
async function jobRuns({
  config,
  store,
  staging,
  clock,
  log,
}: BackendOptions): Promise<(pool: PoolConfig) => JobRun> {
  const environment = { clock, baseFolder: config.baseFolder };
  const runs = new Map<string, JobRun>();
  for (const pool of config.pools) {
    runs.set(pool.name, {
      processor: await createPoolProcessor(pool, environment),
      ledger: store,
      files: staging,
      clock,
      log,
      random: Math.random,
      times: { ...DEFAULT_JOB_TIMES, timeoutMs: pool.timeoutMs, leaseMs: config.leaseMs },
      retry: { ...DEFAULT_RETRY, maxAttempts: config.maxAttempts },
    });
  }
  return (pool) => {
    const run = runs.get(pool.name);
    if (run === undefined) throw new Error(`pool ${pool.name} has no processor`);
    return run;
  };
}

/** Whether a failed job's file stays for whoever looks into it. */
const keepsFile = ({ error }: Completion): boolean =>
  error !== null && error.code !== 'corrupt' && error.code !== 'unsupported';
