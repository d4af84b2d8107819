import { createHash } from 'node:crypto';
import type { DurableFrame } from '../../../src/protocol/frames.ts';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import { isPlaceholder, type Placeholder } from '../../../src/queue/message.ts';
import { MemoryDatabase } from '../memory-store/memory-database.ts';
import { FAIR_WEATHER } from './faulty-store.ts';
import { Invariants, Violation } from './invariants.ts';
import { Ledger, numberOf } from './observed-store.ts';
import type { PlantedBug } from './planted-bug.ts';
import { HOUR_MS, type Mishap, type Scenario, scenarioOf, type ScriptedMessage } from './scenario.ts';
import { SeededChoices } from './seeded-choices.ts';
import { SimulatedFolder } from './simulated-folder.ts';
import { SimulatedGateway } from './simulated-gateway.ts';
import { SimulatedLife } from './simulated-life.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';

export interface SimulationResult {
  readonly seed: number;
  /** Null: every invariant held. */
  readonly violation: Violation | null;
  readonly traceHash: number;
  readonly steps: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly lines: readonly string[] | null;
}

export interface SimulationOptions {
  readonly bug?: PlantedBug;
  /** The mishap that happens most. */
  readonly emphasis?: Mishap['kind'];
  /** Keeps what happened, line by line. */
  readonly keepLines?: boolean;
}

const WALL_START = 1_700_000_000_000;
const MEMORY_CHECK_EVERY = 6;
/** After the last mishap everything must have come to its end by then. */
const REST_MS = 3 * HOUR_MS;
/** What was begun in worse weather has come to its end by then. */
const FAIR_FOR_MS = 10_000;

/** Plays the conversation of a seed, mishaps and all; every step is checked. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationResult> {
  const world = new SimulatedWorld(seed, options);
  const violation = await world.run();
  return { seed, violation, ...world.outcome };
}

type Aspect = 'slow' | 'away' | 'unheard' | 'deafHeartbeats' | 'historyAway';

/** One gateway, one store and one backend at a time, over virtual time. */
class SimulatedWorld {
  readonly #choices: SeededChoices;
  readonly #scenario: Scenario;
  readonly #time: VirtualTime;
  readonly #trace: Trace;
  readonly #database = new MemoryDatabase();
  readonly #folder = new SimulatedFolder();
  readonly #ledger = new Ledger();
  readonly #weather = { ...FAIR_WEATHER };
  readonly #media = new Map<string, ScriptedMessage>();
  readonly #acked = new Set<number>();
  readonly #invariants: Invariants;
  readonly #gateway: SimulatedGateway;
  readonly #options: SimulationOptions;
  readonly #armed: Extract<Mishap, { readonly kind: 'kill after' }>[] = [];
  #life: SimulatedLife | null = null;
  /** How far the host's clock was set, in all. */
  #jumpedMs = 0;
  /** When the weather last changed for the better. */
  #clearedAt = Number.NEGATIVE_INFINITY;
  #changes = 0;
  #violation: Violation | null = null;

  constructor(seed: number, options: SimulationOptions) {
    this.#options = options;
    this.#choices = new SeededChoices(seed);
    this.#scenario = scenarioOf(this.#choices, options.emphasis);
    this.#time = new VirtualTime(this.#choices);
    this.#trace = new Trace(options.keepLines ?? false);
    this.#weather.faultRate = this.#scenario.faultRate;
    this.#invariants = new Invariants({
      scenario: this.#scenario,
      database: this.#database,
      ledger: this.#ledger,
      folder: this.#folder,
      acked: this.#acked,
      media: this.#media,
    });
    this.#gateway = new SimulatedGateway({
      time: this.#time,
      choices: this.#choices,
      folder: this.#folder,
      trace: this.#trace,
      bots: this.#scenario.bots,
      backend: () => this.#life?.links ?? null,
      announced: (guid, message) => this.#media.set(guid, message),
      acked: (frame) => this.#noteAck(frame),
      complained: (frame) => this.#broken('no complaint', `the backend sent ${JSON.stringify(frame)}`),
    });
  }

  get outcome() {
    const { hash: traceHash, counts, lines } = this.#trace;
    return { traceHash, steps: this.#time.steps, counts, lines };
  }

  async run(): Promise<Violation | null> {
    const { messages, mishaps, endsAt } = this.#scenario;
    for (const message of messages) {
      void this.#time.after(message.at, () => this.#gateway.receive(message));
      if (message.againAt !== null) {
        void this.#time.after(message.againAt, () => this.#gateway.receive(message));
      }
    }
    for (const mishap of mishaps) void this.#time.after(mishap.at, () => this.#strike(mishap));
    this.#boot();
    this.#gateway.start();
    try {
      await this.#runUntil(() => this.#time.now > endsAt, endsAt + REST_MS);
      this.#calm();
      await this.#runUntil(() => this.#isAtRest, this.#time.now + REST_MS);
      this.#invariants.checkHistory();
      await this.#end();
    } catch (error) {
      this.#violation ??= error instanceof Violation ? error : new Violation('no bug', describe(error));
    }
    this.#life?.kill();
    return this.#violation;
  }

  async #runUntil(isOver: () => boolean, deadline: number): Promise<void> {
    while (!isOver() && this.#time.now < deadline) {
      if (!(await this.#time.step())) return;
      this.#check();
    }
  }

  #check(): void {
    if (this.#violation !== null) throw this.#violation;
    if (!this.#ledger.changed) return;
    this.#ledger.changed = false;
    this.#invariants.check();
    this.#changes += 1;
    // Looking at the actors costs more than all the rest.
    if (this.#changes % MEMORY_CHECK_EVERY !== 0 || this.#life?.inFlight !== 0) return;
    const tree = this.#life.inspect();
    if (tree !== null) this.#invariants.checkMemory(tree);
  }

  get #isAtRest(): boolean {
    return (
      this.#life?.isUp === true && !this.#life.isStopping && this.#gateway.isIdle && this.#invariants.isAtRest
    );
  }

  // ── Mishaps ────────────────────────────────────────────────────────────────────────────────────────────────────

  #strike(mishap: Mishap): void {
    this.#trace.add(`${this.#time.now} ${mishap.kind}`);
    switch (mishap.kind) {
      case 'kill':
        return this.#kill(mishap.downMs, mishap.jumpMs);
      case 'kill after':
        return void this.#armed.push(mishap);
      case 'stop':
        return this.#stop(mishap.downMs, mishap.jumpMs);
      case 'gateway crash':
        this.#trace.count('gateway crashed');
        return this.#gateway.crash(mishap.downMs);
      case 'cut':
        return this.#gateway.cut();
      case 'flap':
        this.#gateway.status(mishap.botId, mishap.state);
        return void this.#time.after(mishap.downMs, () => this.#gateway.status(mishap.botId, 'open'));
      case 'slow store':
        return this.#turnWeather('slow', mishap.forMs);
      case 'store away':
        return this.#turnWeather('away', mishap.forMs);
      case 'unheard commits':
        return this.#turnWeather('unheard', mishap.forMs);
      case 'deaf heartbeats':
        return this.#turnWeather('deafHeartbeats', mishap.forMs);
      case 'history away':
        return this.#turnWeather('historyAway', mishap.forMs);
      case 'lost entry':
        return this.#damage();
    }
  }

  #turnWeather(aspect: Aspect, forMs: number): void {
    this.#weather[aspect] = true;
    void this.#time.after(forMs, () => this.#clear(aspect));
  }

  #clear(aspect: Aspect): void {
    this.#weather[aspect] = false;
    this.#clearedAt = this.#time.now;
  }

  /**
   * A damaged file: the owner dies, and a placeholder is gone from its journal, while its job is not. What the owner had
   * sent is carried out by then.
   */
  #damage(): void {
    if (this.#anyPlaceholder() !== null) this.#kill(1, 0, () => this.#loseEntry());
  }

  #loseEntry(): void {
    const lost = this.#anyPlaceholder();
    if (lost === null) return;
    this.#trace.count('journal entry lost');
    this.#invariants.damaged.add(lost.placeholder.mediaProcessingId);
    this.#database.chats.lose(lost.key, lost.placeholder.id);
  }

  #anyPlaceholder(): { readonly key: CorrespondentKey; readonly placeholder: Placeholder } | null {
    const { chats } = this.#database;
    for (const key of this.#scenario.bots.flatMap((botId) => chats.withJournal(botId))) {
      const placeholder = [...chats.journal(key).values()].find(isPlaceholder);
      if (placeholder !== undefined) return { key, placeholder };
    }
    return null;
  }

  #killAfter(operation: string): void {
    const nth = this.#armed.findIndex((each) => each.operation === operation);
    const [armed] = nth < 0 ? [] : this.#armed.splice(nth, 1);
    if (armed === undefined) return;
    this.#trace.count(`killed after ${operation}`);
    this.#kill(armed.downMs, armed.jumpMs);
  }

  /** `meanwhile`: what befalls the store before the next life. */
  #kill(downMs: number, jumpMs: number, meanwhile = () => {}): void {
    const life = this.#life;
    if (life === null) return;
    this.#trace.count(life.isUp ? 'killed' : 'killed while it recovers');
    if (life.isStopping) this.#trace.count('killed while it drains');
    this.#ledger.killedOwners.add(life.fence);
    this.#life = null;
    life.kill();
    this.#restart(downMs, jumpMs, meanwhile);
  }

  #stop(downMs: number, jumpMs: number): void {
    const life = this.#life;
    if (life === null || !life.isUp || life.isStopping) return;
    const wasFair = this.#isFair;
    life.stop().then(
      () => this.#stopped(life, wasFair, () => this.#restart(downMs, jumpMs)),
      (error: unknown) => this.#broken('drain', String(error)),
    );
  }

  #stopped(life: SimulatedLife, wasFair: boolean, restart: () => void): void {
    if (this.#life !== life) return;
    this.#life = null;
    this.#trace.count('stopped');
    try {
      if (wasFair && this.#isFair && this.#scenario.ordering === 'skip-pop') {
        this.#invariants.checkNothingReady();
        this.#trace.count('drained');
      }
    } catch (error) {
      if (error instanceof Violation) this.#violation ??= error;
    }
    life.kill();
    restart();
  }

  get #isFair(): boolean {
    const { away, unheard, slow, historyAway, faultRate } = this.#weather;
    return !away && !unheard && !slow && !historyAway && faultRate === 0;
  }

  get #hasBeenFair(): boolean {
    return this.#isFair && this.#time.now - this.#clearedAt >= FAIR_FOR_MS;
  }

  #restart(downMs: number, jumpMs: number, meanwhile = () => {}): void {
    void this.#time.after(downMs, () => {
      meanwhile();
      this.#setClock(jumpMs);
      this.#boot();
    });
  }

  /** While no process runs: by then all that the last one had sent is carried out, and no lease is taken. */
  #setClock(jumpMs: number): void {
    if (jumpMs !== 0) this.#trace.count(`clock set ${jumpMs > 0 ? 'forward' : 'back'}`);
    this.#jumpedMs += jumpMs;
    if (jumpMs <= 0) return;
    for (const [guid, lease] of this.#ledger.leases) {
      this.#ledger.leases.set(guid, { ...lease, until: lease.until - jumpMs });
    }
  }

  #boot(): void {
    if (this.#life !== null) return;
    const life = new SimulatedLife({
      scenario: this.#scenario,
      time: this.#time,
      choices: this.#choices,
      trace: this.#trace,
      database: this.#database,
      folder: this.#folder,
      ledger: this.#ledger,
      weather: this.#weather,
      wallNow: WALL_START + this.#time.now + this.#jumpedMs,
      messageOf: (guid) => this.#media.get(guid),
      mayEvict: () => !this.#hasBeenFair || this.#scenario.ordering === 'strict',
      broken: (rule, detail) => this.#broken(rule, detail),
      carriedOut: (operation) => this.#killAfter(operation),
      failedToStart: () => this.#kill(200, 0),
      ...(this.#options.bug && { bug: this.#options.bug }),
    });
    this.#life = life;
    life.start();
  }

  /** No more mishaps. */
  #calm(): void {
    Object.assign(this.#weather, FAIR_WEATHER);
    this.#clearedAt = this.#time.now;
    this.#armed.length = 0;
    for (const botId of this.#scenario.bots) this.#gateway.status(botId, 'open');
  }

  /** A stop in peace leaves nothing that waits, and no timer. */
  async #end(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    const stopping = life.stop();
    const progress = { isOver: false };
    const watched = stopping.finally(() => (progress.isOver = true));
    await this.#runUntil(() => progress.isOver, this.#time.now + HOUR_MS);
    if (!progress.isOver) throw new Violation('drain', 'the stop does not end');
    await watched;
    this.#invariants.checkNothingReady();
    if (life.pendingTimers > 0) throw new Violation('timers', `${life.pendingTimers} timers were left`);
  }

  #noteAck(frame: DurableFrame): void {
    if (frame.type !== 'inbound') return;
    this.#acked.add(numberOf(frame.message.provider_message_id));
    this.#ledger.changed = true;
  }

  #broken(rule: string, detail: string): void {
    this.#violation ??= new Violation(rule, detail);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** One number for many hashes. */
export const combined = (hashes: readonly number[]): string =>
  createHash('sha256').update(hashes.join(' ')).digest('hex').slice(0, 16);
