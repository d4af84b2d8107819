import { jidDecode } from '@whiskeysockets/baileys';
import { DragomanError } from '../../base/errors.ts';

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
 * Looks at it before Baileys does, which falls over what is no address, or sends what goes nowhere.
 * @throws `send_failed`
 */
export function assertRecipient(to: string): void {
  const { user = '', server = '' } = jidDecode(to) ?? {};
  if (user !== '' && SERVERS.has(server)) return;
  throw new DragomanError(
    'send_failed',
    `${to} is no address of WhatsApp: expected one such as 4915112345678@s.whatsapp.net`,
  );
}
