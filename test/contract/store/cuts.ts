import { describe, expect, test } from 'vitest';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import type { Store } from '../../../src/store/store.ts';
import { jobsIn } from '../../support/jobs-in.ts';
import {
  acceptMedia,
  acceptText,
  fulfilled,
  jobError,
  NOW,
  placeholderMessage,
  textMessage,
} from '../../support/store-records.ts';
import { media, mustClaim } from './jobs.ts';
import { chat } from './subject.ts';

/** A store whose transactions can be cut off at any of their points. */
export interface CutSubject {
  readonly store: Store;
  /** From now on, a transaction is cut at its nth point, counted from 0. False: there are no more points. */
  readonly cutAt: (n: number) => boolean;
  /** Ends the fault. */
  readonly mend: () => void;
  readonly dispose: () => Promise<void>;
}

type Act = (store: Store) => Promise<unknown>;

/** What is there before; then the call whose transaction is cut. */
type Scenario = (store: Store, key: CorrespondentKey) => Promise<Act>;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'accepting a text': async (store, key) => {
    await store.accept(acceptText(key, textMessage(1)));
    return (each) => each.accept({ ...acceptText(key, textMessage(2)), evictedIds: [1] });
  },
  'accepting a medium': async (store, key) => {
    await store.accept(acceptText(key, textMessage(1)));
    const placeholder = placeholderMessage(2);
    return (each) => each.accept({ ...acceptMedia(key, placeholder), evictedIds: [1] });
  },
  'settling with words': (store, key) => settling(store, key, null),
  'settling with an error': (store, key) => settling(store, key, jobError('stale')),
  'completing a job': async (store, key) => {
    await media(store, key);
    const claim = await mustClaim(store);
    return (each) => each.complete(claim, { kind: 'words', words: 'w' }, NOW);
  },
  'completing and settling with words': (store, key) => concluding(store, key, null),
  'completing and settling with an error': (store, key) => concluding(store, key, jobError()),
  ingesting: async (store, key) => {
    for (const id of [1, 2, 3]) await store.accept(acceptText(key, textMessage(id)));
    const messages = [2, 1, 3].map((id) => textMessage(id));
    return (each) => each.ingest({ correspondent: key, messages, now: NOW });
  },
  'holding jobs': async (store, key) => {
    for (let n = 0; n < 3; n += 1) await media(store, key);
    return (each) => each.holdJobs(key.botId, NOW);
  },
  'promoting jobs': async (store, key) => {
    for (let n = 0; n < 3; n += 1) await media(store, key, { collection: 'holding' });
    return (each) => each.promoteJobs(key.botId, NOW);
  },
};

async function settling(
  store: Store,
  key: CorrespondentKey,
  error: ReturnType<typeof jobError> | null,
): Promise<Act> {
  await store.accept(acceptText(key, textMessage(1)));
  const placeholder = placeholderMessage(2);
  await store.accept(acceptMedia(key, placeholder));
  const guid = placeholder.mediaProcessingId;
  const message = fulfilled(placeholder);
  return (each) => each.settle({ correspondent: key, guid, message, evictedIds: [1], error });
}

async function concluding(
  store: Store,
  key: CorrespondentKey,
  error: ReturnType<typeof jobError> | null,
): Promise<Act> {
  await store.accept(acceptText(key, textMessage(1)));
  await store.accept(acceptMedia(key, placeholderMessage(2)));
  const { guid, claimToken, placeholder } = await mustClaim(store);
  return (each) =>
    each.completeAndSettle({
      correspondent: key,
      guid,
      claimToken,
      message: fulfilled(placeholder),
      evictedIds: [1],
      error,
      words: 'w',
      completedAt: NOW,
    });
}

/** All that a chat and its bot have in the store, but what differs between one run and the next. */
async function stateOf(store: Store, key: CorrespondentKey): Promise<object> {
  const { nextId, messages } = await store.rehydrate(key);
  const history = await store.history(key, { afterSeq: 0, limit: 99 });
  const jobs = [];
  for (const collection of ['active', 'holding', 'failed'] as const) {
    for (const { status, round, attempts, result, error, claimToken } of await jobsIn(
      store,
      key.botId,
      collection,
    )) {
      jobs.push({ collection, status, round, attempts, result, error, isClaimed: claimToken !== null });
    }
  }
  return {
    nextId,
    journal: messages.map(({ id, content, readyTime }) => ({ id, content, readyTime })),
    history: history.map(({ ingestSeq, message }) => [ingestSeq, message.id]),
    jobs,
  };
}

/** Takes every `stride`th of the points. */
export function describeCuts(name: string, open: () => Promise<CutSubject>, stride = 1): void {
  describe(`${name} is cut off at any point of a transaction`, () => {
    test.for(Object.entries(SCENARIOS).map(([of, scenario], index) => ({ of, scenario, index })))(
      'S1: $of is done whole or not at all, and can be done again',
      async ({ scenario, index }) => {
        const { store, cutAt, mend, dispose } = await open();
        let bots = 0;
        const begin = async (): Promise<{ key: CorrespondentKey; act: Act }> => {
          bots += 1;
          const key = await chat(store, 'a', `bot-${bots}`);
          return { key, act: await scenario(store, key) };
        };
        try {
          const whole = await begin();
          await whole.act(store);
          const after = await stateOf(store, whole.key);
          let cuts = 0;
          for (let point = index % stride; ; point += stride) {
            const { key, act } = await begin();
            const before = await stateOf(store, key);
            expect(before).not.toEqual(after);
            if (!cutAt(point)) break;
            const outcome = await act(store).then(
              () => 'done',
              () => 'failed',
            );
            mend();
            const left = await stateOf(store, key);
            if (outcome === 'done') expect(left).toEqual(after);
            else expect([before, after]).toContainEqual(left);
            if (outcome === 'failed') cuts += 1;
            // The gateway sends again, the owner settles again: from what is left, to the same end.
            if (outcome === 'failed' && JSON.stringify(left) === JSON.stringify(before)) {
              await act(store);
              expect(await stateOf(store, key)).toEqual(after);
            }
          }
          expect(cuts).toBeGreaterThan(0);
        } finally {
          await dispose();
        }
      },
    );
  });
}
