import { DragomanError } from '../../base/errors.ts';
import type { ActorSnapshot, AnyActorRef, StopMode } from './actor.ts';
import type { ComedyNode } from './comedy.ts';

/** An actor as its parent holds it. */
export interface Child {
  readonly name: string;
  readonly kind: string;
  readonly ref: AnyActorRef;
  /** Takes its place under `parent` and starts. Rejects with `actor_stopped` when the parent is gone. */
  attach(parent: ComedyNode): Promise<void>;
  /** Refuses what waits, here and below. */
  hurry(): void;
  /** Resolves when it is gone. Never rejects. `parentGoesToo`: the parent stops as well. */
  stop(mode: StopMode, parentGoesToo: boolean): Promise<void>;
  /** False: it has something to do, and lives on. */
  passivate(): Promise<boolean>;
  inspect(): ActorSnapshot;
}

/** Who is told when a child ends. */
export interface Supervisor {
  readonly path: string;
  /** The child's restarts did not cure it; it is stopping. */
  childEscalated(child: Child, error: unknown): void;
  childGone(child: Child): void;
}

export interface StopAllOptions {
  readonly mode: StopMode;
  /** Kinds in the order they stop; others stop before. */
  readonly order: readonly string[];
  readonly parentGoesToo: boolean;
}

/**
 * The live children of one parent.
 *   K1 Names are unique.
 *   K2 After `stopAll` there are no children, and there will be none.
 *   K3 A kind named in the stop order stops only when all kinds before it are gone.
 */
export class Children {
  readonly #byName = new Map<string, Child>();
  readonly #attaching = new Set<Promise<void>>();
  #closed = false;

  get count(): number {
    return this.#byName.size;
  }

  /** @throws `actor_stopped` once `stopAll` was called, `invariant_broken` when the name is taken. */
  async adopt(child: Child, parent: ComedyNode): Promise<void> {
    if (this.#closed) {
      throw new DragomanError('actor_stopped', `expected to make ${child.ref.path}, its parent is stopping`);
    }
    if (this.#byName.has(child.name)) {
      throw new DragomanError('invariant_broken', `expected a free name, ${child.ref.path} is alive`);
    }
    this.#byName.set(child.name, child);
    const attached = child.attach(parent);
    this.#attaching.add(attached);
    try {
      await attached;
    } catch (error) {
      this.remove(child);
      throw error;
    } finally {
      this.#attaching.delete(attached);
    }
  }

  remove(child: Child): void {
    this.#byName.delete(child.name);
  }

  /** The child that `ref` leads to; undefined when it is gone. */
  find(ref: AnyActorRef): Child | undefined {
    const child = this.#byName.get(ref.name);
    return child?.ref === ref ? child : undefined;
  }

  hurry(): void {
    for (const child of this.#byName.values()) child.hurry();
  }

  /** Stops all children, kind after kind, those of a kind at once. */
  async stopAll({ mode, order, parentGoesToo }: StopAllOptions): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#attaching);
    if (mode === 'now') this.hurry();
    const byTurn = Map.groupBy(this.#byName.values(), ({ kind }) => order.indexOf(kind));
    for (const turn of [...byTurn.keys()].toSorted((one, other) => one - other)) {
      const group = byTurn.get(turn) ?? [];
      await Promise.all(group.map((child) => child.stop(mode, parentGoesToo)));
    }
  }

  inspect(): ActorSnapshot[] {
    return Array.from(this.#byName.values(), (child) => child.inspect());
  }
}
