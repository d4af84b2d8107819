import { DragomanError } from '../base/errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Change } from './jobs.ts';
import { progressBar } from './progress.ts';
import type { RemoteAdministration } from './remote/remote-administration.ts';

const PAGE = 200;

/** Retries or drops every failed job that matches, one after another. */
export async function changeFailedJobs(
  jobs: RemoteAdministration['jobs'],
  { what, filter, json }: Omit<Change, 'guid'>,
): Promise<number> {
  const guids = await failedJobs(jobs, filter);
  const problems: { readonly guid: string; readonly code: string; readonly reason: string }[] = [];
  const bar = progressBar(`${what} failed jobs`, guids.length, json);
  for (const guid of guids) {
    try {
      await jobs[what](guid);
    } catch (error) {
      if (!(error instanceof DragomanError) || error.code === 'backend_unreachable') throw error;
      problems.push({ guid, code: error.code, reason: error.message });
    }
    bar.step();
  }
  bar.end();
  const done = guids.length - problems.length;
  if (json) console.log(JSON.stringify({ done, problems }));
  else if (guids.length === 0) console.log('No failed jobs.');
  else {
    console.log(`${done} of ${guids.length} failed jobs: ${what === 'drop' ? 'dropped' : 'tried again'}`);
    for (const { reason } of problems) console.error(reason);
  }
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Listed first: what is retried leaves the list that it is on. */
async function failedJobs(
  jobs: RemoteAdministration['jobs'],
  filter: Change['filter'],
): Promise<readonly string[]> {
  const guids: string[] = [];
  for (let after: string | null | undefined = undefined; after !== null;) {
    const page: Awaited<ReturnType<typeof jobs.list>> = await jobs.list(
      { ...filter, collection: 'failed' },
      { limit: PAGE, ...(after !== undefined && { after }) },
    );
    guids.push(...page.items.map(({ guid }) => guid));
    after = page.next;
  }
  return guids;
}
