import { describe, expect, test } from 'vitest';
import { closestTo } from '../../../src/base/closest.ts';

describe('the name that was meant', () => {
  const names = ['bots', 'pools', 'gateway', 'gateways', 'maxMessages'];

  test.for([
    ['bot', 'bots'],
    ['Bots', 'bots'],
    ['botz', 'bots'],
    ['bost', 'bots'],
    ['gatway', 'gateway'],
    ['maxMesages', 'maxMessages'],
    ['max_messages', 'maxMessages'],
  ] as const)('of %s is %s', ([written, meant]) => {
    expect(closestTo(written, names)).toBe(meant);
  });

  test('is none where nothing is near', () => {
    expect(closestTo('webhook', names)).toBeNull();
    expect(closestTo('x', names)).toBeNull();
  });
});
