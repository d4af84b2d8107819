import { expect, test } from 'vitest';
import { AuthState } from '../../../../src/gateway/whatsapp/auth-state.ts';
import { SendingRatchet } from '../../../../src/gateway/whatsapp/sending-ratchet.ts';
import { MemorySessionStorage } from '../../../support/memory-session-storage.ts';

test('E3: a device is one under either of its addresses, and each device is one of its own', async () => {
  const { keys } = new AuthState('bot', new MemorySessionStorage(), () => {});
  await keys.set({ 'lid-mapping': { '4915120000002': '777' } });
  const ratchet = new SendingRatchet(keys);
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const done: string[] = [];
  const first = ratchet.alone('4915120000002:2@s.whatsapp.net', async () => {
    begun.resolve();
    await gate.promise;
    done.push('first');
  });
  await begun.promise;
  const second = ratchet.alone('777:2@lid', async () => done.push('second'));
  await ratchet.alone('777:3@lid', async () => done.push('another device'));
  await ratchet.alone('4915120000003:2@s.whatsapp.net', async () => done.push('another person'));
  gate.resolve();
  await Promise.all([first, second]);
  expect(done).toEqual(['another device', 'another person', 'first', 'second']);
});
