import { newGuid } from '../../src/base/ids.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { Store } from '../../src/store/store.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  jobError,
  keyOf,
  NOW,
  placeholderMessage,
  PROVIDER,
  stagedMedia,
  textMessage,
} from './store-records.ts';

const LEASE_MS = 3_600_000;

/** Fills a store with at least one record of every kind and state. Returns its chats. */
export async function fillRichly(store: Store): Promise<readonly CorrespondentKey[]> {
  const [ada, ben] = [keyOf('ada@lid'), keyOf('ben@s')];
  await store.saveBot({
    botId: 'bot-a',
    providerName: PROVIDER,
    gatewayId: 'gateway-1',
    createdAt: NOW,
    stopped: true,
    pairingPhone: '4915112345678',
    settings: null,
    removed: false,
  });
  await store.resolveCorrespondent('bot-a', PROVIDER, ['ada@lid', 'ada@s']);
  await store.resolveCorrespondent('bot-a', PROVIDER, ['ben@s']);
  // merged into the first when both names come together, and drains
  await store.resolveCorrespondent('bot-a', PROVIDER, ['younger@s']);
  await store.resolveCorrespondent('bot-a', PROVIDER, ['ada@lid', 'younger@s']);
  await store.resolveCorrespondent('bot-b', PROVIDER, ['ada@lid']);

  for (let id = 1; id <= 3; id += 1) await store.accept(acceptText(ada, textMessage(id)));
  await store.ingest({ correspondent: ada, messages: [textMessage(1), textMessage(2)], now: NOW });
  await store.accept(
    acceptText(ben, textMessage(1, { content: 'Ünï \u{1F600} \uD800 lone \0 nul', mentions: ['x@s'] })),
  );

  const place = async (id: number, changes: Parameters<typeof acceptMedia>[2] = {}) => {
    const placeholder = placeholderMessage(id, newGuid());
    await store.accept(acceptMedia(ada, placeholder, changes));
    return placeholder;
  };
  await place(4, { start: { kind: 'downloading' } });
  await place(5, { collection: 'holding' });
  const claimed = { pool: 'audio', now: NOW, leaseMs: LEASE_MS, cappedBots: [] };
  await place(6);
  const completed = await store.claim(claimed);
  if (completed !== null) await store.complete(completed, { kind: 'words', words: 'hello' }, NOW);
  await place(7);
  const postponed = await store.claim(claimed);
  if (postponed !== null) await store.postpone(postponed, NOW + LEASE_MS, jobError(), NOW);
  await place(8);
  await store.claim(claimed);
  await place(9, { start: { kind: 'staged', media: stagedMedia('image') } });
  const failed = await place(10);
  await store.settle({
    correspondent: ada,
    guid: failed.mediaProcessingId,
    message: fulfilled(failed),
    evictedIds: [],
    error: jobError(),
  });
  const gone = keyOf('forgotten@s', 'bot-b');
  await store.resolveCorrespondent('bot-b', PROVIDER, ['forgotten@s']);
  for (let id = 1; id <= 5; id += 1) await store.accept(acceptText(gone, textMessage(id)));
  await store.forgetChat(gone);
  return [ada, ben, keyOf('younger@s'), keyOf('ada@lid', 'bot-b')];
}
