import { DragomanError } from '../../base/errors.ts';

/** As many names as are read at a glance. */
const SHOWN = 20;

/** @throws `unknown_bot` */
export function assertKnownBot(bots: ReadonlyMap<string, unknown>, botId: string): void {
  if (!bots.has(botId)) throw unknownBot(botId, bots.keys());
}

export const unknownBot = (botId: string, known: Iterable<string>): DragomanError =>
  new DragomanError('unknown_bot', `there is no bot ${botId}: ${expected(known, 'dragoman bots list')}`);

export const unknownPool = (pool: string, known: Iterable<string>): DragomanError =>
  new DragomanError('request_invalid', `there is no pool ${pool}: ${expected(known, 'dragoman pools')}`);

export const unknownGateway = (gatewayId: string, known: Iterable<string>): DragomanError =>
  new DragomanError('not_found', `there is no gateway ${gatewayId}: ${expected(known)}`);

export const noSuchChat = (botId: string): DragomanError =>
  new DragomanError(
    'not_found',
    `bot ${botId} has no such chat: expected a phone number or another identifier of one of its chats, see dragoman chats list ${botId}`,
  );

/** `command`: what tells them all. */
function expected(known: Iterable<string>, command?: string): string {
  const names = [...known];
  if (names.length === 0) return 'there is none yet';
  if (names.length === 1) return `expected ${names[0]}`;
  const rest = `${names.length - SHOWN} more${command === undefined ? '' : `: see ${command}`}`;
  const more = names.length > SHOWN ? ` and ${rest}` : '';
  return `expected one of ${names.slice(0, SHOWN).join(', ')}${more}`;
}
