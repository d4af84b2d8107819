import { untilDone } from '../base/back-off.ts';
import type { Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import type { BotState } from '../protocol/frames.ts';
import { AddressBook } from './address-book.ts';
import { type BotRecoveryOptions, recoverBot, rehydrateBot } from './bot-recovery.ts';
import type { ChatServices } from './chat-services.ts';
import { Chats } from './chats.ts';
import type { Completion } from './completion.ts';
import type { CorrespondentProtocol, Delivery } from './correspondent.ts';
import { chatIdentifiers } from './inbound.ts';
import type { ActorContext, ActorDefinition, ActorRef } from './kit/actor.ts';
import { type Later, later } from './kit/later.ts';
import { Lane } from './lane.ts';

export interface BotStatus {
  readonly state: BotState;
  readonly qr: string | null;
  readonly detail: string | null;
}

export interface BotProtocol {
  inbound(delivery: Delivery): Promise<'accepted' | 'duplicate'>;
  /** A result is durable on its job: settle it, again and again while the store is away. */
  settle(completion: Completion): Promise<void>;
  status(status: BotStatus): void;
  /** The gateway is gone, and with it whatever its last status said. */
  linkLost(): void;
  /** The chat's actor, made when there is none: for recovery. */
  open(key: CorrespondentKey): Promise<ActorRef<CorrespondentProtocol>>;
  passivateIdle(): Promise<void>;
  /** Jobs → holding. Resolves when nothing of the bot's life is on its way. */
  retire(): Promise<void>;
}

export interface BotArgs {
  readonly botId: string;
  readonly services: Omit<ChatServices, 'chatEmpty' | 'jobsStartIn'>;
  readonly passivateAfterMs: number;
  /** How long a bot may be away before its jobs are held. */
  readonly disconnectGraceMs: number;
}

type Wish = 'rehydrated' | 'connected' | 'held';

const KNOWN_IDENTIFIERS = 20_000;
const RETRY = { firstMs: 200, longestMs: 10_000 };

/**
 * Routes what concerns one bot to its chats, and leads the bot through its life.
 *   B1 Messages of a chat reach its actor in the order in which the bot got them.
 *   B2 The bot never waits for a chat: replies come later.
 *   B3 Lifecycle wishes run in one lane, the last one wins; each is idempotent.
 */
class Bot {
  readonly #context: ActorContext<BotProtocol>;
  readonly #args: BotArgs;
  readonly #chats: Chats<BotProtocol>;
  readonly #book = new AddressBook(KNOWN_IDENTIFIERS);
  readonly #lane = new Lane<Wish>((wish) => this.#fulfil(wish));
  #status: BotStatus = { state: 'closed', qr: null, detail: null };
  #jobsStartIn: 'active' | 'holding' = 'holding';
  #graceTimer: Timer | null = null;
  #idleTimer: Timer | null = null;

  constructor(context: ActorContext<BotProtocol>, args: BotArgs) {
    this.#context = context;
    this.#args = args;
    this.#chats = new Chats(context, {
      ...args.services,
      chatEmpty: (key) => this.#chats.noteEmpty(key),
      jobsStartIn: () => this.#jobsStartIn,
    });
  }

  started(): void {
    this.#scheduleIdleSweep();
    this.#lane.want('rehydrated');
  }

  stopped(): void {
    this.#graceTimer?.cancel();
    this.#idleTimer?.cancel();
  }

  async inbound(delivery: Delivery): Promise<Later<'accepted' | 'duplicate'>> {
    const { frame, link } = delivery;
    link.signal.throwIfAborted();
    try {
      const key = await this.#keyOf(frame.provider_name, chatIdentifiers(frame.message));
      const chat = await this.#chats.open(key);
      return later(chat.ask('accept', delivery));
    } catch (error) {
      link.fail(describeError(error));
      throw error;
    }
  }

  settle(completion: Completion): Later<void> {
    const attempt = async (): Promise<void> => {
      const chat = await this.#open(completion.correspondent);
      await chat.ask('settle', completion);
    };
    return later(untilDone(attempt, this.#backOff('a result waits to be settled')));
  }

  status(status: BotStatus): void {
    const wasOpen = this.#status.state === 'open';
    this.#status = status;
    this.#args.services.events.emit({ kind: 'bot', botId: this.#args.botId, ...status });
    this.#context.log.info(
      { bot_id: this.#args.botId, state: status.state, detail: status.detail },
      'bot status',
    );
    if (status.state === 'open') {
      this.#graceTimer?.cancel();
      this.#graceTimer = null;
      if (!wasOpen) this.#lane.want('connected');
      return;
    }
    const isFinal = status.state === 'stopped' || status.state === 'logged_out';
    if (wasOpen || isFinal) this.#holdAfter(isFinal ? 0 : this.#args.disconnectGraceMs);
  }

  linkLost(): void {
    this.status({ state: 'closed', qr: null, detail: 'the gateway is not connected' });
  }

  open(key: CorrespondentKey): Promise<ActorRef<CorrespondentProtocol>> {
    return this.#chats.open(key);
  }

  async passivateIdle(): Promise<void> {
    await this.#chats.passivateIdle(this.#context.clock.now() - this.#args.passivateAfterMs);
    this.#scheduleIdleSweep();
  }

  async retire(): Promise<void> {
    this.#graceTimer?.cancel();
    this.#lane.want('held');
    await this.#lane.idle();
  }

  inspect(): Readonly<Record<string, unknown>> {
    return { state: this.#status.state, jobs_start_in: this.#jobsStartIn, chats: this.#chats.liveCount };
  }

  async #keyOf(providerName: string, identifiers: readonly [string, ...string[]]): Promise<CorrespondentKey> {
    const { botId, services } = this.#args;
    const known = this.#book.find(identifiers);
    if (known !== null) return { botId, providerName, correspondentId: known };
    const { correspondentId } = await services.store.resolveCorrespondent(botId, providerName, identifiers);
    this.#book.learn(identifiers, correspondentId);
    return { botId, providerName, correspondentId };
  }

  /** Opens a chat from outside the mailbox. */
  #open(key: CorrespondentKey): Promise<ActorRef<CorrespondentProtocol>> {
    return this.#context.self.ask('open', key);
  }

  #holdAfter(delayMs: number): void {
    this.#graceTimer?.cancel();
    this.#graceTimer = this.#context.clock.schedule(delayMs, () => this.#lane.want('held'));
  }

  #scheduleIdleSweep(): void {
    const { clock, self } = this.#context;
    const everyMs = Math.max(this.#args.passivateAfterMs / 2, 1_000);
    this.#idleTimer = clock.schedule(everyMs, () => self.tell('passivateIdle', undefined));
  }

  async #fulfil(wish: Wish): Promise<void> {
    try {
      await untilDone(
        async () => {
          if (!this.#lane.superseded) await this.#carryOut(wish);
        },
        this.#backOff(`the bot waits to be ${wish}`),
      );
    } catch (error) {
      if (this.#context.signal.aborted) return;
      this.#context.log.error(
        { bot_id: this.#args.botId, reason: describeError(error) },
        `the bot is not ${wish}`,
      );
    }
  }

  async #carryOut(wish: Wish): Promise<void> {
    const { botId, services } = this.#args;
    switch (wish) {
      case 'rehydrated':
        await rehydrateBot(this.#recovery());
        return;
      case 'connected':
        this.#jobsStartIn = 'active';
        await recoverBot(this.#recovery());
        services.wakePool(null);
        return;
      case 'held': {
        this.#jobsStartIn = 'holding';
        const held = await services.store.holdJobs(botId, this.#context.clock.now());
        this.#context.log.info({ bot_id: botId, held }, 'jobs held');
      }
    }
  }

  #recovery(): BotRecoveryOptions {
    const { botId, services } = this.#args;
    const { clock, log } = this.#context;
    return { botId, store: services.store, clock, log, open: (key) => this.#open(key) };
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

export const botActor: ActorDefinition<BotProtocol, BotArgs> = {
  kind: 'bot',
  mailboxCapacity: 100_000,
  create(context, args) {
    const bot = new Bot(context, args);
    return {
      handlers: {
        inbound: (delivery) => bot.inbound(delivery),
        settle: (completion) => bot.settle(completion),
        status: (status) => bot.status(status),
        linkLost: () => bot.linkLost(),
        open: (key) => bot.open(key),
        passivateIdle: () => bot.passivateIdle(),
        retire: () => later(bot.retire()),
      },
      started: () => bot.started(),
      stopped: () => bot.stopped(),
      inspect: () => bot.inspect(),
    };
  },
};
