import type fc from 'fast-check';
import { type BotProtocol, NOT_CONNECTED } from '../../src/actors/bot-protocol.ts';
import { botActor } from '../../src/actors/bot.ts';
import { completionOf } from '../../src/actors/completion.ts';
import { EventBus } from '../../src/actors/events.ts';
import { ingestionActor } from '../../src/actors/ingestion.ts';
import type { ActorRef } from '../../src/actors/kit/actor.ts';
import { ActorSystem } from '../../src/actors/kit/system.ts';
import { newGuid } from '../../src/base/ids.ts';
import type { ClaimedJob } from '../../src/jobs/job.ts';
import { DEFAULT_POOLS, poolRouter } from '../../src/jobs/pools.ts';
import type { DurableFrame } from '../../src/protocol/frames.ts';
import { DEFAULT_LIMITS, type QueueLimits, SKIP_POP } from '../../src/queue/limits.ts';
import { MemoryDatabase } from './memory-store/memory-database.ts';
import { openMemoryStore } from './memory-store/memory-store.ts';
import type { HistoryEntry } from '../../src/store/message-store.ts';
import type { Store } from '../../src/store/store.ts';
import { parseConfig } from '../../src/system/config.ts';
import { Ingress } from '../../src/system/ingress.ts';
import { BOT, GATEWAY, mediaFrame, textFrame } from './inbound-frames.ts';
import { type FaultPoint, interceptStore, storeAway } from './intercepted-store.ts';
import { ManualClock } from './manual-clock.ts';
import { RecordingLogger } from './recording-logger.ts';
import { PROVIDER } from './store-records.ts';
import { TestLink } from './test-link.ts';
import { jobsIn } from './jobs-in.ts';

/** What may happen. Numbers choose among what is there, modulo its count. */
export type Happening =
  | { readonly kind: 'text'; readonly sender: string }
  | { readonly kind: 'medium'; readonly sender: string }
  | { readonly kind: 'staged' | 'finished'; readonly which: number }
  | { readonly kind: 'claimed' | 'connect' | 'disconnect' | 'restart' }
  | { readonly kind: 'fault'; readonly operation: keyof Store; readonly point: FaultPoint }
  | { readonly kind: 'time'; readonly ms: number };

/** A backend process: everything in it is lost when it is killed. */
interface Life {
  readonly system: ActorSystem;
  readonly ingress: Ingress;
  readonly bot: ActorRef<BotProtocol>;
  killed: boolean;
}

const WHOLE = { afterSeq: 0, limit: 10_000 };
const MAX_ATTEMPTS = 3;
const LEASE_MS = 3_600_000;

const mimeTypeOf = (_guid: string, sendersWord: string) => Promise.resolve(sendersWord);

/**
 * A gateway with its durable frames, a backend that can be killed, and workers, over one memory store whose every call
 * `scheduler` carries out when it likes.
 */
export class ChatWorld {
  readonly clock = new ManualClock();
  readonly log = new RecordingLogger();
  /** What each sender wrote, in order, as the history must show it. */
  readonly written = new Map<string, string[]>();
  readonly escalations: unknown[] = [];
  readonly #scheduler: fc.Scheduler;
  readonly #limits: QueueLimits;
  readonly #database = new MemoryDatabase();
  readonly #faults: { readonly operation: string; readonly point: FaultPoint }[] = [];
  /** By itself: what workers and the test do to the data does not fail. */
  #store: Store = this.#openStore();
  readonly #claims: ClaimedJob[] = [];
  readonly #downloads: string[] = [];
  readonly #endings: Promise<void>[] = [];
  #unacked: DurableFrame[] = [];
  #link: TestLink | null = null;
  #life: Life | null = null;
  #lastSeq = 0;

  constructor(scheduler: fc.Scheduler, limits: Partial<QueueLimits> = {}) {
    this.#scheduler = scheduler;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  async happen(happening: Happening): Promise<void> {
    switch (happening.kind) {
      case 'text':
        return this.#write(happening.sender, textFrame(happening.sender, `text ${this.#lastSeq}`));
      case 'medium': {
        const frame = mediaFrame(happening.sender, `caption ${this.#lastSeq}`);
        this.#downloads.push(frame.mediaGuid);
        return this.#write(happening.sender, frame, `[words of ${frame.mediaGuid}] ${frame.message.message}`);
      }
      case 'staged':
        return this.#stage(happening.which);
      case 'claimed':
        return this.#claim();
      case 'finished':
        return this.#finish(happening.which);
      case 'connect':
        return this.#connect();
      case 'disconnect':
        return this.#link?.close('the gateway hung up');
      case 'restart':
        await this.kill();
        return this.boot();
      case 'fault':
        this.#faults.push(happening);
        return;
      case 'time':
        this.clock.advance(happening.ms);
    }
  }

  async boot(): Promise<void> {
    this.#store = this.#openStore();
    await this.#store.sweepToHolding(this.clock.now());
    const { clock, log } = this;
    const onEscalation = (error: unknown): void => void this.escalations.push(error);
    const system = await ActorSystem.start({ clock, log, onEscalation });
    const life = { killed: false };
    const store = interceptStore(this.#store, (operation, run) => this.#call(life, operation, run));
    const ingestion = await system.spawn(ingestionActor, 'ingestion', {
      announceAgain: () => this.#life?.bot.tell('announce', undefined),
    });
    const routeToPool = poolRouter(DEFAULT_POOLS);
    const bot = await system.spawn(botActor, 'bot', {
      botId: BOT,
      said: { status: NOT_CONNECTED },
      passivateAfterMs: 5_000,
      maxLiveChats: 2,
      disconnectGraceMs: 2_000,
      services: {
        store,
        events: new EventBus(),
        limits: this.#limits,
        ordering: SKIP_POP,
        routeToPool,
        mimeTypeOf,
        messageReady: (chat) => ingestion.tell('ready', chat),
        wakePools: () => {},
        reviveJobs: async () => (await store.reviveJobs(this.clock.now(), MAX_ATTEMPTS)).poisoned.length,
        releaseFile: () => Promise.resolve(),
        hasFile: () => Promise.resolve(true),
      },
    });
    const { bots: settings } = parseConfig({
      bots: [{ id: BOT, gateway: GATEWAY }],
      gateways: [{ id: GATEWAY, token: 'x'.repeat(16) }],
    });
    const said = { status: NOT_CONNECTED };
    const wish = { stopped: false, pairingPhone: null };
    const bots = new Map(settings.map((each) => [each.id, { settings: each, wish, said, ref: bot }]));
    const ingress = new Ingress({
      store,
      bots,
      removedBots: new Map(),
      routeToPool,
      mimeTypeOf,
      gatewayCame: () => {},
      clock,
      log,
    });
    this.#life = Object.assign(life, { system, bot, ingress });
  }

  /** As `kill -9`: no call that was not carried out yet ever will be. */
  async kill(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    life.killed = true;
    this.#life = null;
    this.#link?.close('the backend died');
    this.#link = null;
    this.#endings.push(life.system.stop('now'));
    await turns(1);
  }

  /** Lets the scheduler carry out up to `calls` calls, with everything that follows from each. */
  async run(calls: number): Promise<void> {
    for (let call = 0; call < calls; call += 1) {
      await turns(3);
      if (this.#scheduler.count() === 0) return;
      await this.#scheduler.waitOne();
    }
  }

  /** Lets everything come to its end: no more faults, all is downloaded and put into words, time passes. */
  async comeToRest(): Promise<void> {
    this.#faults.length = 0;
    for (let round = 0; round < 300; round += 1) {
      await turns(20);
      if (this.#scheduler.count() > 0) {
        await this.#scheduler.waitOne();
        continue;
      }
      this.#connect();
      this.#stage(0);
      await this.#claim();
      await this.#finish(0);
      if (await this.#isAtRest()) return;
      this.clock.advance(1_000);
    }
  }

  /** Ends the last life too; every timer must be gone then. */
  async end(): Promise<void> {
    await this.kill();
    const progress = { isOver: false };
    const ending = Promise.all(this.#endings).finally(() => {
      progress.isOver = true;
    });
    while (!progress.isOver) {
      await turns(20);
      if (this.#scheduler.count() > 0) await this.#scheduler.waitOne();
      this.clock.advance(1_000);
    }
    await ending;
  }

  async historyOf(sender: string): Promise<readonly HistoryEntry[]> {
    const { correspondentId } = await this.#store.resolveCorrespondent(BOT, PROVIDER, [sender]);
    return this.#store.history({ botId: BOT, providerName: PROVIDER, correspondentId }, WHOLE);
  }

  /** Journal entries and live jobs. */
  async leftovers(): Promise<unknown[]> {
    const jobs = [
      ...(await jobsIn(this.#store, BOT, 'active')),
      ...(await jobsIn(this.#store, BOT, 'holding')),
    ];
    return [...jobs, ...(await this.#store.chatsWithJournal(BOT))];
  }

  async #isAtRest(): Promise<boolean> {
    return (
      this.#unacked.length === 0 && this.#downloads.length === 0 && (await this.leftovers()).length === 0
    );
  }

  #openStore(): Store {
    return openMemoryStore({ clock: this.clock, newClaimToken: newGuid, database: this.#database });
  }

  async #call(life: { readonly killed: boolean }, operation: string, run: () => Promise<unknown>) {
    await this.#scheduler.schedule(Promise.resolve(), operation);
    if (life.killed) throw storeAway(operation);
    const nth = this.#faults.findIndex((fault) => fault.operation === operation);
    const [fault] = nth < 0 ? [] : this.#faults.splice(nth, 1);
    if (fault?.point === 'before') throw storeAway(operation);
    const result = await run();
    if (fault !== undefined || life.killed) throw storeAway(operation);
    return result;
  }

  // ── The gateway ────────────────────────────────────────────────────────────────────────────────────────────────

  #write(
    sender: string,
    frame: DurableFrame & { readonly type: 'inbound' },
    expected = frame.message.message,
  ): void {
    this.written.set(sender, [...(this.written.get(sender) ?? []), expected]);
    this.#send(frame);
  }

  #stage(which: number): void {
    const [guid] = this.#downloads.splice(which % Math.max(this.#downloads.length, 1), 1);
    if (guid === undefined) return;
    const file = { bytes: 1, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' };
    this.#send({ v: 1, type: 'media.staged', seq: 0, guid, ...file });
  }

  #send(frame: DurableFrame): void {
    this.#lastSeq += 1;
    const numbered = { ...frame, seq: this.#lastSeq };
    this.#unacked.push(numbered);
    if (this.#link !== null) void this.#deliver(this.#link, numbered);
  }

  #connect(): void {
    const life = this.#life;
    if (life === null || (this.#link !== null && !this.#link.signal.aborted)) return;
    const link = new TestLink();
    this.#link = link;
    link.signal.addEventListener('abort', () => life.ingress.closed(link));
    life.ingress.opened(link, [BOT]);
    void life.ingress.status(link, { v: 1, type: 'bot.status', bot_id: BOT, state: 'open' });
    for (const frame of this.#unacked) void this.#deliver(link, frame);
  }

  /** As the real link: acked when durable, closed when not, and nothing of it is looked at once it is closed. */
  async #deliver(link: TestLink, frame: DurableFrame): Promise<void> {
    const life = this.#life;
    if (life === null || link.signal.aborted) return;
    try {
      const verdict = await life.ingress.durable(link, frame);
      if (verdict.kind !== 'ack' || link.signal.aborted) return;
      this.#unacked = this.#unacked.filter(({ seq }) => seq !== frame.seq);
    } catch {
      link.fail('not durable');
    }
  }

  // ── The workers ────────────────────────────────────────────────────────────────────────────────────────────────

  async #claim(): Promise<void> {
    const now = this.clock.now();
    const job = await this.#store.claim({ pool: 'audio', now, leaseMs: LEASE_MS, cappedBots: [] });
    if (job !== null) this.#claims.push(job);
  }

  async #finish(which: number): Promise<void> {
    const [job] = this.#claims.splice(which % Math.max(this.#claims.length, 1), 1);
    if (job === undefined) return;
    const result = { kind: 'words', words: `words of ${job.guid}` } as const;
    const completedAt = this.clock.now();
    await this.#store.complete(job, result, completedAt);
    // Whoever is alive is told; if that fails, the result waits on its job.
    this.#life?.bot
      .ask('settle', completionOf(job, result, completedAt), { deadlineMs: LEASE_MS })
      .catch(() => {});
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
}
