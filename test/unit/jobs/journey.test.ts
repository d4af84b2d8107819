import { describe, expect, test } from 'vitest';
import { journeyOf } from '../../../src/jobs/journey.ts';
import { fulfilled, NOW, placeholderMessage, textMessage } from '../../support/store-records.ts';

const steps = (journey: ReturnType<typeof journeyOf>) =>
  journey.stops.map(({ step, tookMs }) => [step, tookMs] as const);
const UNKNOWN = { stagedAt: null, claimedAt: null, completedAt: null };

describe('the journey of a message', () => {
  test('of a text is its sending, its arrival and its ingestion', () => {
    const message = textMessage(1, { originatingTime: NOW - 2_000, receivedTime: NOW - 40 });
    const journey = journeyOf(message, null, NOW + 5);
    expect(steps(journey)).toEqual([
      ['sent', null],
      ['received', 1_960],
      ['journalled', 40],
      ['ingested', 5],
    ]);
    expect(journey).toMatchObject({ next: null, tookMs: 45 });
  });

  test('of a medium in the history has every step, and how long each took', () => {
    const mediaTimes = { stagedAt: NOW + 100, claimedAt: NOW + 150, completedAt: NOW + 450 };
    const message = { ...fulfilled(placeholderMessage(1)), readyTime: NOW + 460, mediaTimes };
    expect(steps(journeyOf(message, null, NOW + 470))).toEqual([
      ['sent', null],
      ['received', 500],
      ['journalled', 500],
      ['staged', 100],
      ['claimed', 50],
      ['worded', 300],
      ['ready', 10],
      ['ingested', 10],
    ]);
  });

  test.for([
    [UNKNOWN, 'staged'],
    [{ ...UNKNOWN, stagedAt: NOW }, 'claimed'],
    [{ ...UNKNOWN, stagedAt: NOW, claimedAt: NOW }, 'worded'],
    [{ stagedAt: NOW, claimedAt: NOW, completedAt: NOW }, 'ready'],
  ] as const)('of a placeholder goes on by its job: %o, then %s', ([media, next]) => {
    expect(journeyOf(placeholderMessage(1), media, null).next).toBe(next);
  });

  test('of a text that waits goes on into the history', () => {
    expect(journeyOf(textMessage(1), null, null).next).toBe('ingested');
  });

  test('of a record of before times were noted is what is known', () => {
    const message = textMessage(1, { originatingTime: null, receivedTime: null });
    expect(steps(journeyOf(message, null, NOW + 3))).toEqual([
      ['journalled', null],
      ['ingested', 3],
    ]);
  });

  test('takes no less than no time, whatever the clocks of others say', () => {
    const message = textMessage(1, { originatingTime: NOW + 9_000, receivedTime: NOW + 500 });
    expect(steps(journeyOf(message, null, NOW + 1))).toEqual([
      ['sent', null],
      ['received', 0],
      ['journalled', 0],
      ['ingested', 1],
    ]);
  });
});
