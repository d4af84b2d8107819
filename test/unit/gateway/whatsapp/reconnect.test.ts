import { describe, expect, test } from 'vitest';
import { CONSEQUENCES, delayBefore, disconnectOf } from '../../../../src/gateway/whatsapp/reconnect.ts';

const boom = (statusCode: number, message = 'Stream Errored') =>
  Object.assign(new Error(message), { output: { statusCode } });

describe('disconnectOf', () => {
  test.each([
    [515, 'restart_required', 'at-once'],
    [428, 'lost', 'back-off'],
    [408, 'lost', 'back-off'],
    [500, 'lost', 'back-off'],
    [503, 'lost', 'back-off'],
    [599, 'lost', 'back-off'],
    [440, 'replaced', 'wait'],
    [401, 'logged_out', 'forget'],
    [403, 'refused', 'alert'],
    [405, 'outdated', 'alert'],
    [411, 'mismatched', 'alert'],
  ] as const)('%i is %s, answered by %s', (status, disconnect, reaction) => {
    expect(disconnectOf(boom(status))).toBe(disconnect);
    expect(CONSEQUENCES[disconnect].reaction).toBe(reaction);
  });

  test('a QR code that nobody scanned is followed by another, ever more slowly', () => {
    const disconnect = disconnectOf(boom(408, 'QR refs attempts ended'));
    expect(disconnect).toBe('nobody_scanned');
    expect(CONSEQUENCES[disconnect].reaction).toBe('back-off');
  });

  test('B3: a proxy that answers 401 is not WhatsApp: the credentials stay', () => {
    const disconnect = disconnectOf(boom(401, 'WebSocket Error (Unexpected server response: 401)'));
    expect(disconnect).toBe('unreachable');
    expect(CONSEQUENCES[disconnect].reaction).toBe('back-off');
  });

  test.each([[undefined], [null], [new Error('anything')]])(
    'an end without a reason, %s, is a lost connection',
    (error) => {
      expect(disconnectOf(error)).toBe('lost');
    },
  );
});

describe('delayBefore', () => {
  const FIVE_MINUTES_MS = 300_000;

  test('back-off doubles from a second to five minutes, half of it jitter', () => {
    const longest = Array.from({ length: 12 }, (_, index) => delayBefore('back-off', index + 1, 1));
    expect(longest.slice(0, 4)).toEqual([1_000, 2_000, 4_000, 8_000]);
    expect(longest.at(-1)).toBe(FIVE_MINUTES_MS);
    expect(delayBefore('back-off', 12, 0)).toBe(FIVE_MINUTES_MS / 2);
  });

  test('a restart that WhatsApp asked for is immediate, until it asks for too many', () => {
    expect([1, 2, 3].map((failures) => delayBefore('at-once', failures, 1))).toEqual([0, 0, 0]);
    expect(delayBefore('at-once', 4, 1)).toBe(8_000);
  });

  test('no number of failures makes a delay that is none', () => {
    expect(delayBefore('back-off', 5_000, 1)).toBe(FIVE_MINUTES_MS);
  });
});
