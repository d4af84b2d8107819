import { expect, onTestFinished, test } from 'vitest';
import { storedCompletion } from '../../../src/actors/completion.ts';
import { EventBus } from '../../../src/actors/events.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { MINUTE_MS } from '../../../src/base/units.ts';
import { openMemoryStore } from '../../support/memory-store/memory-store.ts';
import { Served } from '../../../src/system/administration/served.ts';
import { BacklogLog } from '../../../src/system/backlog-log.ts';
import { resultTaker } from '../../../src/system/results.ts';
import { Settlements } from '../../../src/system/settlements.ts';
import { settle } from '../../support/actor-kit.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

test('what a pool has done is told with its backlog: words that are in their place, not those on their way', async () => {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const store = openMemoryStore({ clock, newClaimToken: newGuid });
  const backlogLog = new BacklogLog({ store, pools: ['audio', 'image'], clock, log });
  backlogLog.start(MINUTE_MS);
  onTestFinished(() => backlogLog.close());
  const settlements = new Settlements({ store, bots: new Map(), releaseFile: async () => {}, log });
  const take = resultTaker({
    settlements,
    backlogLog,
    served: new Served(clock.now()),
    events: new EventBus(),
    poolDid: () => {},
    clock,
    log,
  });
  for (const pool of ['audio', 'image', 'image']) take(storedCompletion(claimedJob()), pool, true);
  take(storedCompletion(claimedJob()), 'audio', false);
  await settle();
  clock.advance(MINUTE_MS);
  await settle();
  const backlogs = log.lines.filter(({ message }) => message === 'backlog');
  expect(backlogs.map(({ fields }) => fields)).toMatchObject([
    { pool: 'audio', done_per_minute: 1 },
    { pool: 'image', done_per_minute: 2 },
  ]);
});
