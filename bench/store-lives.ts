/** What happens to messages, as the benchmarks of all stores have it happen. */
import { newGuid } from '../src/base/ids.ts';
import type { ClaimedJob, CorrespondentKey } from '../src/jobs/job.ts';
import type { Store } from '../src/store/store.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  HOUR_MS,
  NOW,
  placeholderMessage,
  textMessage,
} from '../test/support/store-records.ts';

/** A chat and the next id that it gives. */
export class Chat {
  readonly key: CorrespondentKey;
  #nextId = 1;

  constructor(key: CorrespondentKey) {
    this.key = key;
  }

  takeId(): number {
    return this.#nextId++;
  }
}

export async function acceptOneText(store: Store, chat: Chat): Promise<ReturnType<typeof textMessage>> {
  const message = textMessage(chat.takeId(), { providerMessageId: newGuid() });
  await store.accept(acceptText(chat.key, message));
  return message;
}

export async function acceptOneMedia(store: Store, chat: Chat): Promise<void> {
  const placeholder = placeholderMessage(chat.takeId(), newGuid(), { providerMessageId: newGuid() });
  await store.accept(acceptMedia(chat.key, placeholder));
}

export async function mediumLife(store: Store, chat: Chat): Promise<void> {
  const placeholder = placeholderMessage(chat.takeId(), newGuid(), { providerMessageId: newGuid() });
  await store.accept(acceptMedia(chat.key, placeholder));
  await store.settle({
    correspondent: chat.key,
    guid: placeholder.mediaProcessingId,
    message: fulfilled(placeholder),
    evictedIds: [],
    error: null,
  });
}

export async function textLife(store: Store, chat: Chat): Promise<void> {
  const message = await acceptOneText(store, chat);
  await store.ingest({ correspondent: chat.key, messages: [message], now: NOW });
}

export async function claimAndComplete(store: Store): Promise<ClaimedJob> {
  const job = await store.claim({ pool: 'audio', now: NOW, leaseMs: HOUR_MS, cappedBots: [] });
  if (job === null) throw new Error('nothing to claim');
  await store.complete(job, { kind: 'words', words: 'words' }, NOW);
  return job;
}

export async function jobLife(store: Store, chat: Chat): Promise<void> {
  await acceptOneMedia(store, chat);
  const job = await claimAndComplete(store);
  await store.settle({
    correspondent: job.correspondent,
    guid: job.guid,
    message: fulfilled(job.placeholder),
    evictedIds: [],
    error: null,
  });
}
