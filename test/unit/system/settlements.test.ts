import { expect, test } from 'vitest';
import { storedCompletion } from '../../../src/actors/completion.ts';
import { silentLogger } from '../../../src/base/log.ts';
import { Settlements } from '../../../src/system/settlements.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { placeholderMessage } from '../../support/store-records.ts';

test('T2, T3: a result that is heard of twice is on its way once, and then may come again', async () => {
  const released: string[] = [];
  const letGo = Promise.withResolvers<void>();
  const settlements = new Settlements({
    bots: new Map(),
    async releaseFile({ guid }) {
      released.push(guid);
      await letGo.promise;
    },
    log: silentLogger,
  });
  const completion = storedCompletion(claimedJob());
  expect([settlements.begin(completion), settlements.begin(completion)]).toEqual([true, false]);
  expect(settlements.begin(storedCompletion(claimedJob()))).toBe(true);
  const retried = claimedJob({ guid: completion.guid, placeholder: placeholderMessage(2, completion.guid) });
  expect(settlements.begin(storedCompletion(retried))).toBe(true);
  letGo.resolve();
  await settlements.settled();
  expect(released).toHaveLength(3);
  expect(settlements.begin(completion)).toBe(true);
});
