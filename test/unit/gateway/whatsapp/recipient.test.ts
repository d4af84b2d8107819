import { expect, test } from 'vitest';
import { refusedRecipient } from '../../../../src/gateway/whatsapp/recipient.ts';

test.each(['4915112345678@s.whatsapp.net', '17104180715194@lid', '120363041234567890@g.us'])(
  '%s can be written to',
  (to) => expect(refusedRecipient(to)).toBeNull(),
);

test.each(['', 'ana', '4915112345678', '@s.whatsapp.net', 'ana@example.com', '__proto__'])(
  'to %j nothing is sent, and it is said what was expected',
  (to) =>
    expect(refusedRecipient(to)).toEqual({
      kind: 'refused',
      reason: expect.stringContaining('expected one such as'),
    }),
);
