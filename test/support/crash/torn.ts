import { isPlaceholder } from '../../../src/queue/message.ts';
import { jobPages } from '../../../src/store/job-pages.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Planted } from './plants.ts';

/**
 * What a process that died left half done: placeholders of the journal without a live job, and jobs without a placeholder
 * (S4). What was planted is left out.
 */
export async function tornIn(store: Store, planted: readonly Planted[]): Promise<readonly string[]> {
  const isPlanted = new Set(planted.map(({ key }) => key.correspondentId));
  const places = new Set<string>();
  for (const key of await store.chatsWithJournal('main')) {
    if (isPlanted.has(key.correspondentId)) continue;
    const { messages } = await store.rehydrate(key);
    for (const message of messages.filter(isPlaceholder)) places.add(message.mediaProcessingId);
  }
  const jobs = new Set<string>();
  for (const collection of ['active', 'holding'] as const) {
    for await (const page of jobPages(store, 'main', { collection })) {
      for (const { guid, correspondent } of page)
        if (!isPlanted.has(correspondent.correspondentId)) jobs.add(guid);
    }
  }
  return [
    ...[...places].filter((guid) => !jobs.has(guid)).map((guid) => `the placeholder ${guid} has no job`),
    ...[...jobs].filter((guid) => !places.has(guid)).map((guid) => `the job ${guid} has no placeholder`),
  ];
}
