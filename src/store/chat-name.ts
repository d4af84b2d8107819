import { createHash } from 'node:crypto';
import type { CorrespondentKey } from '../jobs/job.ts';

/**
 * What a chat is called in log lines, errors and actor paths: a digest, for those are read by people whom a
 * correspondent's phone number does not concern. 64 bits, so that no two chats of a store share one.
 */
export const chatName = ({ botId, providerName, correspondentId }: CorrespondentKey): string =>
  createHash('sha256').update(`${botId}\0${providerName}\0${correspondentId}`).digest('hex').slice(0, 16);

/** `chatName` that makes each name once: an actor names its chat by one object all its life. */
export function rememberChatNames(): (chat: CorrespondentKey) => string {
  const names = new WeakMap<CorrespondentKey, string>();
  return (chat) => {
    const name = names.get(chat) ?? chatName(chat);
    names.set(chat, name);
    return name;
  };
}
