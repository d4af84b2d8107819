import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { EXIT } from '../../../src/cli/exit-codes.ts';
import { changeFailedJobs } from '../../../src/cli/failed-jobs.ts';
import { jobViewOf } from '../../../src/system/administration/shown.ts';
import type { JobView } from '../../../src/system/administration/views.ts';
import { claimedJob } from '../../support/claimed-job.ts';

const NO_JOB = new DragomanError('not_found', 'there is no such job');

let printed: MockInstance<typeof console.log>;
let complained: MockInstance<typeof console.error>;

beforeEach(() => {
  printed = vi.spyOn(console, 'log').mockReturnValue();
  complained = vi.spyOn(console, 'error').mockReturnValue();
});
afterEach(() => vi.restoreAllMocks());

/** A backend with failed jobs, a page for each two of them, of which some cannot be changed. */
function backend(count: number, faults: ReadonlyMap<number, Error> = new Map()) {
  const views = Array.from({ length: count }, () => jobViewOf(claimedJob({ collection: 'failed' })));
  const changed: string[] = [];
  const asked: unknown[] = [];
  const change = async (guid: string): Promise<JobView> => {
    const n = views.findIndex((view) => view.guid === guid);
    const fault = faults.get(n);
    if (fault !== undefined) throw fault;
    changed.push(guid);
    return views[n] ?? jobViewOf(claimedJob());
  };
  const jobs = {
    list: async (filter: unknown, { after }: { readonly after?: string | undefined }) => {
      asked.push(filter);
      const from = Number(after ?? 0);
      const next = from + 2 < count ? String(from + 2) : null;
      return { items: views.slice(from, from + 2), next };
    },
    show: change,
    drop: change,
    retry: async (guid: string) => {
      await change(guid);
      return { guid, messageId: 2, correctsId: 1 };
    },
  };
  return { jobs, changed, asked, guids: views.map(({ guid }) => guid) };
}

describe('failed jobs that are retried or dropped all together', () => {
  test('are all those that the filter names, page by page', async () => {
    const { jobs, changed, asked, guids } = backend(5);
    const filter = { botId: 'bot-a', pool: 'audio' };
    expect(await changeFailedJobs(jobs, { what: 'retry', filter, json: false })).toBe(EXIT.ok);
    expect(changed).toEqual(guids);
    expect(asked).toEqual(Array.from({ length: 3 }, () => ({ ...filter, collection: 'failed' })));
    expect(printed.mock.calls).toEqual([['5 of 5 failed jobs: tried again']]);
  });

  test('go on when one cannot be changed: it is named, and the exit code tells', async () => {
    const { jobs, changed, guids } = backend(3, new Map([[1, NO_JOB]]));
    expect(await changeFailedJobs(jobs, { what: 'drop', filter: {}, json: false })).toBe(EXIT.failed);
    expect(changed).toEqual([guids[0], guids[2]]);
    expect(printed.mock.calls).toEqual([['2 of 3 failed jobs: dropped']]);
    expect(complained.mock.calls).toEqual([['there is no such job']]);
  });

  test('are told to programs with what went wrong', async () => {
    const { jobs, guids } = backend(2, new Map([[0, NO_JOB]]));
    expect(await changeFailedJobs(jobs, { what: 'drop', filter: {}, json: true })).toBe(EXIT.failed);
    const problems = [{ guid: guids[0], code: 'not_found', reason: 'there is no such job' }];
    expect(printed.mock.calls.map(([line]) => JSON.parse(String(line)))).toEqual([{ done: 1, problems }]);
  });

  test('are left alone when the backend is gone', async () => {
    const away = new DragomanError('backend_unreachable', 'nobody is there');
    const { jobs, changed } = backend(3, new Map([[1, away]]));
    await expect(changeFailedJobs(jobs, { what: 'drop', filter: {}, json: false })).rejects.toBe(away);
    expect(changed).toHaveLength(1);
  });

  test('may be none', async () => {
    const { jobs } = backend(0);
    expect(await changeFailedJobs(jobs, { what: 'retry', filter: {}, json: false })).toBe(EXIT.ok);
    expect(printed.mock.calls).toEqual([['No failed jobs.']]);
  });
});
