import { Gauge, type Registry } from 'prom-client';
import type { Administration } from '../../system/administration.ts';
import type { PoolView } from '../../system/administration/views.ts';
import type { LiveState } from '../live/live-state.ts';

/** Of the gateway in this process; one elsewhere tells its own. */
export interface GatewayFigures {
  readonly unackedFrames: number;
  readonly unackedBytes: number;
  readonly deadLetters: number;
  readonly runningDownloads: number;
  readonly waitingDownloads: number;
  readonly stagedBytes: number;
  readonly stagingLimitBytes: number;
}

export interface StateMetricsOptions {
  readonly administration: Pick<Administration, 'actors' | 'bots' | 'pools'>;
  readonly state: LiveState;
  /** Null while there is none in this process. */
  readonly gatewayFigures: () => GatewayFigures | null;
  readonly now: () => number;
}

const JOB_STATES = [
  'pending',
  'waiting',
  'inProgress',
  'held',
  'failed',
] as const satisfies readonly (keyof PoolView)[];

/** Gauges of how things stand. Returns what reads them, once for each scrape. */
export function stateMetrics(registry: Registry, options: StateMetricsOptions): () => Promise<void> {
  const { administration, state, gatewayFigures, now } = options;
  const gauge = <const Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] });

  const ready = gauge('dragoman_queue_ready_messages', 'Ready messages in all queues');
  const placeholders = gauge('dragoman_queue_placeholders', 'Media that are not words yet, in all queues');
  const oldest = gauge(
    'dragoman_queue_oldest_placeholder_age_seconds',
    'Age of the oldest placeholder; 0: none',
  );
  const waiting = gauge('dragoman_queue_waiting_chats', 'Chats whose queue is not empty');
  const jobs = gauge('dragoman_jobs', 'Jobs by pool and state', ['pool', 'state']);
  const oldestJob = gauge('dragoman_jobs_oldest_pending_age_seconds', 'Age of the oldest claimable job', [
    'pool',
  ]);
  const busy = gauge('dragoman_workers_busy', "The backend's workers that have a job", ['pool']);
  const staged = gauge('dragoman_staging_bytes', 'Bytes in the staging folders');
  const stagedFiles = gauge('dragoman_staging_files', 'Files in the staging folders');
  const quota = gauge('dragoman_staging_limit_bytes', 'What may lie in the staging folders');
  const up = gauge('dragoman_bot_open', 'Whether a bot is connected to WhatsApp', ['bot']);
  const linked = gauge('dragoman_gateway_linked', 'Whether a gateway is connected', ['gateway']);
  const actors = gauge('dragoman_actors', 'Live actors', ['kind']);
  const depth = gauge('dragoman_mailbox_messages', 'Messages that wait in mailboxes', ['kind']);
  const age = gauge('dragoman_mailbox_oldest_age_seconds', 'Age of the oldest waiting message', ['kind']);
  const restarts = gauge('dragoman_actor_restarts', 'Restarts of the actors that are alive', ['kind']);
  const failures = gauge('dragoman_actor_failures', 'Messages that failed in the actors that are alive', [
    'kind',
  ]);
  const downloads = gauge('dragoman_gateway_downloads', 'Media of the local gateway', ['state']);
  const unacked = gauge(
    'dragoman_gateway_unacked_frames',
    'Frames that the local gateway keeps for the backend',
  );
  const unackedBytes = gauge('dragoman_gateway_unacked_bytes', 'The same in bytes');
  const deadLetters = gauge('dragoman_gateway_dead_letters', 'Frames that the backend refused for good');
  const reserved = gauge(
    'dragoman_gateway_staging_reserved_bytes',
    'Of the quota, downloads under way included',
  );

  const readMemory = (): void => {
    const queues = state.board.now;
    ready.set(queues.ready);
    placeholders.set(queues.placeholders);
    waiting.set(queues.waitingChats);
    oldest.set(queues.oldestPlaceholderTime === null ? 0 : (now() - queues.oldestPlaceholderTime) / 1_000);
    const figures = gatewayFigures();
    if (figures === null) return;
    downloads.set({ state: 'running' }, figures.runningDownloads);
    downloads.set({ state: 'waiting' }, figures.waitingDownloads);
    unacked.set(figures.unackedFrames);
    unackedBytes.set(figures.unackedBytes);
    deadLetters.set(figures.deadLetters);
    reserved.set(figures.stagedBytes);
  };
  const readBots = async (): Promise<void> => {
    // A bot that was removed is not reported any more.
    up.reset();
    linked.reset();
    for (const bot of await administration.bots.list()) {
      up.set({ bot: bot.botId }, bot.state === 'open' ? 1 : 0);
      linked.set({ gateway: bot.gatewayId }, bot.linked ? 1 : 0);
    }
  };
  const readPools = async (): Promise<void> => {
    for (const pool of await administration.pools.list()) {
      for (const each of JOB_STATES) jobs.set({ pool: pool.name, state: snakeCase(each) }, pool[each]);
      oldestJob.set({ pool: pool.name }, (pool.oldestPendingMs ?? 0) / 1_000);
      busy.set({ pool: pool.name }, pool.busy);
    }
    const staging = await administration.pools.staging();
    staged.set(staging.bytes);
    stagedFiles.set(staging.files);
    quota.set(staging.limitBytes);
  };
  const readActors = async (): Promise<void> => {
    for (const each of await administration.actors.kinds()) {
      const { kind } = each;
      actors.set({ kind }, each.actors);
      depth.set({ kind }, each.depth);
      age.set({ kind }, each.oldestWaitingMs / 1_000);
      restarts.set({ kind }, each.restarts);
      failures.set({ kind }, each.failed);
    }
  };
  return async () => {
    readMemory();
    // What cannot be read, a store that is away for instance, must not hide the rest.
    await Promise.allSettled([readBots(), readPools(), readActors()]);
  };
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
