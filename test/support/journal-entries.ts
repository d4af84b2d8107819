import type { UndecryptableMessage } from '../../src/gateway/session.ts';
import { encryptMedia } from './encrypted-media.ts';
import type { openJournal } from './open-journal.ts';
import { NO_AUTH, received } from './received-messages.ts';

/** What a gateway's journal is given in tests. */

export const { reference } = encryptMedia(Buffer.from('a picture'), { fileName: 'cat.jpg' });
export const STAGED = { kind: 'staged', bytes: 9, sha256: 'a'.repeat(64) } as const;

export const undecryptable = (id: string): UndecryptableMessage => {
  const { key, wire } = received(id);
  return { key, wire: { ...wire, message: '[Message could not be decrypted]' } };
};

export const fromMe = (id: string) => received(id, { key: { ...received(id).key, fromMe: true } });

export const request = (id: string) =>
  ({ v: 1, type: 'send', request_id: id, bot_id: 'bot', to: 'ana@lid', text: 'hello' }) as const;

/** The GUID of the only pending medium. */
export async function announceMedium(
  journal: Awaited<ReturnType<typeof openJournal>>,
  id = 'm',
): Promise<string> {
  await journal.sessions.commit('bot', NO_AUTH, [received(id, { media: reference })]);
  const guid = journal.media.pendingAfter('bot', 0).at(-1)?.guid;
  if (guid === undefined) throw new Error('expected a pending medium');
  return guid;
}
