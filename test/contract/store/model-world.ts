import assert from 'node:assert/strict';
import type fc from 'fast-check';
import { hasCode } from '../../../src/base/errors.ts';
import type { ClaimedJob, CorrespondentKey, MediaProcessingJob } from '../../../src/jobs/job.ts';
import type { Message } from '../../../src/queue/message.ts';
import type { Store } from '../../../src/store/store.ts';
import { type MemorySubject, memorySubject } from '../../support/memory-subject.ts';
import { HOUR_MS, keyOf, NOW } from '../../support/store-records.ts';
import type { OpenSubject, StoreSubject } from './subject.ts';

/** What a model-based test of the store runs in: the memory store and the one under test, side by side. */

export const BOTS = ['bot-a', 'bot-b'] as const;
export const CHATS = ['one', 'two'] as const;
export const KEYS = BOTS.flatMap((botId) => CHATS.map((identifier) => keyOf(identifier, botId)));
/** Before anything that the stores' own clocks say. */
export const START = NOW - 60_000;

/** One of the two stores: its owner, the one before, and what they were given. */
export class Side {
  readonly subject: StoreSubject;
  readonly claims: ClaimedJob[] = [];
  store: Store;
  /** An owner that has not heard that there is a newer one. */
  former: Store | null = null;

  constructor(subject: StoreSubject) {
    this.subject = subject;
    this.store = subject.store;
  }

  async takeOver(): Promise<void> {
    this.former = this.store;
    this.store = await this.subject.rival();
  }

  async reopen(): Promise<void> {
    this.store = await this.subject.reopen();
  }
}

export class World {
  readonly model: Side;
  readonly real: Side;
  readonly #data: MemorySubject['database'];
  /** Every GUID that was given, of jobs alive or not. */
  readonly guids: string[] = [];
  now = START;

  private constructor(memory: MemorySubject, real: StoreSubject) {
    this.model = new Side(memory);
    this.real = new Side(real);
    this.#data = memory.database;
  }

  static async open(open: OpenSubject): Promise<World> {
    return new World(await memorySubject(), await open());
  }

  /** The model's journal of a chat, in order: looked at without being its owner. */
  journal(key: CorrespondentKey): readonly Message[] {
    return [...this.#data.chats.journal(key).values()].toSorted((a, b) => a.id - b.id);
  }

  nextId(key: CorrespondentKey): number {
    const known = [...this.#data.chats.all()].find(({ key: each }) => nameOf(each) === nameOf(key));
    return known?.nextId ?? 1;
  }

  /** The model's jobs, of all bots and collections. */
  jobs(): readonly MediaProcessingJob[] {
    return this.#data.jobs.all();
  }
}

const nameOf = ({ botId, correspondentId }: CorrespondentKey): string => `${botId} ${correspondentId}`;

export type Call = (side: Side) => Promise<unknown>;
/** Chooses a call by the model's state; then it is made on both sides. */
export type Plan = (world: World) => Promise<Call> | Call;

type Outcome = { readonly value: unknown } | { readonly refused: string };

/** What a store may say to a call that is not carried out. */
const REFUSALS = ['fenced', 'not_found', 'invariant_broken'] as const;

async function outcomeOf(call: Call, side: Side): Promise<Outcome> {
  try {
    return { value: await call(side) };
  } catch (error) {
    const refused = REFUSALS.find((code) => hasCode(error, code));
    if (refused === undefined) throw error;
    return { refused };
  }
}

class Step implements fc.AsyncCommand<World, null> {
  readonly #name: string;
  readonly #plan: Plan;

  constructor(name: string, plan: Plan) {
    this.#name = name;
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(world: World): Promise<void> {
    world.now += 1;
    const call = await this.#plan(world);
    const expected = await outcomeOf(call, world.model);
    assert.deepEqual(await outcomeOf(call, world.real), expected, this.#name);
  }

  toString(): string {
    return this.#name;
  }
}

export type StoreCommand = fc.AsyncCommand<World, null>;
export const step = (name: string, plan: Plan): StoreCommand => new Step(name, plan);
export const nothing: Call = () => Promise.resolve();

export const pick = <T>(items: readonly T[], index: number): T | undefined =>
  items[index % Math.max(items.length, 1)];

/**
 * Of a lease or a back-off, which end by each store's own clock: an hour from then on, or at once. Between the two is
 * what no run lasts for.
 */
export const endState = (endsAt: number | null): string => {
  if (endsAt === null) return 'none';
  return endsAt > NOW + HOUR_MS / 2 ? 'to come' : 'over';
};

/** Claim tokens and seqs are each store's own, and are compared by what they do. */
export const comparable = (job: MediaProcessingJob): object => ({
  ...job,
  seq: null,
  claimToken: job.claimToken !== null,
  leaseExpiresAt: endState(job.leaseExpiresAt),
  availableAt: endState(job.availableAt),
});
