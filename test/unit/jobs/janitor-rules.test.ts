import { describe, expect, test } from 'vitest';
import {
  fateOfFile,
  type FileFacts,
  type GatewayWord,
  isStale,
  type JanitorLimits,
  type JobFacts,
} from '../../../src/jobs/janitor-rules.ts';
import type { JobCollection } from '../../../src/jobs/job.ts';
import { HOUR_MS, NOW } from '../../support/store-records.ts';

const LIMITS: JanitorLimits = {
  staleJobMs: 3 * HOUR_MS,
  heldJobMs: 7 * 24 * HOUR_MS,
  failedFileMs: 24 * HOUR_MS,
  failedJobMs: 90 * 24 * HOUR_MS,
  orphanFileMs: 4 * HOUR_MS,
};
const LONG_AGO = NOW - 1_000 * HOUR_MS;
const facts = (changes: Partial<JobFacts> = {}): JobFacts => ({
  now: NOW,
  countsFrom: LONG_AGO,
  isBotConnected: true,
  poolCompletedAt: null,
  hasFile: true,
  ...changes,
});
const idle = (
  hours: number,
  status: Parameters<typeof isStale>[0]['status'] = 'pending',
  collection: JobCollection = 'active',
) => ({
  collection,
  status,
  changedAt: NOW - hours * HOUR_MS,
});

const poolAt = (hours: number) => facts({ poolCompletedAt: NOW - hours * HOUR_MS });
const away = (hasFile: boolean) => facts({ isBotConnected: false, hasFile });
const backFor = (hours: number) => facts({ countsFrom: NOW - hours * HOUR_MS, hasFile: false });

describe('a job is stale', () => {
  test.for(['downloading', 'pending', 'waiting'] as const)('when it was %s for three hours', (status) => {
    const hasFile = status !== 'downloading';
    expect(isStale(idle(3, status), facts({ hasFile }), LIMITS)).toBe(true);
    expect(isStale(idle(2.99, status), facts({ hasFile }), LIMITS)).toBe(false);
  });

  test.for(['processing', 'completed'] as const)('never while it is %s', (status) => {
    expect(isStale(idle(500, status), facts({ isBotConnected: false, hasFile: false }), LIMITS)).toBe(false);
  });

  test('of a connected bot only when its pool completed nothing for as long', () => {
    expect(isStale(idle(9), poolAt(2), LIMITS)).toBe(false);
    expect(isStale(idle(9), poolAt(3), LIMITS)).toBe(true);
    expect(isStale(idle(9, 'waiting'), poolAt(2), LIMITS)).toBe(false);
    expect(isStale(idle(9, 'downloading'), { ...poolAt(2), hasFile: false }, LIMITS)).toBe(true);
  });

  test.for(['downloading', 'pending'] as const)(
    'after three hours of its bot’s work: one that was %s and is yet to be promoted has not begun',
    (status) => {
      const held = idle(12, status, 'holding');
      expect(isStale(held, facts({ hasFile: status === 'pending' }), LIMITS)).toBe(false);
      expect(
        isStale({ ...held, collection: 'active' }, facts({ hasFile: status === 'pending' }), LIMITS),
      ).toBe(true);
    },
  );

  test('of a bot that is away after a week if its file is there, at once if nothing can come of it', () => {
    expect(isStale(idle(24 * 6), away(true), LIMITS)).toBe(false);
    expect(isStale(idle(24 * 7), away(true), LIMITS)).toBe(true);
    expect(isStale(idle(3), away(false), LIMITS)).toBe(true);
  });

  test.for([
    ['of a bot that is away', away(false)],
    ['whose file is there, though nobody has said so', facts()],
  ] as const)('that is downloading, %s, only after a week', ([, waiting]) => {
    expect(isStale(idle(24 * 6, 'downloading'), waiting, LIMITS)).toBe(false);
    expect(isStale(idle(24 * 7, 'downloading'), waiting, LIMITS)).toBe(true);
  });

  test('not by time in which nobody could do anything', () => {
    expect(isStale(idle(500), backFor(2.9), LIMITS)).toBe(false);
    expect(isStale(idle(500), backFor(3), LIMITS)).toBe(true);
    expect(isStale(idle(500, 'downloading'), backFor(2.9), LIMITS)).toBe(false);
  });
});

const FILE: FileFacts = { guid: 'g', partial: false, modifiedAt: NOW - 5 * HOUR_MS };
const endedFor = (hours: number, collection: JobCollection = 'failed') =>
  ({ collection, status: 'completed', changedAt: NOW - hours * HOUR_MS }) as const;
const FREE: GatewayWord = { kind: 'holds not' };

const fate = (
  file: Partial<FileFacts>,
  job: Parameters<typeof fateOfFile>[1],
  ...gateways: readonly GatewayWord[]
) => fateOfFile({ ...FILE, ...file }, job, gateways, NOW, LIMITS);

describe('a file', () => {
  test.for(['active', 'holding'] as const)('of a job that is %s stays, however old', (collection) => {
    const job = { collection, status: 'pending', changedAt: LONG_AGO } as const;
    expect(fate({ modifiedAt: LONG_AGO }, job, FREE)).toEqual({ kind: 'stays', why: 'needed' });
    expect(fate({ modifiedAt: LONG_AGO, partial: true }, job, FREE)).toEqual({
      kind: 'stays',
      why: 'needed',
    });
  });

  test('of a job that failed stays for a day', () => {
    expect(fate({}, endedFor(23.9), FREE)).toEqual({ kind: 'stays', why: 'evidence' });
    expect(fate({}, endedFor(24), { kind: 'away' })).toEqual({ kind: 'goes', why: 'failed' });
  });

  test('of a result that waits for its bot, which may be none any more, stays no longer', () => {
    expect(fate({}, endedFor(23.9, 'holding'), FREE)).toEqual({ kind: 'stays', why: 'evidence' });
    expect(fate({}, endedFor(24, 'holding'), FREE)).toEqual({ kind: 'goes', why: 'failed' });
  });

  test('without a job goes after four hours, when no gateway needs it', () => {
    expect(fate({}, null, FREE, FREE)).toEqual({ kind: 'goes', why: 'orphan' });
    expect(fate({ partial: true }, null, FREE)).toEqual({ kind: 'goes', why: 'orphan' });
    expect(fate({ partial: true }, endedFor(1), FREE)).toEqual({ kind: 'goes', why: 'orphan' });
    expect(fate({ modifiedAt: NOW - 3.9 * HOUR_MS }, null, FREE)).toEqual({ kind: 'stays', why: 'young' });
    expect(fate({ modifiedAt: NOW + 24 * HOUR_MS }, null, FREE)).toEqual({ kind: 'stays', why: 'young' });
  });

  test.for([
    ['away', 'gateway away'],
    ['busy', 'gateway busy'],
    ['holds', 'gateway holds it'],
  ] as const)('without a job stays while one gateway is %s', ([kind, why]) => {
    expect(fate({}, null, FREE, { kind })).toEqual({ kind: 'stays', why });
  });

  test('without a job stays where no gateway is known that could tell', () => {
    expect(fate({}, null)).toEqual({ kind: 'stays', why: 'gateway away' });
  });
});
