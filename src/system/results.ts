import type { Completion } from '../actors/completion.ts';
import type { EventBus } from '../actors/events.ts';
import type { Clock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { Served } from './administration/served.ts';
import type { BacklogLog } from './backlog-log.ts';
import type { Settlements } from './settlements.ts';

export interface ResultsOptions {
  readonly settlements: Settlements;
  readonly backlogLog: BacklogLog;
  readonly served: Served;
  readonly events: EventBus;
  readonly poolDid: (pool: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Takes a result, of a job of this pool. `isSettled`: its worker has settled it already. */
export type TakeResult = (completion: Completion, pool: string | null, isSettled?: boolean) => void;

/** Takes the results of all jobs: has each settled, and counts it once it has come to its place. */
export function resultTaker(options: ResultsOptions): TakeResult {
  return (completion, pool, isSettled = false) => {
    takeResult(options, completion, pool, isSettled).catch((error: unknown) => {
      const reason = describeError(error);
      options.log.error({ guid: completion.guid, reason }, 'a result could not be counted');
    });
  };
}

async function takeResult(
  { settlements, backlogLog, served, events, poolDid, clock }: ResultsOptions,
  completion: Completion,
  pool: string | null,
  isSettled: boolean,
): Promise<void> {
  if (isSettled) settlements.concluded(completion);
  // It may be heard of again and again, of a bot that is not there: it counts when it has come to its place.
  else if (!(await settlements.begin(completion))) return;
  if (pool === null) return;
  const { botId } = completion.correspondent;
  backlogLog.done(pool);
  poolDid(pool);
  served.note(pool, botId, clock.now());
  events.emit({ kind: 'job_done', botId, pool });
}
