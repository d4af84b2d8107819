import type { SendRequest, SendResult } from './outbox.ts';
import type {
  ActorKindView,
  ActorView,
  BotView,
  ChatView,
  DeadLetterView,
  GatewayView,
  HistoryView,
  JanitorView,
  JobView,
  JourneyView,
  MessageView,
  PoolLoadView,
  PoolView,
  ResentLetterView,
  RetriedJobView,
  StagingView,
} from './administration/views.ts';

/**
 * What an operator may see and do of a running backend: the one thing that HTTP, page and command line stand on.
 * Whatever is asked of something that is not there rejects with `unknown_bot` or `not_found`; when the store is away,
 * with `store_unavailable`.
 */
export interface Administration {
  readonly actors: ActorsAdministration;
  readonly bots: BotsAdministration;
  readonly chats: ChatsAdministration;
  readonly gateways: GatewaysAdministration;
  readonly janitor: JanitorAdministration;
  readonly jobs: JobsAdministration;
  readonly pools: PoolsAdministration;
  /**
   * Has a text sent; its place in the chat's history is that of an outgoing message from the bot. Never rejects: what went
   * wrong is in the result. A request that is repeated with its `requestId` is not sent twice.
   */
  send(request: SendRequest): Promise<SendResult>;
}

/** Both walk the whole tree: a few milliseconds for ten thousand chats, so not many times a second. */
export interface ActorsAdministration {
  /** The live tree, parents before children; of siblings of one kind at most `maxSiblings`, those with the most to do. */
  show(maxSiblings: number): Promise<readonly ActorView[]>;
  /** Sums over all actors of a kind. */
  kinds(): Promise<readonly ActorKindView[]>;
}

export interface BotsAdministration {
  list(): Promise<readonly BotView[]>;
  /** Starts a bot that was stopped; of one that gave up, tries it again. */
  start(botId: string): Promise<void>;
  /** It stays stopped over restarts. What it received is finished. */
  stop(botId: string): Promise<void>;
  /**
   * Has a bot ask for its account to be linked: by a code for the phone of this number (digits only), or, with null, by
   * a QR code. Either is in the bot's view then. Rejects with `config_invalid` when that is no phone number.
   */
  pair(botId: string, phone: string | null): Promise<'asked' | 'linked already'>;
  /** `settings`: as under `bots` in a configuration. Rejects with `config_invalid` when they do not hold. */
  add(settings: unknown): Promise<'added' | 'there already'>;
  /** Only a bot that was added: a configured one is removed from the configuration. Its history stays. */
  remove(botId: string): Promise<'removed' | 'configured'>;
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
  /** From the newest back, those with an `ingestSeq` below `before`; or, given `after`, onwards from the first above it. */
  history(chat: ChatAddress, page: HistoryPage): Promise<readonly HistoryView[]>;
  /**
   * Deletes everything of a chat, and of those merged into it: queue, history, identifiers, duplicate keys, jobs, files.
   * Whoever writes again gets a new chat; its numbers go on above the old ones.
   */
  forget(chat: ChatAddress): Promise<ForgottenView>;
}

/** At most one of `before` and `after` is given. */
export interface HistoryPage {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
}

/** What went with a chat. */
export interface ForgottenView {
  /** Of its queue and its history. */
  readonly messages: number;
  /** Jobs, failed ones included, with their files. */
  readonly jobs: number;
}

/** Rejects with `link_closed` when the gateway is not connected, with `deadline_exceeded` when it does not answer. */
export interface GatewaysAdministration {
  list(): Promise<readonly GatewayView[]>;
  /** What the backend refused for good and a gateway keeps, oldest first. */
  deadLetters(gatewayId: string, page: Page): Promise<PageOf<DeadLetterView>>;
  /**
   * Has a dead letter sent once more, behind everything that waits. Rejects with `frame_invalid` when it can never be
   * sent.
   */
  resend(gatewayId: string, seq: number): Promise<ResentLetterView>;
}

export interface JanitorAdministration {
  /** What the janitor would do now. Changes nothing. */
  plan(): Promise<JanitorView>;
}

export interface JobsAdministration {
  /** The newest first. */
  list(filter: JobFilter, page: Page): Promise<PageOf<JobView>>;
  show(guid: string): Promise<JobView>;
  /**
   * Gives a failed job another try: its words will be a message of its own at the chat's tail. Rejects with
   * `job_not_failed`, `file_gone` or `too_many_pending` too.
   */
  retry(guid: string): Promise<RetriedJobView>;
  /** Forgets a failed job, and its file. Returns it as it was. Rejects with `job_not_failed` too. */
  drop(guid: string): Promise<JobView>;
}

export interface JobFilter {
  readonly collection: JobView['collection'];
  readonly botId?: string | undefined;
  readonly pool?: string | undefined;
  readonly status?: JobView['status'] | undefined;
}

export interface PoolsAdministration {
  list(): Promise<readonly PoolView[]>;
  /** Asks the workers alone, not the store. */
  load(): Promise<readonly PoolLoadView[]>;
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
