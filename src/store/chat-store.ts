import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';

/** Which chats there are, and who names them. */
export interface ChatStore {
  /**
   * Finds the chat that any of `identifiers` names, or makes one whose `correspondentId` is the first of them.
   * Identifiers not seen before become aliases. Where two chats match, the older one is returned and takes the
   * aliases and the duplicate keys; the other keeps its own id alone and drains.
   */
  resolveCorrespondent(
    botId: string,
    providerName: string,
    identifiers: readonly [string, ...string[]],
  ): Promise<CorrespondentRecord>;
  /** The chats that were merged into the one that an identifier names, then that one; of every provider. */
  chatsNamed(botId: string, identifier: string): Promise<readonly CorrespondentRecord[]>;
  /** The bot's chats in the order in which they were made; all of them, or those of one page. */
  correspondents(botId: string, page?: ChatsPage): Promise<readonly CorrespondentRecord[]>;
  /** The bot's chats whose journal is not empty. */
  chatsWithJournal(botId: string): Promise<readonly CorrespondentKey[]>;
  /**
   * Deletes all of a chat: history, journal, jobs in every collection, duplicate keys, aliases, its own record; those that
   * were merged into it go first. Whoever writes again gets a new chat, whose ids and ingest seqs go on above those of
   * every forgotten one. Null: no such chat.
   */
  forgetChat(key: CorrespondentKey): Promise<ForgottenChat | null>;
}

export interface CorrespondentRecord extends CorrespondentKey {
  /** Every identifier of the chat, `correspondentId` included. */
  readonly aliases: readonly string[];
  readonly nextId: number;
  readonly nextIngestSeq: number;
  readonly createdAt: number;
}

/** `limit`: at least 1. */
export interface ChatsPage {
  readonly offset: number;
  readonly limit: number;
}

/** What a forgotten chat leaves to be seen to: the files of its jobs. */
export interface ForgottenChat {
  /** Of journal and history. */
  readonly messages: number;
  readonly media: readonly { readonly guid: Guid; readonly gatewayId: string }[];
}
