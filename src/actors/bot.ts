import { untilDone } from '../base/back-off.ts';
import type { Timer } from '../base/clock.ts';
import { describeError, hasCode } from '../base/errors.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { ForgottenChat } from '../store/chat-store.ts';
import type { ClaimedSettleOutcome } from '../store/message-store.ts';
import { AddressBook } from './address-book.ts';
import {
  type BotProtocol,
  type BotStatus,
  type FailedJobAddress,
  FORGET_DEADLINE_MS,
  NOT_CONNECTED,
} from './bot-protocol.ts';
import { type BotRecoveryOptions, recoverBot, rehydrateBot } from './bot-recovery.ts';
import type { Chat, Claim, Delivery, Receipt, RetryOutcome } from './chat-protocol.ts';
import type { SharedServices } from './chat-services.ts';
import { Chats } from './chats.ts';
import type { Completion } from './completion.ts';
import { orCloseLink } from './frame-link.ts';
import { chatIdentifiers } from './inbound.ts';
import type { ActorContext, ActorDefinition, Detail } from './kit/actor.ts';
import { type Later, later } from './kit/later.ts';
import { LatestWish } from './latest-wish.ts';

export interface BotArgs {
  readonly botId: string;
  readonly services: SharedServices;
  /** What the gateway said last; it outlives restarts of the actor, for the gateway does not say it again. */
  readonly said: { status: BotStatus };
  readonly passivateAfterMs: number;
  readonly maxLiveChats: number;
  /** How long a bot may be away before its jobs are held. */
  readonly disconnectGraceMs: number;
}

type Wish = 'rehydrated' | 'connected' | 'held';

const KNOWN_IDENTIFIERS = 20_000;
const RETRY = { firstMs: 200, longestMs: 10_000 };
const SHORTEST_SWEEP_MS = 1_000;

/**
 * Routes what concerns one bot to its chats, and leads the bot through its life.
 *   B1 Messages of a chat reach its actor in the order in which the bot got them.
 *   B2 The bot never waits for a chat: replies come later.
 *   B3 Lifecycle wishes are fulfilled one at a time, the last one wins; each is idempotent.
 *   B4 Before jobs change collection, every message that was given the old one is durable: none is left behind.
 */
class Bot {
  readonly #context: ActorContext<BotProtocol>;
  readonly #args: BotArgs;
  readonly #chats: Chats;
  readonly #book = new AddressBook(KNOWN_IDENTIFIERS);
  readonly #wishes = new LatestWish<Wish>((wish) => this.#fulfil(wish));
  #jobsStartIn: 'active' | 'holding' = 'holding';
  #graceTimer: Timer | null = null;
  #idleTimer: Timer | null = null;

  constructor(context: ActorContext<BotProtocol>, args: BotArgs) {
    this.#context = context;
    this.#args = args;
    this.#chats = new Chats({
      context,
      services: { ...args.services, jobsStartIn: () => this.#jobsStartIn },
      maxLive: args.maxLiveChats,
    });
  }

  started(): void {
    this.#scheduleIdleSweep();
    if (this.#isOpen) return this.#wishes.want('connected');
    this.#wishes.want('rehydrated');
    this.#holdAfter(this.#args.disconnectGraceMs);
  }

  stopped(): void {
    this.#graceTimer?.cancel();
    this.#idleTimer?.cancel();
  }

  async inbound(delivery: Delivery): Promise<Later<Receipt>> {
    const { frame, link } = delivery;
    link.signal.throwIfAborted();
    const chat = await orCloseLink(
      delivery,
      this.#chatOf(frame.provider_name, chatIdentifiers(frame.message)),
    );
    return later(orCloseLink(delivery, chat.ask('accept', delivery)));
  }

  settle(completion: Completion): Later<ClaimedSettleOutcome> {
    const attempt = async (): Promise<ClaimedSettleOutcome> => {
      const chat = await this.#open(completion.correspondent);
      return chat.ask('settle', completion);
    };
    return later(untilDone(attempt, this.#backOff('a result waits to be settled')));
  }

  async conclude(completion: Completion & { readonly claim: Claim }): Promise<Later<ClaimedSettleOutcome>> {
    const chat = await this.#chats.open(completion.correspondent);
    return later(chat.ask('settle', completion));
  }

  async retry({ correspondent, guid }: FailedJobAddress): Promise<Later<RetryOutcome>> {
    const chat = await this.#chats.open(correspondent);
    return later(chat.ask('retry', guid));
  }

  status(status: BotStatus): void {
    const { botId, services, said, disconnectGraceMs } = this.#args;
    if (isSameStatus(said.status, status)) return;
    const wasOpen = this.#isOpen;
    said.status = status;
    services.events.emit({ kind: 'bot', botId, ...status });
    this.#context.log.info({ bot_id: botId, state: status.state, detail: status.detail }, 'bot status');
    if (status.state === 'open') {
      this.#graceTimer?.cancel();
      if (!wasOpen) this.#wishes.want('connected');
      return;
    }
    const isFinal = status.state === 'stopped' || status.state === 'logged_out';
    if (wasOpen || isFinal) this.#holdAfter(isFinal ? 0 : disconnectGraceMs);
  }

  reconcile(): void {
    if (this.#isOpen) this.#wishes.want('connected');
  }

  announce(): void {
    for (const chat of this.#chats.live) this.#args.services.messageReady(chat);
  }

  open(key: CorrespondentKey): Promise<Chat> {
    return this.#chats.open(key);
  }

  async forget(identifier: string): Promise<Later<ForgottenChat | null>> {
    const { botId, services } = this.#args;
    const keys = await services.store.chatsNamed(botId, identifier);
    return later(this.#forgetAll(keys));
  }

  unlearn(correspondentId: string): void {
    this.#book.forget(correspondentId);
  }

  async passivateIdle(): Promise<void> {
    try {
      await this.#chats.passivateIdle(this.#context.clock.now() - this.#args.passivateAfterMs);
    } finally {
      this.#scheduleIdleSweep();
    }
  }

  async retire(): Promise<void> {
    this.#graceTimer?.cancel();
    this.#wishes.want('held');
    await this.#wishes.idle();
  }

  inspect(): Detail {
    const { state } = this.#args.said.status;
    return { state, jobs_start_in: this.#jobsStartIn, chats: this.#chats.liveCount };
  }

  get #isOpen(): boolean {
    return this.#args.said.status.state === 'open';
  }

  async #chatOf(providerName: string, identifiers: readonly [string, ...string[]]): Promise<Chat> {
    const { botId, services } = this.#args;
    const known = this.#book.find(providerName, identifiers);
    if (known !== null) return this.#chats.open({ botId, providerName, correspondentId: known });
    const chat = await services.store.resolveCorrespondent(botId, providerName, identifiers);
    this.#book.learn(providerName, identifiers, chat.correspondentId);
    return this.#chats.open({ botId, providerName, correspondentId: chat.correspondentId });
  }

  /** Opens a chat from outside the mailbox. */
  #open(key: CorrespondentKey): Promise<Chat> {
    return this.#context.self.ask('open', key);
  }

  /** One after another, so that the chat that names the others goes last. */
  async #forgetAll(keys: readonly CorrespondentKey[]): Promise<ForgottenChat | null> {
    let messages = 0;
    const media: ForgottenChat['media'][number][] = [];
    let isThere = false;
    for (const key of keys) {
      const chat = await this.#open(key);
      const forgotten = await chat.ask('forget', undefined, { deadlineMs: FORGET_DEADLINE_MS });
      // Frames that reach the chat before this close their link: they come again, and are led to a new one.
      this.#context.self.tell('unlearn', key.correspondentId);
      if (forgotten === null) continue;
      isThere = true;
      messages += forgotten.messages;
      media.push(...forgotten.media);
    }
    return isThere ? { messages, media } : null;
  }

  #holdAfter(delayMs: number): void {
    this.#graceTimer?.cancel();
    this.#graceTimer = this.#context.clock.schedule(delayMs, () => this.#wishes.want('held'));
  }

  #scheduleIdleSweep(): void {
    const { clock, self, signal } = this.#context;
    if (signal.aborted) return;
    const everyMs = Math.max(this.#args.passivateAfterMs / 2, SHORTEST_SWEEP_MS);
    this.#idleTimer = clock.schedule(everyMs, () => self.tell('passivateIdle', undefined));
  }

  async #fulfil(wish: Wish): Promise<void> {
    const { botId } = this.#args;
    const attempt = async (): Promise<void> => {
      if (!this.#wishes.superseded) await this.#carryOut(wish);
    };
    try {
      await untilDone(attempt, this.#backOff(`the bot waits to be ${wish}`));
    } catch (error) {
      if (this.#context.signal.aborted) return;
      this.#context.log.error({ bot_id: botId, reason: describeError(error) }, `the bot is not ${wish}`);
    }
  }

  async #carryOut(wish: Wish): Promise<void> {
    const { botId, services } = this.#args;
    const { clock, log } = this.#context;
    switch (wish) {
      case 'rehydrated':
        await rehydrateBot(this.#recovery());
        return;
      case 'connected':
        await this.#startJobsIn('active');
        await recoverBot(this.#recovery());
        services.wakePools();
        return;
      case 'held': {
        await this.#startJobsIn('holding');
        const held = await services.store.holdJobs(botId, clock.now());
        log.info({ bot_id: botId, held }, 'jobs held');
      }
    }
  }

  /** Resolves when no message is on its way to the other collection any more. */
  async #startJobsIn(collection: 'active' | 'holding'): Promise<void> {
    this.#jobsStartIn = collection;
    await Promise.all(this.#chats.live.map(caughtUp));
  }

  #recovery(): BotRecoveryOptions {
    const { botId, services } = this.#args;
    const { clock, log } = this.#context;
    return { botId, services, clock, log, open: (key) => this.#open(key) };
  }

  #backOff(message: string) {
    const { clock, log, signal } = this.#context;
    return {
      ...RETRY,
      clock,
      signal,
      failed: (error: unknown, delayMs: number) =>
        log.warn({ bot_id: this.#args.botId, reason: describeError(error), delay_ms: delayMs }, message),
    };
  }
}

const isSameStatus = (one: BotStatus, other: BotStatus): boolean =>
  one.state === other.state && one.qr === other.qr && one.detail === other.detail;

/** A chat that is gone had nothing in hand. */
async function caughtUp(chat: Chat): Promise<void> {
  try {
    await chat.ask('catchUp', undefined);
  } catch (error) {
    if (!hasCode(error, 'actor_stopped')) throw error;
  }
}

export const botActor: ActorDefinition<BotProtocol, BotArgs> = {
  kind: 'bot',
  // As for a chat: links bound what waits.
  mailboxCapacity: 100_000,
  create(context, args) {
    const bot = new Bot(context, args);
    return {
      handlers: {
        inbound: (delivery) => bot.inbound(delivery),
        settle: (completion) => bot.settle(completion),
        conclude: (completion) => bot.conclude(completion),
        retry: (letter) => bot.retry(letter),
        status: (status) => bot.status(status),
        linkLost: () => bot.status(NOT_CONNECTED),
        reconcile: () => bot.reconcile(),
        announce: () => bot.announce(),
        open: (key) => bot.open(key),
        forget: (identifier) => bot.forget(identifier),
        unlearn: (correspondentId) => bot.unlearn(correspondentId),
        passivateIdle: () => bot.passivateIdle(),
        retire: () => later(bot.retire()),
      },
      started: () => bot.started(),
      stopped: () => bot.stopped(),
      inspect: () => bot.inspect(),
    };
  },
};
