import type { SendRequest, SendResult } from './outbox.ts';
import type {
  BotView,
  ChatView,
  HistoryView,
  JobView,
  JourneyView,
  MessageView,
  PoolView,
  StagingView,
} from './administration/views.ts';

/**
 * What an operator may see and do of a running backend: the one thing that HTTP, page and command line stand on.
 * Whatever is asked of something that is not there rejects with `unknown_bot` or `not_found`; when the store is away,
 * with `store_unavailable`.
 */
export interface Administration {
  readonly bots: BotsAdministration;
  readonly chats: ChatsAdministration;
  readonly jobs: JobsAdministration;
  readonly pools: PoolsAdministration;
  /** Never rejects: what went wrong is in the result. */
  send(request: SendRequest): Promise<SendResult>;
}

export interface BotsAdministration {
  list(): Promise<readonly BotView[]>;
}

/** A chat by any of its identifiers. */
export interface ChatAddress {
  readonly botId: string;
  readonly identifier: string;
}

export interface ChatsAdministration {
  /** In the order in which they were made. */
  list(botId: string, page: Page): Promise<PageOf<ChatView>>;
  show(chat: ChatAddress): Promise<ChatView>;
  /** One message by its place, and the way it has come. */
  message(chat: ChatAddress, id: number): Promise<JourneyView>;
  /** What is not in the history yet, in the order of places. */
  queue(chat: ChatAddress): Promise<readonly MessageView[]>;
  /** From the newest back: entries with an `ingestSeq` below `before`. */
  history(
    chat: ChatAddress,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly HistoryView[]>;
}

export interface JobsAdministration {
  /** In arrival order. */
  list(filter: JobFilter, page: Page): Promise<PageOf<JobView>>;
  show(guid: string): Promise<JobView>;
}

export interface JobFilter {
  readonly botId?: string | undefined;
  readonly collection: JobView['collection'];
}

export interface PoolsAdministration {
  list(): Promise<readonly PoolView[]>;
  /** What lies in the staging folder. */
  staging(): Promise<StagingView>;
}

/** `after`: the `next` of the page before. */
export interface Page {
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface PageOf<Item> {
  readonly items: readonly Item[];
  /** Null: this is the last page. */
  readonly next: string | null;
}
