import { jidDecode, jidEncode } from '@whiskeysockets/baileys';

/**
 * Both names that WhatsApp has for one account: the phone number, and the LID, which tells nothing about it.
 * `pn` and `lid` are JIDs without a device.
 */
export interface Identity {
  readonly phone: string;
  readonly pn: string;
  readonly lid: string;
}

/** Which of the two names a person is addressed by. */
export type AddressingMode = 'pn' | 'lid';

/** The account of a phone number: digits, with the country code and without a plus. */
export function identityOf(phone: string): Identity {
  return { phone, pn: jidEncode(phone, 's.whatsapp.net'), lid: jidEncode(lidUserOf(phone), 'lid') };
}

/** The JID of one linked device (1, 2, …) under either name; device 0 is the phone itself. */
export const deviceJid = (accountJid: string, device: number): string => {
  const { user, server } = decodeJid(accountJid);
  return device === 0 ? jidEncode(user, server) : jidEncode(user, server, device);
};

/** User part and device number of a JID; device 0 when none is named. */
export function decodeJid(jid: string) {
  const decoded = jidDecode(jid);
  if (!decoded) throw new TypeError(`expected a JID, got ${JSON.stringify(jid)}`);
  return { user: decoded.user, server: decoded.server, device: decoded.device ?? 0 };
}

/** Distinct for distinct numbers, and never contains the number. */
const lidUserOf = (phone: string): string => `1${phone.split('').toReversed().join('')}`;
