import { DragomanError } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';
import type { JobsAdministration } from '../administration.ts';
import type { RunningBot } from '../ingress.ts';
import { assertKnownBot } from './bots.ts';
import { jobViewOf } from './shown.ts';

export interface JobsOptions {
  readonly store: Store;
  readonly bots: ReadonlyMap<string, RunningBot>;
}

export function administerJobs({ store, bots }: JobsOptions): JobsAdministration {
  return {
    async list({ botId, collection }, { after, limit }) {
      if (botId !== undefined) assertKnownBot(bots, botId);
      const botIds = botId === undefined ? [...bots.keys()] : [botId];
      const lists = await Promise.all(botIds.map((each) => store.jobsOfBot(each, collection)));
      const behind = after === undefined ? 0 : Number(after);
      const jobs = lists
        .flat()
        .filter(({ seq }) => seq > behind)
        .toSorted((one, other) => one.seq - other.seq);
      const items = jobs.slice(0, limit);
      return {
        items: items.map(jobViewOf),
        next: jobs.length > limit ? String(items.at(-1)?.seq ?? 0) : null,
      };
    },
    async show(guid) {
      const job = await store.jobByGuid(guid);
      if (job === null)
        throw new DragomanError('not_found', `there is no job ${guid}: see dragoman jobs list`);
      return jobViewOf(job);
    },
  };
}
