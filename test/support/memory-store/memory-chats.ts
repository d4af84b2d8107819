import type { Guid } from '../../../src/base/ids.ts';
import type { CorrespondentKey } from '../../../src/jobs/job.ts';
import { isReady, type Message, type Placeholder, type ReadyMessage } from '../../../src/queue/message.ts';
import type { CorrespondentRecord } from '../../../src/store/chat-store.ts';
import type { HistoryEntry, StoredMessage } from '../../../src/store/message-store.ts';
import { noChat, ownedByNewer } from '../../../src/store/refusals.ts';

interface FirstCopy {
  readonly id: number;
  readonly firstSeenAt: number;
}

/** A chat, for whoever checks the data from outside. */
export interface ChatContents {
  readonly key: CorrespondentKey;
  /** What is queued, by id. */
  readonly journal: ReadonlyMap<number, Message>;
  readonly history: readonly HistoryEntry[];
  readonly nextId: number;
}

/** One correspondent's documents: what a store keeps per chat. */
interface Chat extends ChatContents {
  readonly createdAt: number;
  readonly journal: Map<number, Message>;
  readonly history: HistoryEntry[];
  readonly messageIds: Map<string, FirstCopy>;
  fence: number;
  nextId: number;
  nextIngestSeq: number;
}

/** An identifier and the chat that it names. */
interface Alias {
  readonly identifier: string;
  chat: Chat;
}

/** The chats of a memory store. Every method checks before it writes, so that a throw leaves nothing behind (S1). */
export class MemoryChats {
  /** In the order in which they were made. */
  readonly #chats = new Map<string, Chat>();
  /** By bot, provider and identifier, in the order in which they were learnt. */
  readonly #aliases = new Map<string, Alias>();
  /** Above every id and ingest seq of a forgotten chat, which a new one may be once more. */
  #firstId = 1;
  #firstIngestSeq = 1;

  /** S2: the chat, with `fence` written on it. Throws `fenced` or `not_found`. */
  owned(key: CorrespondentKey, fence: number): Chat {
    const chat = this.#chats.get(nameOf(key));
    if (chat === undefined) throw noChat(key);
    if (chat.fence > fence) throw ownedByNewer(key, chat.fence, fence);
    chat.fence = fence;
    return chat;
  }

  has(key: CorrespondentKey): boolean {
    return this.#chats.has(nameOf(key));
  }

  resolve(
    botId: string,
    providerName: string,
    identifiers: readonly [string, ...string[]],
    owner: { readonly fence: number; readonly now: number },
  ): CorrespondentRecord {
    const keyOf = (correspondentId: string): CorrespondentKey => ({ botId, providerName, correspondentId });
    const named = new Set(
      identifiers.map((identifier) => this.#aliases.get(nameOf(keyOf(identifier)))?.chat),
    );
    const [oldest, ...younger] = [...this.#chats.values()].filter((chat) => named.has(chat));
    for (const chat of [oldest, ...younger]) if (chat !== undefined) this.owned(chat.key, owner.fence);
    const chat = oldest ?? this.#make(keyOf(identifiers[0]), owner);
    for (const alias of this.#aliases.values()) if (younger.includes(alias.chat)) alias.chat = chat;
    for (const { messageIds } of younger) {
      for (const [name, copy] of messageIds) if (!chat.messageIds.has(name)) chat.messageIds.set(name, copy);
      messageIds.clear();
    }
    for (const identifier of identifiers) this.#aliases.set(nameOf(keyOf(identifier)), { identifier, chat });
    return this.#record(chat);
  }

  records(botId: string): CorrespondentRecord[] {
    return this.#ofBot(botId).map((chat) => this.#record(chat));
  }

  withJournal(botId: string): CorrespondentKey[] {
    return this.#ofBot(botId)
      .filter(({ journal }) => journal.size > 0)
      .map(({ key }) => key);
  }

  /** What is queued, by id, with no owner asked: for whoever checks the data from outside. */
  journal(key: CorrespondentKey): ReadonlyMap<number, Message> {
    return this.#chats.get(nameOf(key))?.journal ?? new Map<number, Message>();
  }

  /** Every chat as it is, with no owner asked and nothing copied. */
  all(): Iterable<ChatContents> {
    return this.#chats.values();
  }

  history(key: CorrespondentKey): readonly HistoryEntry[] {
    return this.#chats.get(nameOf(key))?.history ?? [];
  }

  find(key: CorrespondentKey, id: number): StoredMessage | null {
    const chat = this.#chats.get(nameOf(key));
    const queued = chat?.journal.get(id);
    if (queued !== undefined) return { message: queued, ingestedAt: null };
    const entry = chat?.history.find(({ message }) => message.id === id);
    return entry === undefined ? null : { message: entry.message, ingestedAt: entry.ingestedAt };
  }

  /** The id of the first copy when `message` was seen before, otherwise null. */
  firstIdOf(chat: Chat, message: Message): number | null {
    const name = duplicateName(message);
    return name === null ? null : (this.#messageIdsOf(chat).get(name)?.id ?? null);
  }

  append(chat: Chat, message: Message): void {
    const name = duplicateName(message);
    if (name !== null) {
      this.#messageIdsOf(chat).set(name, { id: message.id, firstSeenAt: message.acceptedTime });
    }
    this.enqueue(chat, message);
  }

  /** `append`, of a message that no copy can come of. */
  enqueue(chat: Chat, message: Message): void {
    chat.nextId = message.id + 1;
    chat.journal.set(message.id, message);
  }

  /** False when its id or GUID is in the journal, or its id in the history. */
  reinstate(chat: Chat, placeholder: Placeholder): boolean {
    const { id, mediaProcessingId: guid } = placeholder;
    const isQueued = [...chat.journal.values()].some(
      (message) => message.id === id || message.mediaProcessingId === guid,
    );
    if (isQueued || chat.history.some(({ message }) => message.id === id)) return false;
    chat.journal.set(id, placeholder);
    chat.nextId = Math.max(chat.nextId, id + 1);
    return true;
  }

  /** Takes a journal entry away, as a damaged store would. */
  lose(key: CorrespondentKey, id: number): void {
    this.#chats.get(nameOf(key))?.journal.delete(id);
  }

  /** False when no placeholder with this GUID is at the message's place. */
  fulfil(chat: Chat, guid: Guid, message: ReadyMessage): boolean {
    if (chat.journal.get(message.id)?.mediaProcessingId !== guid) return false;
    chat.journal.set(message.id, message);
    return true;
  }

  deleteReady(chat: Chat, ids: readonly number[]): void {
    for (const id of ids) {
      const message = chat.journal.get(id);
      if (message !== undefined && isReady(message)) chat.journal.delete(id);
    }
  }

  /** Returns how many went into the history. */
  ingest(chat: Chat, ids: readonly number[], ingestedAt: number): number {
    const before = chat.nextIngestSeq;
    for (const id of ids) {
      const message = chat.journal.get(id);
      if (message === undefined || !isReady(message)) continue;
      chat.journal.delete(id);
      chat.history.push({ ingestSeq: chat.nextIngestSeq, ingestedAt, message });
      chat.nextIngestSeq += 1;
    }
    return chat.nextIngestSeq - before;
  }

  pruneHistory(botId: string, before: number): number {
    let pruned = 0;
    for (const { history } of this.#ofBot(botId)) {
      const firstToStay = history.findIndex(({ ingestedAt }) => ingestedAt >= before);
      pruned += history.splice(0, firstToStay < 0 ? history.length : firstToStay).length;
    }
    return pruned;
  }

  /** The chats that were merged into the one that `identifier` names, then that one; of every provider. */
  named(botId: string, identifier: string): CorrespondentRecord[] {
    const named = this.#ofBot(botId).filter(
      ({ key }) => this.#aliases.get(nameOf({ ...key, correspondentId: identifier }))?.chat.key === key,
    );
    return named.flatMap((chat) => {
      const merged = this.#ofBot(botId).filter(
        ({ key }) => key !== chat.key && this.#aliases.get(nameOf(key))?.chat === chat,
      );
      return [...merged, chat].map((each) => this.#record(each));
    });
  }

  /** Takes everything of a chat away; returns how many messages it had. */
  forget(chat: Chat): number {
    this.#firstId = Math.max(this.#firstId, chat.nextId);
    this.#firstIngestSeq = Math.max(this.#firstIngestSeq, chat.nextIngestSeq);
    for (const [name, alias] of this.#aliases) if (alias.chat === chat) this.#aliases.delete(name);
    this.#chats.delete(nameOf(chat.key));
    return chat.journal.size + chat.history.length;
  }

  forgetMessageIds(before: number): number {
    let forgotten = 0;
    for (const { messageIds } of this.#chats.values()) {
      for (const [name, { firstSeenAt }] of messageIds) {
        if (firstSeenAt < before && messageIds.delete(name)) forgotten += 1;
      }
    }
    return forgotten;
  }

  #make(key: CorrespondentKey, { fence, now }: { readonly fence: number; readonly now: number }): Chat {
    const chat: Chat = {
      key,
      createdAt: now,
      journal: new Map(),
      history: [],
      messageIds: new Map(),
      fence,
      nextId: this.#firstId,
      nextIngestSeq: this.#firstIngestSeq,
    };
    this.#chats.set(nameOf(key), chat);
    return chat;
  }

  /** The duplicate keys of the chat that this one's id names: of a drained chat, the older one. */
  #messageIdsOf({ key, messageIds }: Chat): Map<string, FirstCopy> {
    return this.#aliases.get(nameOf(key))?.chat.messageIds ?? messageIds;
  }

  #ofBot(botId: string): Chat[] {
    return [...this.#chats.values()].filter(({ key }) => key.botId === botId);
  }

  #record(chat: Chat): CorrespondentRecord {
    const { key, nextId, nextIngestSeq, createdAt } = chat;
    const aliases = [...this.#aliases.values()].filter((alias) => alias.chat === chat);
    return {
      ...key,
      aliases: [...new Set([key.correspondentId, ...aliases.map(({ identifier }) => identifier)])],
      nextId,
      nextIngestSeq,
      createdAt,
    };
  }
}

/** JSON, so that no identifier can be mistaken for two parts. */
const nameOf = ({ botId, providerName, correspondentId }: CorrespondentKey): string =>
  JSON.stringify([botId, providerName, correspondentId]);

const duplicateName = ({ providerMessageId, sender, direction }: Message): string | null =>
  providerMessageId === null ? null : JSON.stringify([sender.identifier, direction, providerMessageId]);
