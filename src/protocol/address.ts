/** WhatsApp's address of a person by phone number ends with it. */
export const PHONE = '@s.whatsapp.net';
/** What it ended with once, and still does in other programs. */
const FORMER_PHONE = '@c.us';
/** As people write phone numbers, country code first: a national number has its 0 there, and could be anywhere. */
const PHONE_NUMBER = /^\+?[1-9][\d ().-]*$/;
/** E.164, as WhatsApp has it; the shortest are the small countries'. */
const PHONE_DIGITS = { least: 7, most: 15 };

/** The address that is meant by what a person, or another program, calls a chat. */
export function canonicalAddress(written: string): string {
  if (written.endsWith(FORMER_PHONE)) return written.slice(0, -FORMER_PHONE.length) + PHONE;
  if (!PHONE_NUMBER.test(written)) return written;
  const digits = written.replaceAll(/\D/g, '');
  const isPhone = digits.length >= PHONE_DIGITS.least && digits.length <= PHONE_DIGITS.most;
  return isPhone ? digits + PHONE : written;
}
