import { describe, expect, test } from 'vitest';
import { newGuid } from '../../../src/base/ids.ts';
import type { ClaimedJob } from '../../../src/jobs/job.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  acceptMedia,
  fulfilled,
  jobError,
  NOW,
  placeholderMessage,
  stagedMedia,
} from '../../support/store-records.ts';
import { claimNext } from './jobs.ts';
import { chat, type Suite, useSubject } from './subject.ts';

/** A worker that claims whenever the store tells of a pool. */
class Listener {
  /** The pools that it was told of. */
  readonly told = new Set<string>();
  readonly #claims: Promise<ClaimedJob | null>[] = [];

  constructor(store: Store) {
    store.onClaimable((pool) => {
      this.told.add(pool);
      this.#claims.push(claimNext(store, undefined, pool));
    });
  }

  /** GUIDs. */
  async claimed(): Promise<string[]> {
    return (await Promise.all(this.#claims)).flatMap((job) => (job === null ? [] : [job.guid]));
  }
}

export const newsSuite: Suite = (open) => {
  describe('whoever listens is told at once of a pool in which a job becomes claimable, and finds it there', () => {
    const subject = useSubject(open);

    test('as it is accepted with its file', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const listener = new Listener(store);
      const guid = newGuid();
      await store.accept(acceptMedia(key, placeholderMessage(1, guid)));
      expect([...listener.told]).toEqual(['audio']);
      expect(await listener.claimed()).toEqual([guid]);
    });

    test('as its file comes', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const listener = new Listener(store);
      const guid = newGuid();
      await store.accept(acceptMedia(key, placeholderMessage(1, guid), { start: { kind: 'downloading' } }));
      await store.stage(guid, stagedMedia('video'), NOW);
      expect([...listener.told]).toEqual(['video']);
      expect(await listener.claimed()).toEqual([guid]);
    });

    test('as a failed job is retried', async () => {
      const { store } = subject();
      const key = await chat(store, 'a');
      const placeholder = placeholderMessage(1);
      const guid = placeholder.mediaProcessingId;
      await store.accept(acceptMedia(key, placeholder, { start: { kind: 'downloading' } }));
      const message = fulfilled(placeholder);
      await store.settle({ correspondent: key, guid, message, evictedIds: [], error: jobError() });
      const listener = new Listener(store);
      await store.retryFailedJob({
        correspondent: key,
        placeholder: placeholderMessage(2, guid, { providerMessageId: null }),
        evictedIds: [],
        mimeType: 'audio/ogg',
        pool: 'audio',
        collection: 'active',
      });
      expect([...listener.told]).toEqual(['audio']);
      expect(await listener.claimed()).toEqual([guid]);
    });
  });
};
