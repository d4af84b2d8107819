import type { Store } from '../../../src/store/store.ts';

/** What of a store is on the way of a message, of a job, of a recovery or of a drain. */
export const STORE_OPERATIONS = [
  ...(['resolveCorrespondent', 'rehydrate', 'accept', 'settle', 'ingest', 'stage', 'claim'] as const),
  ...(['heartbeat', 'complete', 'reviveJobs', 'sweepToHolding', 'promoteJobs', 'chatsWithJournal'] as const),
  ...(['jobsOfBot', 'holdJobs', 'release'] as const),
] as const satisfies readonly (keyof Store)[];

/** What only happens while a process drains. */
const DRAINING = [
  ...(['holdJobs', 'release', 'drain frames', 'drain settlements', 'drain actors'] as const),
] as const;

/** Methods of the gateway's side, of files and of links. */
const ELSEWHERE = [
  ...(['journal transaction', 'journal ack', 'file publish', 'file staged', 'file remove'] as const),
  ...(['frame to gateway', 'drain frames', 'drain settlements', 'drain actors'] as const),
] as const;

export interface FailpointName {
  readonly name: string;
  /** Reached only by a process that is told to stop. */
  readonly drains: boolean;
}

/** Every failpoint. */
export const FAILPOINTS: readonly FailpointName[] = [...STORE_OPERATIONS, ...ELSEWHERE].flatMap((what) => {
  const drains = DRAINING.some((each) => each === what);
  return [
    { name: `${what}.before`, drains },
    { name: `${what}.after`, drains },
  ];
});
