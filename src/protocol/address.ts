/** WhatsApp's address of a person by phone number ends with it. */
export const PHONE = '@s.whatsapp.net';
/** What it ended with once, and still does in other programs. */
const FORMER_PHONE = '@c.us';
/**
 * As people write phone numbers, country code first. A national number could be anywhere: those with a 0 are known for one,
 * and what is written in groups without a plus may be one, or no number at all.
 */
const PHONE_NUMBER = /^(?:\+[1-9](?:[\d ).-]|\((?!0))*|[1-9]\d*)$/;
/** `+49 (0)151`: who calls from abroad leaves the 0 out. */
const TRUNK_ZERO = /^(\+[1-9]\d{0,2}[ .-]*)\(0\)/;
/** E.164, as WhatsApp has it; the shortest are the small countries'. */
const PHONE_DIGITS = { least: 7, most: 15 };

/** The address that is meant by what a person, or another program, calls a chat. */
export function canonicalAddress(written: string): string {
  if (written.endsWith(FORMER_PHONE)) return written.slice(0, -FORMER_PHONE.length) + PHONE;
  const number = written.replace(TRUNK_ZERO, '$1');
  if (!PHONE_NUMBER.test(number)) return written;
  const digits = number.replaceAll(/\D/g, '');
  const isPhone = digits.length >= PHONE_DIGITS.least && digits.length <= PHONE_DIGITS.most;
  return isPhone ? digits + PHONE : written;
}
