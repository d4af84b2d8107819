import { describe, expect, test } from 'vitest';
import { canonicalAddress } from '../../../src/protocol/address.ts';

describe('a chat is named', () => {
  test.for([
    '4915112345678',
    '+49 151 12345678',
    '+49 (151) 1234-5678',
    '+49 (0)151 12345678',
    '+49(0)15112345678',
    '4915112345678@c.us',
  ])('by a phone number as people and other programs write it: %s', (written) => {
    expect(canonicalAddress(written)).toBe('4915112345678@s.whatsapp.net');
  });

  test.for([
    '4915112345678@s.whatsapp.net',
    '123456789012345@lid',
    '120363041234567890@g.us',
    '120363041234567890',
    '0151 12345678',
    '+49 (0151) 12345678',
    '+49 (151) (0)2345678',
    '49 (0)151 12345678',
    '415 555 2671',
    '20 11 2026',
    '20.11.2026',
    '12345',
    'Ana',
    '',
  ])('by nothing else than what it says: %s', (written) => {
    expect(canonicalAddress(written)).toBe(written);
  });
});
