import type { JanitorProtocol } from '../../actors/janitor.ts';
import type { ActorRef } from '../../actors/kit/actor.ts';
import type { JanitorAdministration } from '../administration.ts';

/** A look at a large folder takes its time. */
const PLAN_DEADLINE_MS = 120_000;

export const administerJanitor = (janitor: ActorRef<JanitorProtocol>): JanitorAdministration => ({
  plan: () => janitor.ask('plan', undefined, { deadlineMs: PLAN_DEADLINE_MS }),
});
