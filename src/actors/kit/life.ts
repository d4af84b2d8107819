import type { Clock } from '../../base/clock.ts';
import { within } from '../../base/deadlines.ts';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type {
  ActorContext,
  ActorDefinition,
  ActorRef,
  ActorSnapshot,
  AnyActorRef,
  Behaviour,
  Detail,
  ProtocolOf,
  StopMode,
} from './actor.ts';
import { Children, type Child, type Supervisor } from './children.ts';
import type { ComedyNode } from './comedy.ts';
import type { Runtime } from './runtime.ts';

/** The actor that lives this life. */
export interface Host<P extends ProtocolOf<P>> {
  readonly ref: ActorRef<P>;
  readonly path: string;
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly node: ComedyNode;
  readonly graceMs: number;
  readonly stopOrder: readonly string[];
  childEscalated(life: Life<P>, error: unknown): void;
  makeChild<C extends ProtocolOf<C>, Args>(
    supervisor: Supervisor,
    definition: ActorDefinition<C, Args>,
    name: string,
    args: Args,
  ): Child & { readonly ref: ActorRef<C> };
}

export type Handler = (payload: unknown) => unknown;

/**
 * One life of an actor, from its behaviour's making to its `stopped`: what a restart throws away and makes again.
 *   L1 Handlers are reachable only after `started` is done and before `close`.
 *   L2 A life that is ending gets no new children, whoever still holds its context.
 *   L3 `stopped` runs once if the behaviour was made.
 */
export class Life<P extends ProtocolOf<P>> implements ActorContext<P>, Supervisor {
  readonly #host: Host<P>;
  #behaviour: Behaviour<P> | null = null;
  #children: Children | null = null;
  #abort: AbortController | null = null;
  #ready = false;
  #ending = false;
  #aborted = false;
  #closed: Promise<void> | null = null;

  constructor(host: Host<P>) {
    this.#host = host;
  }

  get self(): ActorRef<P> {
    return this.#host.ref;
  }

  get path(): string {
    return this.#host.path;
  }

  get log(): Logger {
    return this.#host.log;
  }

  get clock(): Clock {
    return this.#host.runtime.clock;
  }

  /** Made when first asked for: most actors never do, and a signal is larger than the rest of a life. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#aborted) this.#abort.abort();
    return this.#abort.signal;
  }

  async spawn<C extends ProtocolOf<C>, Args>(
    definition: ActorDefinition<C, Args>,
    name: string,
    args: Args,
  ): Promise<ActorRef<C>> {
    if (this.#ending) throw this.#over();
    const child = this.#host.makeChild(this, definition, name, args);
    this.#children ??= new Children();
    await this.#children.adopt(child, this.#host.node);
    return child.ref;
  }

  async stop(child: AnyActorRef, mode: StopMode = 'drain'): Promise<void> {
    await this.#children?.find(child)?.stop(mode, false);
  }

  async passivate(child: AnyActorRef): Promise<boolean> {
    return (await this.#children?.find(child)?.passivate()) ?? true;
  }

  childEscalated(_child: Child, error: unknown): void {
    this.#host.childEscalated(this, error);
  }

  childGone(child: Child): void {
    this.#children?.remove(child);
  }

  get hasChildren(): boolean {
    return this.#children !== null && this.#children.count > 0;
  }

  /** Makes the behaviour and starts it. Rejects with what its code throws, or `deadline_exceeded`. */
  async begin(create: (context: ActorContext<P>) => Behaviour<P>): Promise<void> {
    const { clock, startDeadlineMs } = this.#host.runtime;
    const behaviour = create(this);
    this.#behaviour = behaviour;
    if (behaviour.started !== undefined) {
      await within(clock, startDeadlineMs, `${this.path} to start`, behaviour.started());
    }
    if (this.#closed !== null) throw this.#over();
    this.#ready = true;
  }

  /**
   * The handler of a topic.
   * @throws `actor_stopped` when this life did not start or is over, `not_found` for a topic that is no handler.
   */
  handlerOf(topic: string): Handler {
    if (!this.#ready || this.#behaviour === null) throw this.#over();
    const handlers: object = this.#behaviour.handlers;
    if (!Object.hasOwn(handlers, topic)) {
      throw new DragomanError('not_found', `expected a topic of ${this.path}, got ${topic}`);
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the sender's ref typed topic and payload together
    return Reflect.get(handlers, topic) as Handler;
  }

  /** Tells whoever uses `signal`, here and below, not to begin anything more. */
  hurry(): void {
    this.#aborted = true;
    this.#abort?.abort();
    this.#children?.hurry();
  }

  async stopChildren(mode: StopMode, parentGoesToo: boolean): Promise<void> {
    this.#ending = true;
    const order = this.#host.stopOrder;
    await this.#children?.stopAll({ mode, order, parentGoesToo });
  }

  /** Ends this life: `stopped` runs, within the grace. Never rejects. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  inspect(): { children: ActorSnapshot[]; detail?: Detail } {
    const children = this.#children?.inspect() ?? [];
    if (!this.#ready || this.#behaviour?.inspect === undefined) return { children };
    try {
      return { children, detail: this.#behaviour.inspect() };
    } catch (error) {
      return { children, detail: { inspect_failed: describeError(error) } };
    }
  }

  async #close(): Promise<void> {
    this.#ready = false;
    this.#ending = true;
    this.#aborted = true;
    this.#abort?.abort();
    const behaviour = this.#behaviour;
    if (behaviour?.stopped === undefined) return;
    try {
      await within(this.clock, this.#host.graceMs, `${this.path} to end`, behaviour.stopped());
    } catch (error) {
      this.log.error({ err: error }, 'actor did not end cleanly');
    }
  }

  #over(): DragomanError {
    return new DragomanError('actor_stopped', `expected ${this.path} to run, it has stopped`);
  }
}
