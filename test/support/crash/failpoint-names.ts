import type { Store, WorkerStore } from '../../../src/store/store.ts';
import type { WorkStore } from '../../../src/store/work-store.ts';

/** What an operator does. */
export type Deed = 'retry' | 'drop' | 'stop and start' | 'forget' | 'send';

/** What has to be the case beforehand for a process to come to a failpoint. */
export type Way =
  /** A conversation goes on, or time does. */
  | 'talk'
  /** A process starts, or its bot connects: it comes there once, perhaps. */
  | 'start'
  /** The process is told to stop. */
  | 'drain'
  /** Media fail. */
  | 'trouble'
  /** An operator does something. */
  | { readonly deed: Deed }
  /** Something is in the store that no conversation leaves there. */
  | { readonly plant: Plant };

/** `lost place`: a job whose placeholder is not in the journal; `taken place`: and whose place another message has. `stale`: what grew too old. */
export type Plant = 'lost place' | 'taken place' | 'stale';

type MethodOf<Port> = Exclude<keyof Port, 'fence'>;

const WORK_METHODS = {
  claim: 'talk',
  heartbeat: 'talk',
  complete: 'talk',
  release: 'drain',
  postpone: 'trouble',
  reviveJobs: 'talk',
  jobByGuid: null,
  onClaimable: null,
} as const satisfies Record<MethodOf<WorkStore>, Way | null>;

/** The way to each method of the store; null: it writes nothing, and no recovery stands on it. */
const STORE_METHODS = {
  resolveCorrespondent: 'talk',
  chatsNamed: null,
  correspondents: null,
  chatsWithJournal: 'start',
  forgetChat: { deed: 'forget' },

  rehydrate: 'talk',
  accept: 'talk',
  settle: { plant: 'stale' },
  completeAndSettle: 'talk',
  ingest: 'talk',
  reinstate: { plant: 'lost place' },
  evict: { plant: 'stale' },
  history: null,
  findMessage: null,
  pruneHistory: 'talk',
  pruneMessageIds: 'start',

  ...WORK_METHODS,
  complete: { plant: 'taken place' },

  stage: 'talk',
  discardJob: { plant: 'taken place' },
  expireJob: { plant: 'stale' },
  sweepToHolding: 'start',
  holdJobs: 'drain',
  promoteJobs: 'start',
  rerouteHeldJobs: 'start',
  jobsOfBot: 'talk',
  jobsAmong: null,
  listJobs: null,
  countJobs: null,
  onCompleted: null,

  dropFailedJob: { deed: 'drop' },
  retryFailedJob: { deed: 'retry' },

  bots: null,
  saveBot: { deed: 'stop and start' },

  close: 'drain',
} as const satisfies Record<MethodOf<Store>, Way | null>;

/** The same of a process that only works. */
const WORKER_METHODS = {
  ...WORK_METHODS,
  bots: null,
  close: 'drain',
} as const satisfies Record<MethodOf<WorkerStore>, Way | null>;

/** Methods of the gateway's side, of files and of links. */
const ELSEWHERE = {
  'journal transaction': 'talk',
  'journal message': 'talk',
  'journal ack': 'talk',
  'send begun': { deed: 'send' },
  'send named': { deed: 'send' },
  'send ended': { deed: 'send' },
  'file publish': 'talk',
  'file staged': 'talk',
  'file remove': 'talk',
  'frame to gateway': 'talk',
  'drain frames': 'drain',
  'drain settlements': 'drain',
  'drain actors': 'drain',
} as const satisfies Record<string, Way>;

/** Of a store that several processes share. */
const OWNERSHIP = {
  'lease take': 'start',
  'lease renewal': 'talk',
  'lease release': 'drain',
} as const satisfies Record<string, Way>;

const stepsIn = (methods: Readonly<Record<string, Way | null>>): readonly string[] =>
  Object.keys(methods).filter((method) => methods[method] !== null);

/** What of the store is surrounded with failpoints. */
export const STORE_STEPS = stepsIn(STORE_METHODS);
export const WORKER_STEPS = stepsIn(WORKER_METHODS);

export interface FailpointName {
  readonly name: string;
  /** Which process dies there. */
  readonly program: 'start' | 'worker';
  readonly way: Way;
}

function around(
  program: FailpointName['program'],
  ways: Readonly<Record<string, Way | null>>,
): FailpointName[] {
  return Object.entries(ways).flatMap(([what, way]) =>
    way === null ? [] : ['before', 'after'].map((when) => ({ name: `${what}.${when}`, program, way })),
  );
}

const prefixed = (names: readonly FailpointName[]): FailpointName[] =>
  names.map((failpoint) => ({ ...failpoint, name: `worker ${failpoint.name}` }));

/** Every failpoint of a store that one process has to itself. */
export const FAILPOINTS: readonly FailpointName[] = [
  ...around('start', STORE_METHODS),
  ...around('start', ELSEWHERE),
];

/** Every failpoint of a store that several processes share. */
export const SHARED_FAILPOINTS: readonly FailpointName[] = [
  ...FAILPOINTS,
  ...around('start', OWNERSHIP),
  ...prefixed(around('worker', { ...WORKER_METHODS, 'file remove': 'talk' })),
];
