import type { ActorSnapshot } from '../../../src/actors/kit/actor.ts';
import type { Logger } from '../../../src/base/log.ts';
import type { PoolConfig } from '../../../src/jobs/pools.ts';
import { DEFAULT_RETRY } from '../../../src/jobs/retry.ts';
import { type JobLedger, ledgerOf } from '../../../src/processors/job-ledger.ts';
import { DEFAULT_JOB_TIMES } from '../../../src/processors/run-job.ts';
import type { MemoryDatabase } from '../memory-store/memory-database.ts';
import { openMemoryStore } from '../memory-store/memory-store.ts';
import { StagingFolders } from '../../../src/staging/staging-folders.ts';
import type { Store } from '../../../src/store/store.ts';
import { type Backend, startBackend } from '../../../src/system/backend.ts';
import { type Config, parseConfig } from '../../../src/system/config.ts';
import type { LinkServerOptions } from '../../../src/system/links/link-server.ts';
import { FaultyStore, type Weather } from './faulty-store.ts';
import { type Ledger, observeStore } from './observed-store.ts';
import type { BugGround, PlantedBug } from './planted-bug.ts';
import type { Scenario, ScriptedMessage } from './scenario.ts';
import type { SeededChoices } from './seeded-choices.ts';
import type { SimulatedFolder } from './simulated-folder.ts';
import { SIMULATED_GATEWAY } from './simulated-gateway.ts';
import { SimulatedLinks } from './simulated-links.ts';
import { PROCESSING_DEADLINE_MS, SimulatedProcessor } from './simulated-processor.ts';
import type { Trace } from './trace.ts';
import { ProcessClock, type VirtualTime } from './virtual-time.ts';

export interface SimulatedLifeOptions {
  readonly scenario: Scenario;
  readonly time: VirtualTime;
  readonly choices: SeededChoices;
  readonly trace: Trace;
  readonly database: MemoryDatabase;
  readonly folder: SimulatedFolder;
  readonly ledger: Ledger;
  readonly weather: Weather;
  /** What the host's clock says. */
  readonly wallNow: number;
  readonly messageOf: (guid: string) => ScriptedMessage | undefined;
  /** False while ingestion works, and has for a while. */
  readonly mayEvict: () => boolean;
  readonly broken: (rule: string, detail: string) => void;
  readonly carriedOut: (operation: string) => void;
  readonly failedToStart: () => void;
  readonly bug?: PlantedBug;
}

/** One life of a backend process: the real backend, over a store, a port and a clock that end with it. */
export class SimulatedLife {
  readonly #options: SimulatedLifeOptions;
  readonly #clock: ProcessClock;
  readonly #store: FaultyStore;
  #links: SimulatedLinks | null = null;
  #backend: Backend | null = null;
  #isDead = false;
  isStopping = false;

  constructor(options: SimulatedLifeOptions) {
    this.#options = options;
    const { time, choices, trace, weather, wallNow, carriedOut } = options;
    this.#clock = new ProcessClock(time, wallNow);
    this.#store = new FaultyStore(this.#openStore(), { time, choices, trace, weather, carriedOut });
  }

  get links(): SimulatedLinks | null {
    return this.#links;
  }

  /** Whether it has recovered and takes gateways in. */
  get isUp(): boolean {
    return this.#backend !== null;
  }

  get fence(): number {
    return this.#store.store.fence;
  }

  get inFlight(): number {
    return this.#store.inFlight;
  }

  get pendingTimers(): number {
    return this.#clock.pendingTimers;
  }

  inspect(): ActorSnapshot | null {
    return this.#backend?.system.inspect() ?? null;
  }

  start(): void {
    startBackend({
      config: configOf(this.#options.scenario),
      store: this.#store.store,
      staging: new StagingFolders(this.#options.folder),
      credentials: [],
      clock: this.#clock,
      log: this.#logger(),
      onEscalation: (error) => this.#options.broken('no escalation', String(error)),
      openLinks: async (options) => this.#openLinks(options),
      prepareRuns: async () => this.#jobRuns(),
    }).then(
      (backend) => (this.#backend = backend),
      () => {
        if (!this.#isDead) this.#options.failedToStart();
      },
    );
  }

  stop(): Promise<void> {
    this.isStopping = true;
    return this.#backend?.stop() ?? Promise.resolve();
  }

  /** As kill -9: nothing of it is heard of again, but what the store had been sent. */
  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#clock.end();
    this.#links?.kill();
    this.#store.kill();
  }

  #openStore(): Store {
    const { scenario, database, ledger, trace, time, weather, choices, mayEvict, broken, folder, bug } =
      this.#options;
    const clock = this.#clock;
    const memory = openMemoryStore({ clock, newClaimToken: () => choices.guid(), database });
    const { limits } = scenario;
    const watching = { database, ledger, trace, time, weather, clock, limits, mayEvict, broken };
    const observed = observeStore(memory, watching);
    if (bug?.store === undefined) return observed;
    const ground: BugGround = {
      database,
      folder,
      time,
      isAlive: () => !this.#isDead,
      changed: () => (ledger.changed = true),
    };
    const wrong = bug.store(observed, ground);
    return new Proxy(observed, {
      get: (target, name): unknown => Reflect.get(wrong, name) ?? Reflect.get(target, name, target),
    });
  }

  #openLinks(options: LinkServerOptions) {
    const { time, choices, bug } = this.#options;
    const handler = bug?.handler?.(options.handler) ?? options.handler;
    const links = new SimulatedLinks({ ...options, handler }, { time, choices });
    this.#links = links;
    return bug?.links?.(links) ?? links;
  }

  #jobRuns() {
    const { scenario, choices, folder, messageOf, broken } = this.#options;
    const clock = this.#clock;
    const { leaseMs } = scenario;
    const processor = new SimulatedProcessor({
      clock,
      messageOf,
      hasFile: (guid) => folder.files.has(guid),
      missed: (guid) =>
        this.#isDead || broken('file', `the file of ${guid} is not there when it is worked on`),
    });
    const run = {
      processor,
      filesOf: () => folder,
      clock,
      log: this.#logger(),
      random: choices.fraction,
      times: {
        ...DEFAULT_JOB_TIMES,
        timeoutMs: PROCESSING_DEADLINE_MS,
        leaseMs,
        heartbeatMs: Math.floor(leaseMs / 3),
      },
      retry: { ...DEFAULT_RETRY, firstDelayMs: 500 },
    };
    return {
      close: () => processor.close(),
      runOf: (_pool: PoolConfig, ledger: JobLedger) => ({
        ...run,
        ledger: scenario.workersApart ? ledgerOf(this.#store.store) : ledger,
      }),
    };
  }

  /** What is logged as an error is one. */
  #logger(): Logger {
    const { trace, broken } = this.#options;
    const note = (level: string) => (fields: object, message: string) => {
      if (this.#isDead) return;
      trace.lines?.push(`  ${level} ${message} ${JSON.stringify(fields)}`);
    };
    const log: Logger = {
      trace: () => {},
      debug: () => {},
      info: note('info'),
      warn: note('warn'),
      error: (fields, message) => {
        note('error')(fields, message);
        if (!this.#isDead) broken('no error', `${message} ${describe(fields)}`);
      },
      child: () => log,
    };
    return log;
  }
}

const describe = (fields: object): string =>
  Object.entries(fields)
    .map(
      ([name, value]) => `${name}=${value instanceof Error ? (value.stack ?? value.message) : String(value)}`,
    )
    .join(' ');

const POOL = { workers: 1, timeoutMs: PROCESSING_DEADLINE_MS };
/** Read once: that takes as long as many steps. */
const PLAIN_CONFIG = parseConfig({
  bots: [{ id: 'plain', gateway: SIMULATED_GATEWAY }],
  gateways: [{ id: SIMULATED_GATEWAY, token: 'a simulated token' }],
  pools: [
    { ...POOL, name: 'audio', mimeTypes: ['audio/ogg'], processor: 'audio' },
    { ...POOL, name: 'rest', mimeTypes: [], processor: 'unsupported' },
  ],
  log: { backlogEveryMs: 0 },
});

/** What every process of a conversation is told. */
function configOf(scenario: Scenario): Config {
  const { bots, limits, ordering, strictHoldMs, workers } = scenario;
  const { disconnectGraceMs, passivateAfterMs, maxLiveChats, leaseMs } = scenario;
  return {
    ...PLAIN_CONFIG,
    bots: PLAIN_CONFIG.bots.flatMap((bot) =>
      bots.map((id) => ({ ...bot, id, limits, ordering, strictHoldMs })),
    ),
    pools: PLAIN_CONFIG.pools.map((pool) => (pool.name === 'audio' ? { ...pool, workers } : pool)),
    disconnectGraceMs,
    passivateAfterMs,
    maxLiveChats,
    leaseMs,
  };
}
