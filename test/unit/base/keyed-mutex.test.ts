import { expect, test } from 'vitest';
import { KeyedMutex } from '../../../src/base/keyed-mutex.ts';

test('work under one key goes one after another in its order, whatever fails; under another it waits for none', async () => {
  const mutex = new KeyedMutex();
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const first = mutex.runExclusive('a', async () => {
    await gate.promise;
    done.push('a1');
    throw new Error('a1 fails');
  });
  const second = mutex.runExclusive('a', async () => done.push('a2'));
  const third = mutex.runExclusive('a', async () => done.push('a3'));
  await mutex.runExclusive('b', async () => done.push('b'));
  gate.resolve();
  await expect(first).rejects.toThrow('a1 fails');
  await Promise.all([second, third]);
  expect(done).toEqual(['b', 'a1', 'a2', 'a3']);
});
