import { expect, onTestFinished, test, vi } from 'vitest';
import { JournalDatabase } from '../../../src/gateway/journal-database.ts';
import { openJournal } from '../../support/open-journal.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const quota = (quotaGb: number) => ({ media_storage_quota_gb: quotaGb });

test('A1: what is known of a bot is as the journal has it, after a restart too', async () => {
  const dir = await scratchFolder();
  const journal = await openJournal({ dir });
  for (const botId of ['b', 'a', 'c']) journal.bots.started(botId, quota(2));
  journal.bots.started('a', { ...quota(3), groups: 'none' });
  journal.bots.stopped('b');
  journal.bots.stopped('nobody');
  journal.bots.forgotten('c');
  const known = [
    { botId: 'a', running: true, config: { ...quota(3), groups: 'none' } },
    { botId: 'b', running: false, config: quota(2) },
  ];
  expect(journal.bots.all()).toEqual(known);
  expect(['a', 'b', 'c'].map((botId) => journal.bots.has(botId))).toEqual([true, true, false]);
  journal.close();
  expect((await openJournal({ dir })).bots.all()).toEqual(known);
});

test('A1: a change that is not durable does not count', async () => {
  const journal = await openJournal();
  journal.bots.started('a', quota(2));
  vi.spyOn(JournalDatabase.prototype, 'transaction').mockImplementation(() => {
    throw new Error('no room');
  });
  onTestFinished(() => void vi.restoreAllMocks());
  expect(() => journal.bots.started('b', quota(1))).toThrow('no room');
  expect(() => journal.bots.stopped('a')).toThrow('no room');
  expect(() => journal.bots.forgotten('a')).toThrow('no room');
  expect(journal.bots.all()).toMatchObject([{ botId: 'a', running: true }]);
  expect(journal.bots.lowestQuotaGb).toBe(2);
});

test('the lowest quota is that of the most careful bot that runs', async () => {
  const { bots } = await openJournal();
  expect(bots.lowestQuotaGb).toBeNull();
  bots.started('a', quota(3));
  bots.started('b', quota(1));
  bots.started('c', quota(1));
  expect(bots.lowestQuotaGb).toBe(1);
  bots.stopped('b');
  bots.stopped('b');
  expect(bots.lowestQuotaGb).toBe(1);
  bots.started('c', quota(2));
  expect(bots.lowestQuotaGb).toBe(2);
  bots.forgotten('c');
  expect(bots.lowestQuotaGb).toBe(3);
  bots.forgotten('a');
  expect(bots.lowestQuotaGb).toBeNull();
});
