import { PHONE } from '../protocol/address.ts';
import type { JournalDatabase } from './journal-database.ts';
import { textIn } from './journal-row.ts';

/** WhatsApp knows a person by a phone number and by a LID, which ends with this. */
const LID = '@lid';

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
