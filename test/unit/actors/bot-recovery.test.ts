import { describe, expect, test } from 'vitest';
import { recoverBot } from '../../../src/actors/bot-recovery.ts';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import { chatBench } from '../../support/chat-bench.ts';
import { BOT } from '../../support/inbound-frames.ts';
import { interceptStore } from '../../support/intercepted-store.ts';
import { acceptMedia, placeholderMessage } from '../../support/store-records.ts';

describe('a recovery that runs while jobs move', () => {
  test('does not take a place for orphaned whose job it missed on its way', async () => {
    const { chat, store, key, clock, log } = await chatBench();
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder));
    let reads = 0;
    const moving = interceptStore(store, async (operation, run) => {
      // Holding was read, active was not: the job goes from the one to the other.
      if (operation === 'jobsOfBot' && (reads += 1) === 2) await store.holdJobs(BOT, clock.now());
      return run();
    });
    const open = (_key: CorrespondentKey) => Promise.resolve(chat);
    await recoverBot({ botId: BOT, store: moving, clock, log, open });
    expect(await chat.ask('wake', undefined)).toEqual([placeholder.mediaProcessingId]);
    expect(await store.jobByGuid(placeholder.mediaProcessingId)).toMatchObject({ collection: 'active' });
  });

  test('run twice changes nothing the second time', async () => {
    const { chat, store, key, clock, log, journalOf } = await chatBench();
    const placeholder = placeholderMessage(1);
    await store.accept(acceptMedia(key, placeholder, { collection: 'holding' }));
    const recover = () => recoverBot({ botId: BOT, store, clock, log, open: () => Promise.resolve(chat) });
    await recover();
    const [job, journal] = [await store.jobByGuid(placeholder.mediaProcessingId), await journalOf('ann')];
    await recover();
    expect(await store.jobByGuid(placeholder.mediaProcessingId)).toEqual(job);
    expect(await journalOf('ann')).toEqual(journal);
  });
});
