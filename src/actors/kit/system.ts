import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ActorDefinition, ActorRef, ActorSnapshot, AnyActorRef, ProtocolOf, StopMode } from './actor.ts';
import { Cell } from './cell.ts';
import { Children, type Supervisor } from './children.ts';
import { startComedy, type ComedySystem } from './comedy.ts';
import type { Runtime } from './runtime.ts';

export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a top-level actor gave up: its restarts did not cure it, and it is stopping. */
  readonly onEscalation: (error: unknown, path: string) => void;
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
export class ActorSystem {
  readonly #runtime: Runtime;
  readonly #supervisor: Supervisor;
  readonly #comedy: ComedySystem;
  readonly #children = new Children();
  readonly #stopOrder: readonly string[];
  #stopped: Promise<void> | null = null;
  #failedTells = 0;

  private constructor(options: ActorSystemOptions, comedy: ComedySystem) {
    const { clock, log, onEscalation } = options;
    const { askDeadlineMs = 30_000, startDeadlineMs = 30_000, graceMs = 5_000, stopOrder = [] } = options;
    this.#comedy = comedy;
    this.#stopOrder = stopOrder;
    this.#runtime = {
      clock,
      log,
      askDeadlineMs,
      startDeadlineMs,
      graceMs,
      tellFailed: (path, topic, error) => {
        this.#failedTells += 1;
        // A bug was logged where it happened.
        if (error.code === 'actor_failed') return;
        log.warn({ actor: path, topic, code: error.code }, 'tell was not handled');
      },
    };
    this.#supervisor = {
      path: '',
      childEscalated: (child, error) => onEscalation(error, child.ref.path),
      childGone: (child) => this.#children.remove(child),
    };
  }

  static async start(options: ActorSystemOptions): Promise<ActorSystem> {
    return new ActorSystem(options, await startComedy(options.log));
  }

  /** Tells that were not handled since the start. */
  get failedTells(): number {
    return this.#failedTells;
  }

  /** Makes a top-level actor. As `ActorContext.spawn`. */
  async spawn<P extends ProtocolOf<P>, Args>(
    definition: ActorDefinition<P, Args>,
    name: string,
    args: Args,
  ): Promise<ActorRef<P>> {
    const cell = Cell.of(this.#runtime, this.#supervisor, definition, name, args);
    await this.#children.adopt(cell, this.#comedy.root);
    return cell.ref;
  }

  /** Stops a top-level actor. As `ActorContext.stop`. */
  async stopActor(ref: AnyActorRef, mode: StopMode = 'drain'): Promise<void> {
    await this.#children.find(ref)?.stop(mode, false);
  }

  /**
   * Stops every actor, children before parents, and resolves when nothing is left. A second call with `now` hurries a
   * drain that is under way.
   */
  stop(mode: StopMode = 'drain'): Promise<void> {
    if (mode === 'now') this.#children.hurry();
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** The live tree. Reads counters only; `detail` is what behaviours offer. */
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

  async #stop(): Promise<void> {
    await this.#children.stopAll({ mode: 'drain', order: this.#stopOrder, parentGoesToo: true });
    await this.#comedy.destroy();
  }
}
