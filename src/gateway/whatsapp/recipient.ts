import { jidDecode } from '@whiskeysockets/baileys';
import type { Undelivered } from '../session.ts';

/** People by either address, groups, and what else WhatsApp has that can be written to. */
const SERVERS: ReadonlySet<string> = new Set([
  's.whatsapp.net',
  'lid',
  'g.us',
  'hosted',
  'hosted.lid',
  'newsletter',
  'broadcast',
]);

/**
 * Looks at it before Baileys does, which falls over what is no address, or sends what goes nowhere. Null: it can be
 * written to.
 */
export function refusedRecipient(to: string): Undelivered | null {
  const { user = '', server = '' } = jidDecode(to) ?? {};
  if (user !== '' && SERVERS.has(server)) return null;
  const expected = 'expected one such as 4915112345678@s.whatsapp.net';
  return { kind: 'refused', reason: `${to} is no address of WhatsApp: ${expected}` };
}
