/**
 * The one file that knows comedy 2.1.7, and the whole of what is used of it: a named tree of in-memory actors, each
 * with one topic, which takes one envelope.
 *
 * What is not used, and why: `send` is overtaken by `sendAndReceive` and only logs what a handler throws; any method of
 * a definition is reachable as a topic; handlers interleave; AsyncLocalStorage leaks between senders; an actors.json
 * would be reloaded and recreate actors (`config: {}` switches that off); SIGINT and SIGTERM would end the process
 * before a drain; forked, threaded and remote modes orphan processes.
 */
import { createSystem, type Actor, type ActorDefinition } from 'comedy';
import { DragomanError } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Envelope, Receiver } from './message.ts';

declare module 'comedy' {
  interface ActorSystem {
    readonly sigintHandler: () => void;
    readonly sigtermHandler: () => void;
  }
}

const RECEIVE = 'receive' satisfies keyof Receiver;

/** What comedy holds for an actor. A class instance, because it would clone a plain object. */
class Definition implements ActorDefinition, Receiver {
  readonly #receiver: Receiver;
  actor: Actor | null = null;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  initialize(actor: Actor): void {
    this.actor = actor;
  }

  receive(envelope: Envelope): Promise<void> {
    return this.#receiver.receive(envelope);
  }

  destroy(): void {}
}

/** A place in comedy's tree. */
export class ComedyNode {
  readonly #actor: Actor;

  constructor(actor: Actor) {
    this.#actor = actor;
  }

  /** Makes a child that delivers to `receiver`. Rejects with `actor_stopped` when this node is being destroyed. */
  async createChild(name: string, receiver: Receiver): Promise<ComedyNode> {
    const definition = new Definition(receiver);
    try {
      await this.#actor.createChild(definition, { name });
    } catch (cause) {
      throw new DragomanError('actor_stopped', `expected to make ${name}, its parent has stopped`, { cause });
    }
    if (definition.actor === null) {
      throw new DragomanError('invariant_broken', `expected comedy to initialize ${name}`);
    }
    return new ComedyNode(definition.actor);
  }

  /** Delivers in the order of the calls. Rejects only when the node was destroyed. */
  send(envelope: Envelope): Promise<void> {
    return this.#actor.sendAndReceive(RECEIVE, envelope);
  }

  /**
   * Destroys the node and what is under it, once every envelope it took was received.
   *
   * comedy searches all siblings when a child goes: 90 µs among 1,000 of them, 47 s in all for 50,000. A node whose
   * parent goes too (`parentGoesToo`) is spared that, for nobody will read the parent's list again.
   */
  async destroy({ parentGoesToo }: { readonly parentGoesToo: boolean }): Promise<void> {
    if (parentGoesToo) this.#actor.removeAllListeners('destroyed');
    await this.#actor.destroy();
  }
}

/** comedy's tree, in this process only. */
export interface ComedySystem {
  readonly root: ComedyNode;
  destroy(): Promise<void>;
}

const line = (parts: readonly unknown[]): string => parts.map(String).join(' ');

/** Starts comedy with nothing that reaches beyond this tree. What it calls information comes at `debug`. */
export async function startComedy(log: Logger): Promise<ComedySystem> {
  const system = createSystem({
    config: {},
    logger: {
      debug: (...parts: unknown[]) => log.trace({}, line(parts)),
      info: (...parts: unknown[]) => log.debug({}, line(parts)),
      warn: (...parts: unknown[]) => log.warn({}, line(parts)),
      error: (...parts: unknown[]) => log.error({}, line(parts)),
    },
  });
  process.removeListener('SIGINT', system.sigintHandler);
  process.removeListener('SIGTERM', system.sigtermHandler);
  return {
    root: new ComedyNode(await system.rootActor()),
    destroy: () => system.destroy(),
  };
}
