import type { JournalDatabase } from './journal-database.ts';
import { textIn } from './journal-row.ts';

/** WhatsApp knows a person by a phone number and by a LID: what both end with. */
const PHONE = '@s.whatsapp.net';
const LID = '@lid';
/** What phone numbers ended with once, and still do in other programs. */
const FORMER_PHONE = '@c.us';

/** The address as everything but a request to send has it. */
export const canonicalAddress = (address: string): string =>
  address.endsWith(FORMER_PHONE) ? address.slice(0, -FORMER_PHONE.length) + PHONE : address;

/** The other address of a person, LID or phone number, as far as the bot's session has learnt it. */
export function otherAddress(db: JournalDatabase, botId: string, address: string): string | null {
  const [user = ''] = address.split('@');
  // As Baileys names what it learns; see `AuthState`.
  const [key, suffix] = address.endsWith(LID)
    ? [`lid-mapping:${user}_reverse`, PHONE]
    : [`lid-mapping:${user}`, LID];
  if (address !== user + (suffix === PHONE ? LID : PHONE)) return null;
  const row = db.get('SELECT value FROM auth WHERE bot_id = ? AND key = ?', botId, key);
  const other: unknown = row === undefined ? null : JSON.parse(textIn(row, 'value'));
  return typeof other === 'string' ? other + suffix : null;
}
