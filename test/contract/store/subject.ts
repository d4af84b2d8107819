import { afterEach, beforeEach } from 'vitest';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import type { Store } from '../../../src/store/store.ts';
import { PROVIDER } from '../../support/store-records.ts';

/** One store under test, empty at first. */
export interface StoreSubject {
  readonly store: Store;
  /** Another owner of the same data, of which the first one has not heard. */
  readonly rival: () => Promise<Store>;
  /** Closes the store and opens the same data again. */
  readonly reopen: () => Promise<Store>;
  /** Takes an entry out of a chat's journal behind the store's back, as damage would. */
  readonly lose: (key: CorrespondentKey, id: number) => Promise<void>;
  /** Lets so much time go by for what ends by another clock than the caller's. */
  readonly elapse: (ms: number) => Promise<void>;
  /** Closes whatever is open and removes the data. */
  readonly dispose: () => Promise<void>;
}

export type OpenSubject = () => Promise<StoreSubject>;

/** The contract's tests of one topic, for the store that `open` makes. */
export type Suite = (open: OpenSubject) => void;

/** A fresh subject for each test; call within `describe`. */
export function useSubject(open: OpenSubject): () => StoreSubject {
  let subject: StoreSubject | null = null;
  beforeEach(async () => {
    subject = await open();
  });
  afterEach(async () => {
    await subject?.dispose();
    subject = null;
  });
  return () => {
    if (subject === null) throw new Error('no subject outside a test');
    return subject;
  };
}

/** Makes a chat that only `identifier` names, unless it is there. */
export async function chat(store: Store, identifier: string, botId = 'bot-a'): Promise<CorrespondentKey> {
  const { providerName, correspondentId } = await store.resolveCorrespondent(botId, PROVIDER, [identifier]);
  return { botId, providerName, correspondentId };
}
