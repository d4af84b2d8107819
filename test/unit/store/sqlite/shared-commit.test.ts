import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { newGuid } from '../../../../src/base/ids.ts';
import type { ClaimedJob } from '../../../../src/jobs/job.ts';
import { chat } from '../../../contract/store/subject.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { openStoreAt } from '../../../support/sqlite-subject.ts';
import {
  acceptMedia,
  HOUR_MS,
  NOW,
  placeholderMessage,
  stagedMedia,
} from '../../../support/store-records.ts';

test('a worker that claims as it is told does so in the transaction that makes the job claimable', async () => {
  const store = await openStoreAt(join(await scratchFolder(), 'dragoman.db'));
  onTestFinished(() => store.close());
  const key = await chat(store, 'a');
  const guid = newGuid();
  await store.accept(acceptMedia(key, placeholderMessage(1, guid), { start: { kind: 'downloading' } }));
  const claims: Promise<ClaimedJob | null>[] = [];
  store.onClaimable((pool) => claims.push(store.claim({ pool, now: NOW, leaseMs: HOUR_MS, cappedBots: [] })));
  // What the writer's thread is sent at a time is committed together.
  const sent = vi.spyOn(Worker.prototype, 'postMessage');
  await store.stage(guid, stagedMedia('video'), NOW);
  expect(await Promise.all(claims)).toMatchObject([{ guid }]);
  expect(sent.mock.calls).toMatchObject([
    [{ calls: [{ operation: 'stage' }, { operation: 'claim' }], more: false }],
  ]);
});
