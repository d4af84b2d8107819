import type { JanitorPlan } from '../../actors/janitor-survey.ts';
import type { JanitorProtocol } from '../../actors/janitor.ts';
import type { ActorRef } from '../../actors/kit/actor.ts';
import type { JanitorAdministration } from '../administration.ts';
import type { JanitorView } from './views.ts';

/** A look at a large folder takes its time. */
const PLAN_DEADLINE_MS = 120_000;
const LISTED_FILES = 1_000;

export const administerJanitor = (janitor: ActorRef<JanitorProtocol>): JanitorAdministration => ({
  plan: async () => janitorViewOf(await janitor.ask('plan', undefined, { deadlineMs: PLAN_DEADLINE_MS })),
});

export function janitorViewOf({
  staleJobCount,
  staleJobs,
  oldFailedJobCount,
  files,
  history,
}: JanitorPlan): JanitorView {
  const byFate = Map.groupBy(files, ({ fate }) => `${fate.kind} ${fate.why}`);
  const goingFiles = files.filter(({ fate }) => fate.kind === 'goes').slice(0, LISTED_FILES);
  return {
    staleJobCount,
    staleJobs: [...staleJobs],
    oldFailedJobCount,
    files: [...byFate.values()].flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const bytes = group.reduce((sum, file) => sum + file.bytes, 0);
      return [{ fate: first.fate.kind, why: first.fate.why, files: group.length, bytes }];
    }),
    goingFiles: goingFiles.map(({ guid, bytes, fate }) => ({ guid, bytes, why: fate.why })),
    histories: [...history],
  };
}
