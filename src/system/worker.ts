import { ActorSystem } from '../actors/kit/system.ts';
import { workerPoolActor } from '../actors/worker-pool.ts';
import type { Clock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { PoolConfig } from '../jobs/pools.ts';
import { ledgerOf } from '../processors/job-ledger.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';
import type { WorkerStore } from '../store/store.ts';
import type { Config } from './config.ts';
import { prepareJobRuns } from './job-runs.ts';
import { KnownBots } from './known-bots.ts';
import { runSteps } from './steps.ts';

export interface WorkerOptions {
  readonly config: Config;
  /** The pools to work for; all when there are none. */
  readonly poolNames: readonly string[];
  readonly store: WorkerStore;
  readonly staging: Pick<StagingFolders, 'of'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** An actor failed more often than its supervisors can bear: nothing left but to end the process. */
  readonly onEscalation: (error: unknown, path: string) => void;
  /** Ends the waiting for processors that load: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunningWorker {
  readonly system: ActorSystem;
  /** Drains: jobs in hand are given back, untried. */
  stop(): Promise<void>;
}

/**
 * Works for pools, beside the backend and any number of other such processes: claims jobs, and leaves what came of
 * them on the jobs. It delivers nothing: the backend hears of it. The store stays the caller's to close.
 * Rejects, with nothing left running, with `config_invalid` when a pool is not there or a processor cannot be made.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, poolNames, store, clock, log, onEscalation } = options;
  const pools = chosenPools(config.pools, poolNames);
  const jobRuns = await prepareJobRuns({ ...options, pools });
  const ledger = ledgerOf(store);
  const system = await ActorSystem.start({ clock, log, onEscalation });
  const bots = await KnownBots.watch({ configured: config.bots.map(({ id }) => id), store, clock, log });
  try {
    const workers = await system.spawn(workerPoolActor, 'workers', {
      pools,
      botIds: () => bots.ids(),
      store,
      leaseMs: config.leaseMs,
      maxAttempts: config.maxAttempts,
      runOf: (pool) => jobRuns.runOf(pool, ledger),
      completed: () => {},
      unsaved: () => {},
    });
    const deadlineMs = config.drainDeadlineMs;
    const drain = (): Promise<void> => {
      bots.close();
      return runSteps({ clock, log, deadlineMs, title: 'drain' }, [
        { name: 'finish or give back jobs', run: () => workers.ask('drain', undefined, { deadlineMs }) },
        { name: 'stop the actors', run: () => system.stop() },
        { name: 'end the processors', run: () => jobRuns.close() },
      ]);
    };
    let drained: Promise<void> | null = null;
    return { system, stop: () => (drained ??= drain()) };
  } catch (error) {
    bots.close();
    await system.stop('now');
    await jobRuns.close();
    throw error;
  }
}

function chosenPools(pools: readonly PoolConfig[], names: readonly string[]): readonly PoolConfig[] {
  const known = pools.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new DragomanError(
      'config_invalid',
      `no pool is called ${unknown.join(', ')}: expected some of ${known.join(', ')}`,
    );
  }
  return names.length === 0 ? pools : pools.filter(({ name }) => names.includes(name));
}
