import { canonicalAddress } from '../protocol/address.ts';
import type { ChatStore, CorrespondentRecord } from '../store/chat-store.ts';

export interface ChatsMeant {
  /** What they are called by. */
  readonly identifier: string;
  /** As `ChatStore.chatsNamed` has them. */
  readonly chats: readonly CorrespondentRecord[];
}

/**
 * The chats that a person, or another program, means by what is written. A gateway may call its chats anything, digits
 * alone as well: only what is the name of none is taken for the phone number that it looks like.
 */
export async function chatsMeantBy(
  store: Pick<ChatStore, 'chatsNamed'>,
  botId: string,
  written: string,
): Promise<ChatsMeant> {
  const chats = await store.chatsNamed(botId, written);
  const address = canonicalAddress(written);
  if (chats.length > 0 || address === written) return { identifier: written, chats };
  return { identifier: address, chats: await store.chatsNamed(botId, address) };
}
