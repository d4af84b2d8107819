import { describe, expect, test } from 'vitest';
import { InFlight } from '../../../src/actors/in-flight.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function pool(workers: number, botIds: readonly string[] = []) {
  const clock = new ManualClock();
  return { clock, inFlight: new InFlight(workers, () => botIds, clock) };
}

describe('the share of a pool that one bot may have', () => {
  test('is all of it while no other bot is active', () => {
    const { inFlight } = pool(2);
    inFlight.started('a');
    inFlight.started('a');
    expect(inFlight.capped()).toEqual([]);
  });

  test('is all but one worker while another is, and at least one', () => {
    const { inFlight } = pool(3);
    for (const bot of ['b', 'a', 'a']) inFlight.started(bot);
    inFlight.ended('b');
    expect(inFlight.capped()).toEqual(['a']);
    inFlight.ended('a');
    expect(inFlight.capped()).toEqual([]);
    const { inFlight: single } = pool(1);
    single.started('a');
    single.ended('a');
    single.started('b');
    expect(single.capped()).toEqual(['b']);
  });

  test('is all but one from the start, for a minute in which others may turn out to be active', () => {
    const { clock, inFlight } = pool(2, ['a', 'b']);
    inFlight.started('a');
    expect(inFlight.capped()).toEqual(['a']);
    clock.advance(60_001);
    expect(inFlight.capped()).toEqual([]);
  });

  test('is all but one while a bot that was added may turn out to be active', () => {
    const botIds = ['a'];
    const { clock, inFlight } = pool(2, botIds);
    inFlight.started('a');
    clock.advance(600_000);
    expect(inFlight.capped()).toEqual([]);
    botIds.push('b');
    expect(inFlight.capped()).toEqual(['a']);
    clock.advance(60_001);
    expect(inFlight.capped()).toEqual([]);
  });

  test('is known to grow again when the last other bot will have had nothing for a minute', () => {
    const { clock, inFlight } = pool(2);
    const begunAt = clock.now();
    for (const bot of ['c', 'b', 'a']) inFlight.started(bot);
    inFlight.ended('c');
    expect(inFlight.capLiftsAt()).toBeNull();
    clock.advance(10_000);
    inFlight.started('b');
    for (const bot of ['b', 'b']) inFlight.ended(bot);
    expect(inFlight.capped()).toEqual(['a']);
    expect(inFlight.capLiftsAt()).toBe(begunAt + 70_001);
  });

  test('is all of it from the start where there is one bot', () => {
    const { inFlight } = pool(2, ['a']);
    inFlight.started('a');
    expect(inFlight.capped()).toEqual([]);
  });

  test('grows again when the other bot had nothing for a minute', () => {
    const { clock, inFlight } = pool(2);
    for (const bot of ['b', 'a']) inFlight.started(bot);
    inFlight.ended('b');
    clock.advance(60_000);
    expect(inFlight.capped()).toEqual(['a']);
    clock.advance(1);
    expect(inFlight.capped()).toEqual([]);
  });

  test('is not taken from a bot by itself: one long job keeps the other active', () => {
    const { clock, inFlight } = pool(2);
    for (const bot of ['b', 'a']) inFlight.started(bot);
    clock.advance(600_000);
    expect(inFlight.capped()).toEqual(['b', 'a']);
  });
});
