import type { Chat } from '../actors/chat-protocol.ts';
import { storedCompletion } from '../actors/completion.ts';
import { EventBus } from '../actors/events.ts';
import { ingestionActor } from '../actors/ingestion.ts';
import { freshMemory, janitorActor } from '../actors/janitor.ts';
import { ActorSystem } from '../actors/kit/system.ts';
import { runRecovery } from '../actors/recovery-steps.ts';
import { workerPoolActor } from '../actors/worker-pool.ts';
import type { Clock } from '../base/clock.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { type PoolConfig, poolRouter } from '../jobs/pools.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';
import type { Store } from '../store/store.ts';
import type { Administration } from './administration.ts';
import { administerActors } from './administration/actors.ts';
import { administerBots } from './administration/bots.ts';
import { administerChats } from './administration/chats.ts';
import { administerFailedJobs } from './administration/failed-jobs.ts';
import { administerForgetting } from './administration/forgetting.ts';
import { administerGateways } from './administration/gateways.ts';
import { administerJanitor } from './administration/janitor.ts';
import { administerJobs } from './administration/jobs.ts';
import { administerPools } from './administration/pools.ts';
import { Served } from './administration/served.ts';
import { BacklogLog } from './backlog-log.ts';
import { botActors } from './bot-actors.ts';
import { BotRoster } from './bot-roster.ts';
import type { Config } from './config.ts';
import { drainSteps } from './drain.ts';
import { pruneDuplicateKeys } from './duplicate-keys.ts';
import { fileForgetter, fileReleaser } from './file-releaser.ts';
import type { GatewayCredential } from './links/gateway-auth.ts';
import { Ingress } from './ingress.ts';
import type { RunningBot } from './running-bot.ts';
import { type JobRuns, prepareJobRuns } from './job-runs.ts';
import { janitorBots, janitorSettings } from './janitor-settings.ts';
import { sharedFolders } from './shared-folders.ts';
import { startLinkServer } from './links/link-server.ts';
import { mimeTypeDecider } from './mime-type-of.ts';
import { resultTaker } from './results.ts';
import { Settlements } from './settlements.ts';
import { logStateChanges } from './state-log.ts';
import { runSteps } from './steps.ts';

export interface BackendOptions {
  readonly config: Config;
  readonly store: Store;
  readonly staging: StagingFolders;
  readonly credentials: readonly GatewayCredential[];
  readonly clock: Clock;
  readonly log: Logger;
  /** For whoever listens from the start. */
  readonly events?: EventBus;
  /** An actor failed more often than its supervisors can bear: nothing left but to end the process. */
  readonly onEscalation: (error: unknown, path: string) => void;
  /** Ends the waiting for processors that load: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Opens the port for gateways; by default, for WebSockets. */
  readonly openLinks?: typeof startLinkServer;
  /** Makes the processors; by default, those that the pools name. */
  readonly prepareRuns?: typeof prepareJobRuns;
}

export interface Backend {
  /** Where gateways dial. */
  readonly url: string;
  readonly events: EventBus;
  readonly system: ActorSystem;
  /** What HTTP, page and command line stand on. */
  readonly administration: Administration;
  /** Drains: what was begun is finished or given back, what is ready is ingested, jobs are held. */
  stop(): Promise<void>;
}

/**
 * Recovers what an earlier life left, then opens the port for gateways. The store stays the caller's to close.
 * Rejects, with nothing left running, with `config_invalid` when a processor cannot be made, `already_in_use` when the
 * port is taken, and with what the store rejects with.
 */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const { config, store, clock, log, onEscalation, prepareRuns = prepareJobRuns } = options;
  const jobRuns = await prepareRuns({ ...options, pools: poolsHere(config) });
  const system = await ActorSystem.start({ clock, log, onEscalation });
  try {
    const routeToPool = poolRouter(config.pools);
    await runRecovery({ clock, log, title: 'start-up recovery: jobs are held until their bots connect' }, [
      // Before the sweep, which makes claimable again what dead workers held, however many it has cost.
      {
        name: 'revive',
        run: async () => (await store.reviveJobs(clock.now(), config.maxAttempts)).poisoned.length,
      },
      { name: 'sweep', run: () => store.sweepToHolding(clock.now()) },
      // Pools are renamed and removed in the configuration, with jobs waiting for them.
      { name: 'reroute', run: () => store.rerouteHeldJobs((mimeType) => routeToPool(mimeType).name) },
    ]);
    return await compose(options, system, jobRuns);
  } catch (error) {
    await system.stop('now');
    await jobRuns.close();
    throw error;
  }
}

async function compose(
  {
    config,
    store,
    staging,
    credentials,
    clock,
    log,
    openLinks = startLinkServer,
    events = new EventBus(),
  }: BackendOptions,
  system: ActorSystem,
  jobRuns: JobRuns,
): Promise<Backend> {
  const stopStateLog = logStateChanges({ events, log, content: config.log.content });
  const routeToPool = poolRouter(config.pools);
  const mimeTypeOf = mimeTypeDecider(staging, log);
  const bots = new Map<string, RunningBot>();
  const removedBots = new Map<string, string>();
  const gatewayCame = (): void => janitor.tell('gatewayCame', undefined);
  const ingress = new Ingress({
    store,
    bots,
    removedBots,
    routeToPool,
    mimeTypeOf,
    gatewayCame,
    clock,
    log,
  });
  const released = (gatewayId: string, guid: string): void => ingress.released(gatewayId, guid);
  const forgetFile = fileForgetter({ staging, released, log });
  const releaseFile = fileReleaser(forgetFile);
  const settlements = new Settlements({ store, bots, releaseFile, log });
  const pools = config.pools.map(({ name }) => name);
  const backlogLog = new BacklogLog({ store, pools, clock, log });

  const served = new Served(clock.now());
  const poolDid = (pool: string): void => janitor.tell('completed', pool);
  const completed = resultTaker({ settlements, backlogLog, served, events, poolDid, clock, log });
  const reviveJobs = async (): Promise<number> => {
    const { poisoned } = await store.reviveJobs(clock.now(), config.maxAttempts);
    for (const job of poisoned) completed(storedCompletion(job), job.pool);
    return poisoned.length;
  };

  const hasFile = (guid: Guid, gatewayId: string): Promise<boolean> => staging.has(guid, gatewayId);
  const announceAgain = (): void => {
    for (const { ref } of bots.values()) ref.tell('announce', undefined);
  };
  const ingestion = await system.spawn(ingestionActor, 'ingestion', { announceAgain });
  const janitor = await system.spawn(janitorActor, 'janitor', {
    ...janitorSettings(config),
    memory: freshMemory(clock.now()),
    store,
    bots: async () => janitorBots(config, bots, await store.bots()),
    folders: () => sharedFolders({ staging, bots, ingress }),
    hasFile,
    expired: (completion) => void settlements.begin(completion),
  });
  const workers = await system.spawn(workerPoolActor, 'workers', {
    pools: poolsHere(config),
    botIds: () => bots.keys(),
    store,
    leaseMs: config.leaseMs,
    maxAttempts: config.maxAttempts,
    runOf: (pool) => jobRuns.runOf(pool, settlements.ledger),
    completed,
    unsaved: (botId) => bots.get(botId)?.ref.tell('reconcile', undefined),
  });
  const services = {
    store,
    events,
    routeToPool,
    mimeTypeOf,
    messageReady: (chat: Chat) => ingestion.tell('ready', chat),
    wakePools: () => workers.tell('wake', undefined),
    reviveJobs,
    releaseFile,
    hasFile,
  };
  const gatewayIds = credentials.map(({ gatewayId }) => gatewayId);
  const roster = await BotRoster.open({
    configured: config.bots,
    gatewayIds,
    bots,
    removedBots,
    store,
    commands: ingress,
    ...botActors({ system, config, services }),
    clock,
    log,
  });
  const server = await openLinks({ ...config.listen, credentials, handler: ingress, clock, log });

  store.onCompleted((job) => completed(storedCompletion(job), job.pool));

  const { dedupeDays } = config;
  const pruning = pruneDuplicateKeys({ store, dedupeDays, clock, log });
  if (config.log.backlogEveryMs > 0) backlogLog.start(config.log.backlogEveryMs);

  const deadlineMs = config.drainDeadlineMs;
  const running = { server, ingress, workers, settlements, ingestion, bots, system, jobRuns, deadlineMs };
  const drain = async (): Promise<void> => {
    backlogLog.close();
    pruning.cancel();
    await runSteps({ clock, log, deadlineMs, title: 'drain' }, drainSteps(running));
    stopStateLog();
  };
  let drained: Promise<void> | null = null;
  const administration: Administration = {
    actors: administerActors(system),
    bots: administerBots({ bots, roster, isLinked: (gatewayId) => ingress.isLinked(gatewayId) }),
    chats: { ...administerChats({ store, bots }), ...administerForgetting({ bots, forgetFile }) },
    gateways: administerGateways({ gatewayIds, ingress }),
    janitor: administerJanitor(janitor),
    jobs: {
      ...administerJobs({ store, bots, pools }),
      ...administerFailedJobs({ store, bots, forgetFile }),
    },
    pools: administerPools({
      store,
      pools: config.pools,
      load: () => workers.ask('load', undefined),
      staging,
      served,
      bots: config.bots,
      clock,
    }),
    send: (request) => ingress.send(request),
  };
  return {
    url: server.url,
    events,
    system,
    administration,
    stop: () => (drained ??= drain()),
  };
}

/** Those that this process works for. */
const poolsHere = ({ pools, processedBy }: Config): readonly PoolConfig[] =>
  processedBy === 'backend' ? pools : [];
