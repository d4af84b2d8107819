import { busiestByKind } from '../../actors/kit/actor-tree.ts';
import type { ActorSnapshot } from '../../actors/kit/actor.ts';
import type { ActorSystem } from '../../actors/kit/system.ts';
import type { ActorsAdministration } from '../administration.ts';
import type { ActorKindView, ActorView } from './views.ts';

export const administerActors = (system: Pick<ActorSystem, 'inspect'>): ActorsAdministration => ({
  show: (maxSiblings) => Promise.resolve(actorViewsOf(system.inspect(), maxSiblings)),
  kinds: () => Promise.resolve(kindsOf(system.inspect())),
});

/** Of siblings of one kind, those with the most to do; how many more there are is told. */
function actorViewsOf(actor: ActorSnapshot, maxSiblings: number, level = 0): readonly ActorView[] {
  const shown = busiestByKind(actor.children, maxSiblings).flatMap((siblings) => siblings.shown);
  const { path, kind, depth, outstanding, handled, failed, restarts, oldestWaitingMs, busyMs } = actor;
  return [
    {
      path,
      kind,
      depth,
      outstanding,
      handled,
      failed,
      restarts,
      oldestWaitingMs,
      busyMs,
      level,
      detail: { ...actor.detail },
      hiddenChildren: actor.children.length - shown.length,
    },
    ...shown.flatMap((child) => actorViewsOf(child, maxSiblings, level + 1)),
  ];
}

/** Sums over all actors, by what they are. */
function kindsOf(root: ActorSnapshot): ActorKindView[] {
  const kinds = new Map<string, ActorKindView>();
  const add = (actor: ActorSnapshot): void => {
    const sum = kinds.get(actor.kind) ?? {
      kind: actor.kind,
      actors: 0,
      depth: 0,
      oldestWaitingMs: 0,
      handled: 0,
      failed: 0,
      restarts: 0,
    };
    kinds.set(actor.kind, {
      kind: actor.kind,
      actors: sum.actors + 1,
      depth: sum.depth + actor.depth,
      oldestWaitingMs: Math.max(sum.oldestWaitingMs, actor.oldestWaitingMs ?? 0),
      handled: sum.handled + actor.handled,
      failed: sum.failed + actor.failed,
      restarts: sum.restarts + actor.restarts,
    });
    for (const child of actor.children) add(child);
  };
  for (const child of root.children) add(child);
  return [...kinds.values()];
}
