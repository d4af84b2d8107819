import type { Clock } from '../../base/clock.ts';
import { describeError, DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { ActorDefinition, ActorRef, ActorSnapshot, AnyActorRef, ProtocolOf, StopMode } from './actor.ts';
import { Cell } from './cell.ts';
import { Children, type Child, type Supervisor } from './children.ts';
import { startComedy, type ComedySystem } from './comedy.ts';
import type { Runtime } from './runtime.ts';

export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a top-level actor gave up: its restarts did not cure it, and it is stopping. `actor_failed`. */
  readonly onEscalation: (error: DragomanError) => void;
  /** Deadline of an ask that names none. Default 30_000. */
  readonly askDeadlineMs?: number;
  /** Deadline of an actor's `started`; a start that takes longer has failed. Default 30_000. */
  readonly startDeadlineMs?: number;
  /** How long each step of an actor's stop may take, unless its definition says otherwise. Default 5_000. */
  readonly graceMs?: number;
  /** Kinds of top-level actors in the order they stop; others stop before, all at once. */
  readonly stopOrder?: readonly string[];
}

/** A tree of supervised actors in this process. */
export interface ActorSystem {
  /** Tells that were not handled since the start. */
  readonly failedTells: number;
  /** Makes a top-level actor. As `ActorContext.spawn`. */
  spawn<P extends ProtocolOf<P>, Args>(
    definition: ActorDefinition<P, Args>,
    name: string,
    args: Args,
  ): Promise<ActorRef<P>>;
  /** Stops a top-level actor. As `ActorContext.stop`. */
  stopActor(ref: AnyActorRef, mode?: StopMode): Promise<void>;
  /**
   * Stops every actor, children before parents, and resolves when nothing is left. A second call with `now` hurries a
   * drain that is under way.
   */
  stop(mode?: StopMode): Promise<void>;
  /** The live tree. Reads counters only; `detail` is what behaviours offer. */
  inspect(): ActorSnapshot;
}

export const createActorSystem = (options: ActorSystemOptions): ActorSystem => new LocalActorSystem(options);

class LocalActorSystem implements ActorSystem, Runtime, Supervisor {
  readonly clock: Clock;
  readonly log: Logger;
  readonly askDeadlineMs: number;
  readonly startDeadlineMs: number;
  readonly graceMs: number;
  /** The top of every path. */
  readonly path = '';
  readonly #onEscalation: (error: DragomanError) => void;
  readonly #stopOrder: readonly string[];
  readonly #comedy: ComedySystem;
  readonly #children = new Children();
  #stopped: Promise<void> | null = null;
  #failedTells = 0;

  constructor(options: ActorSystemOptions) {
    this.clock = options.clock;
    this.log = options.log;
    this.askDeadlineMs = options.askDeadlineMs ?? 30_000;
    this.startDeadlineMs = options.startDeadlineMs ?? 30_000;
    this.graceMs = options.graceMs ?? 5_000;
    this.#onEscalation = options.onEscalation;
    this.#stopOrder = options.stopOrder ?? [];
    this.#comedy = startComedy(options.log);
  }

  get failedTells(): number {
    return this.#failedTells;
  }

  async spawn<P extends ProtocolOf<P>, Args>(
    definition: ActorDefinition<P, Args>,
    name: string,
    args: Args,
  ): Promise<ActorRef<P>> {
    const root = await this.#comedy.root;
    const cell = Cell.of(this, this, definition, name, args);
    await this.#children.adopt(cell, root);
    return cell.ref;
  }

  async stopActor(ref: AnyActorRef, mode: StopMode = 'drain'): Promise<void> {
    await this.#children.find(ref)?.stop(mode, false);
  }

  stop(mode: StopMode = 'drain'): Promise<void> {
    if (mode === 'now') this.#children.hurry();
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  inspect(): ActorSnapshot {
    return {
      path: '/',
      name: 'system',
      kind: 'system',
      depth: 0,
      outstanding: 0,
      handled: 0,
      failed: 0,
      restarts: 0,
      oldestWaitingMs: null,
      busyMs: null,
      children: this.#children.inspect(),
      detail: { failed_tells: this.#failedTells },
    };
  }

  tellFailed(path: string, topic: string, error: DragomanError): void {
    this.#failedTells += 1;
    // A bug was logged where it happened.
    if (error.code === 'actor_failed') return;
    this.log.warn({ actor: path, topic, code: error.code }, 'tell was not handled');
  }

  childEscalated(child: Child, cause: unknown): void {
    const message = `expected ${child.ref.path} to run after its restarts, it failed again: ${describeError(cause)}`;
    this.#onEscalation(new DragomanError('actor_failed', message, { cause }));
  }

  childGone(child: Child): void {
    this.#children.remove(child);
  }

  async #stop(): Promise<void> {
    await this.#children.stopAll({ mode: 'drain', order: this.#stopOrder, parentGoesToo: true });
    await this.#comedy.destroy();
  }
}
