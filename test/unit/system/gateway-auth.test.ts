import { describe, expect, test } from 'vitest';
import { authenticate } from '../../../src/system/links/gateway-auth.ts';

const one = { gatewayId: 'one', token: 'token-of-one' };
const two = { gatewayId: 'two', token: 'token-of-two' };

describe('a gateway’s token', () => {
  test('tells which gateway it is', () => {
    expect(authenticate([one, two], 'Bearer token-of-two')).toBe(two);
    expect(authenticate([one, two], 'Bearer token-of-one')).toBe(one);
  });

  test.for([
    undefined,
    '',
    'token-of-one',
    'Bearer ',
    'Bearer token-of-on',
    'Bearer token-of-onee',
    'Basic token-of-one',
    'Bearer token-of-one ',
  ])('is refused as %j', (header) => {
    expect(authenticate([one, two], header)).toBeNull();
  });

  test('opens nothing when no gateway is known', () => {
    expect(authenticate([], 'Bearer ')).toBeNull();
  });
});
