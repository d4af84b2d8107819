import { expect, test } from 'vitest';
import type { Account } from '../../../../src/gateway/whatsapp/identity.ts';
import { UNDECRYPTABLE_TEXT, withoutContent } from '../../../../src/gateway/whatsapp/missing-content.ts';

const OWN = '4915110000001@s.whatsapp.net';
const ACCOUNT: Account = { jids: [OWN], policy: { groups: 'all' } };
const FROM_OWNER = { from: OWN, id: '3A01', t: '1700000000' };

test('what the owner writes to themselves is missed, what their devices tell each other is not', () => {
  expect(withoutContent(FROM_OWNER, UNDECRYPTABLE_TEXT, ACCOUNT)).toMatchObject({
    key: { remoteJid: OWN, fromMe: true },
    wire: { message: UNDECRYPTABLE_TEXT },
  });
  expect(withoutContent({ ...FROM_OWNER, category: 'peer' }, UNDECRYPTABLE_TEXT, ACCOUNT)).toBeNull();
});
