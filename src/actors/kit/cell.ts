import { within } from '../../base/deadlines.ts';
import { DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { RateBudget } from '../../base/rate-budget.ts';
import type {
  ActorContext,
  ActorDefinition,
  ActorRef,
  ActorSettings,
  ActorSnapshot,
  Behaviour,
  ProtocolOf,
  StopMode,
} from './actor.ts';
import type { Child, Supervisor } from './children.ts';
import type { ComedyNode } from './comedy.ts';
import { Later } from './later.ts';
import { Life, type Host } from './life.ts';
import { Mailbox } from './mailbox.ts';
import { failureOf, isBug, type Envelope, type Receiver } from './message.ts';
import { OutstandingReplies } from './outstanding-replies.ts';
import { LocalRef, type Addressee } from './ref.ts';
import type { Runtime } from './runtime.ts';

const DEFAULT_MAILBOX_CAPACITY = 1_000;
const DEFAULT_RESTART_LIMIT = { intensity: 5, periodMs: 60_000 };

interface Failure {
  readonly error: unknown;
}

interface CellOptions<P extends ProtocolOf<P>> {
  readonly runtime: Runtime;
  readonly supervisor: Supervisor;
  readonly name: string;
  readonly settings: ActorSettings;
  readonly create: (context: ActorContext<P>) => Behaviour<P>;
}

/**
 * One actor: a mailbox, a place in comedy's tree, and the life it lives now.
 *
 *   E1 Every message gets one outcome, whatever happens to the actor.
 *   E2 No handler runs while a life begins or ends: both are turns of the mailbox, or come after its last.
 *   E3 A bug ends the life before the next message is handled. Messages that wait are handled by the next life.
 *   E4 Once the restart limit is passed, the actor stops and its supervisor is told.
 *   E5 Each step of `stop` ends within the grace, whatever handlers do: their callers get `actor_stopped` then.
 */
export class Cell<P extends ProtocolOf<P>> implements Child, Addressee, Receiver, Host<P> {
  readonly runtime: Runtime;
  readonly name: string;
  readonly ref: ActorRef<P>;
  readonly #supervisor: Supervisor;
  readonly #settings: ActorSettings;
  readonly #create: (context: ActorContext<P>) => Behaviour<P>;
  readonly #mailbox: Mailbox;
  readonly #restartBudget: RateBudget;
  #life: Life<P>;
  #node: ComedyNode | null = null;
  #log: Logger | null = null;
  /** Null until a handler uses `later`. */
  #outstanding: OutstandingReplies | null = null;
  #gone: Promise<void> | null = null;
  /** Messages sent here that have no outcome yet, those on their way included. */
  #unanswered = 0;
  #handled = 0;
  #failed = 0;
  #restarts = 0;

  private constructor({ runtime, supervisor, name, settings, create }: CellOptions<P>) {
    const { mailboxCapacity = DEFAULT_MAILBOX_CAPACITY, restartLimit = DEFAULT_RESTART_LIMIT } = settings;
    this.runtime = runtime;
    this.name = name;
    this.ref = new LocalRef(this, runtime);
    this.#supervisor = supervisor;
    this.#settings = settings;
    this.#create = create;
    this.#mailbox = new Mailbox({ capacity: mailboxCapacity, clock: runtime.clock, owner: this });
    this.#restartBudget = new RateBudget({ most: restartLimit.intensity, periodMs: restartLimit.periodMs });
    this.#life = new Life(this);
  }

  static of<P extends ProtocolOf<P>, Args>(
    runtime: Runtime,
    supervisor: Supervisor,
    definition: ActorDefinition<P, Args>,
    name: string,
    args: Args,
  ): Cell<P> {
    const create = (context: ActorContext<P>): Behaviour<P> => definition.create(context, args);
    return new Cell({ runtime, supervisor, name, settings: definition, create });
  }

  /** Walked up when asked for: a hundred thousand idle actors need not each keep theirs. */
  get path(): string {
    return `${this.#supervisor.path}/${this.name}`;
  }

  get kind(): string {
    return this.#settings.kind;
  }

  get log(): Logger {
    this.#log ??= this.runtime.log.child({ actor: this.path });
    return this.#log;
  }

  get graceMs(): number {
    return this.#settings.graceMs ?? this.runtime.graceMs;
  }

  get stopOrder(): readonly string[] {
    return this.#settings.stopOrder ?? [];
  }

  get node(): ComedyNode {
    if (this.#node === null) {
      throw new DragomanError('invariant_broken', `expected ${this.path} to have its place in the tree`);
    }
    return this.#node;
  }

  async attach(parent: ComedyNode): Promise<void> {
    this.#node = await parent.createChild(this.name, this);
    this.#superviseNext(() => this.#start());
  }

  // ── Messages ─────────────────────────────────────────────────────────────────────────────────────────────────

  deliver(envelope: Envelope): void {
    this.#unanswered += 1;
    this.node.send(envelope).catch((cause: unknown) => {
      const error = new DragomanError('actor_stopped', `expected ${this.path} to run, it is gone`, { cause });
      envelope.caller.settle({ kind: 'failure', error });
    });
  }

  async receive(envelope: Envelope): Promise<void> {
    try {
      const result = await this.#mailbox.post(() => this.#handle(envelope), envelope.caller);
      const value = result instanceof Later ? await result.reply : result;
      this.#handled += 1;
      envelope.caller.settle({ kind: 'reply', value });
    } catch (error) {
      this.#failed += 1;
      envelope.caller.settle(failureOf(this.path, envelope.topic, error));
    } finally {
      this.#unanswered -= 1;
    }
  }

  async #handle({ topic, payload }: Envelope): Promise<unknown> {
    const life = this.#life;
    const handler = life.handlerOf(topic);
    try {
      const result = await handler(payload);
      return result instanceof Later ? new Later(this.#follow(life, topic, result.reply)) : result;
    } catch (error) {
      this.#condemnForBug(life, topic, error);
      throw error;
    }
  }

  #follow(life: Life<P>, topic: string, reply: Promise<unknown>): Promise<unknown> {
    this.#outstanding ??= new OutstandingReplies();
    return this.#outstanding.follow(
      reply.catch((error: unknown) => {
        this.#condemnForBug(life, topic, error);
        throw error;
      }),
    );
  }

  // ── Supervision ──────────────────────────────────────────────────────────────────────────────────────────────

  makeChild<C extends ProtocolOf<C>, Args>(
    supervisor: Supervisor,
    definition: ActorDefinition<C, Args>,
    name: string,
    args: Args,
  ): Cell<C> {
    return Cell.of(this.runtime, supervisor, definition, name, args);
  }

  childEscalated(life: Life<P>, error: unknown): void {
    if (this.#gone === null) this.#condemn(life, error);
  }

  /** Operational errors concern the caller alone. A stopping actor starts no other life: what waits is refused. */
  #condemnForBug(life: Life<P>, topic: string, error: unknown): void {
    if (!isBug(error)) return;
    this.log.error({ err: error, topic }, 'handler failed');
    if (this.#gone === null) this.#condemn(life, error);
    else this.#mailbox.refuseWaiting();
  }

  /** Ends `life` before the next message, unless that has happened by then. */
  #condemn(life: Life<P>, error: unknown): void {
    this.#superviseNext(async () => (life === this.#life ? this.#revive(error) : undefined));
  }

  #superviseNext(turn: () => Promise<void>): void {
    // Refused when the actor stops before: there is nothing left to supervise then.
    this.#mailbox.postFirst(turn).catch(() => {});
  }

  async #start(): Promise<void> {
    const failure = await this.#begin();
    if (failure === null) this.#logLifecycle('actor started');
    else await this.#revive(failure.error);
  }

  async #begin(): Promise<Failure | null> {
    try {
      await this.#life.begin(this.#create);
      return null;
    } catch (error) {
      if (this.#gone === null) this.log.error({ err: error }, 'actor failed to start');
      return { error };
    }
  }

  /** Makes lives until one starts, or until the restart limit is passed. */
  async #revive(error: unknown): Promise<void> {
    for (let failure: Failure | null = { error }; failure !== null; failure = await this.#begin()) {
      await this.#life.stopChildren('now', false);
      await this.#life.close();
      if (this.#gone !== null) return;
      if (!this.#restartBudget.spend(this.runtime.clock.now())) {
        this.#escalate(failure.error);
        return;
      }
      this.#restarts += 1;
      this.#life = new Life(this);
    }
    this.log.warn({ kind: this.kind, restarts: this.#restarts }, 'actor restarted');
  }

  #escalate(error: unknown): void {
    this.log.error({ kind: this.kind, restarts: this.#restarts }, 'restart limit passed, actor gives up');
    void this.stop('now', false);
    this.#supervisor.childEscalated(this, error);
  }

  // ── The end ──────────────────────────────────────────────────────────────────────────────────────────────────

  hurry(): void {
    this.#mailbox.refuseWaiting();
    this.#life.hurry();
  }

  stop(mode: StopMode, parentGoesToo: boolean): Promise<void> {
    if (mode === 'now') this.hurry();
    this.#gone ??= this.#stop(parentGoesToo, 'actor stopped');
    return this.#gone;
  }

  async passivate(): Promise<boolean> {
    if (this.#gone === null) {
      if (this.#unanswered > 0 || !this.#mailbox.idle || this.#life.hasChildren) return false;
      this.#mailbox.close();
      this.#gone = this.#stop(false, 'actor passivated');
    }
    await this.#gone;
    return true;
  }

  /** Children first, for they may still ask this actor; then what waits here; then the life. */
  async #stop(parentGoesToo: boolean, line: string): Promise<void> {
    await this.#life.stopChildren('drain', true);
    try {
      await within(this.runtime.clock, this.graceMs, `${this.path} to drain`, this.#drain());
    } catch {
      this.log.warn({ kind: this.kind, busy_ms: this.#mailbox.busyMs }, 'grace is over, cutting what runs');
      this.#cut();
    }
    await this.#life.close();
    await this.node.destroy({ parentGoesToo });
    this.#supervisor.childGone(this);
    this.#logLifecycle(line);
  }

  async #drain(): Promise<void> {
    await this.#mailbox.drain();
    await this.#outstanding?.settled();
  }

  #cut(): void {
    this.#mailbox.cut();
    this.#outstanding?.cut(
      new DragomanError('actor_stopped', `expected ${this.path} to run, it has stopped`),
    );
  }

  #logLifecycle(line: string): void {
    const fields = { actor: this.path, kind: this.kind };
    if (this.#settings.lifecycleLevel === 'debug') this.runtime.log.debug(fields, line);
    else this.runtime.log.info(fields, line);
  }

  inspect(): ActorSnapshot {
    return {
      path: this.path,
      name: this.name,
      kind: this.kind,
      depth: this.#mailbox.depth,
      outstanding: this.#outstanding?.count ?? 0,
      handled: this.#handled,
      failed: this.#failed,
      restarts: this.#restarts,
      oldestWaitingMs: this.#mailbox.oldestWaitingMs,
      busyMs: this.#mailbox.busyMs,
      ...this.#life.inspect(),
    };
  }
}
