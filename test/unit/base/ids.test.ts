import { describe, expect, test } from 'vitest';
import { isBotId, isGuid, newGuid } from '../../../src/base/ids.ts';

describe('ids', () => {
  test('a new GUID is one, and each is another', () => {
    const guids = Array.from({ length: 100 }, newGuid);
    expect(guids.every(isGuid)).toBe(true);
    expect(new Set(guids).size).toBe(100);
  });

  test.for([
    '',
    '..',
    '../../etc/passwd',
    'A8098C1A-F86E-41DA-9D9B-1E5C0E6F0E2A',
    'a8098c1a-f86e-41da-9d9b-1e5c0e6f0e2a\n',
    'a8098c1a-f86e-41da-9d9b-1e5c0e6f0e2a.part',
    'a8098c1af86e41da9d9b1e5c0e6f0e2a',
  ])('%j is no GUID', (text) => {
    expect(isGuid(text)).toBe(false);
  });

  test('a bot id is 1 to 64 lower-case letters, digits and dashes, no dash first', () => {
    for (const id of ['a', '7', 'a-b-1', 'x'.repeat(64)]) expect(isBotId(id)).toBe(true);
    for (const id of ['', '-a', 'A', 'a_b', 'a/b', 'a\n', 'x'.repeat(65)]) expect(isBotId(id)).toBe(false);
  });
});
