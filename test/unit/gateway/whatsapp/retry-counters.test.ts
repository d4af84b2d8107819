import { MessageRetryManager } from '@whiskeysockets/baileys';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/base/log.ts';
import { baileysLogger } from '../../../../src/gateway/whatsapp/baileys-log.ts';
import { RecentMap } from '../../../../src/base/recent-map.ts';
import { tameRetryManager } from '../../../../src/gateway/whatsapp/retry-counters.ts';

const MAX_RETRIES = 5;
const newManager = () => new MessageRetryManager(baileysLogger(silentLogger), MAX_RETRIES);

test('a connection goes on counting where the one before ended', () => {
  const counters = new RecentMap<string, unknown>(10);
  for (let connection = 1; connection <= MAX_RETRIES; connection += 1) {
    const manager = newManager();
    tameRetryManager(manager, counters);
    expect(manager.hasExceededMaxRetries('poison')).toBe(false);
    expect(manager.incrementRetryCount('poison')).toBe(connection);
    manager.clear();
  }
  const last = newManager();
  tameRetryManager(last, counters);
  expect(last.hasExceededMaxRetries('poison')).toBe(true);
});

test('no message is kept', () => {
  const manager = newManager();
  tameRetryManager(manager, new RecentMap(10));
  manager.addRecentMessage('anybody', 'id', { conversation: 'hello' });
  expect(manager.getRecentMessage('anybody', 'id')).toBeUndefined();
});

test('a manager that counts otherwise is a bug', () => {
  expect(() => tameRetryManager(null, new RecentMap(10))).toThrow('retryCounters');
});
