import { describeError, DragomanError } from '../base/errors.ts';
import { type BotConfig, WIRE_LIMITS } from '../protocol/frames.ts';
import type { BotRegister } from './bot-register.ts';
import { type BotDesk, GatewayBot } from './gateway-bot.ts';

/** What became wanted of a bot while its former life was still ending. */
interface Leaving {
  next: BotConfig | null;
}

/**
 * The bots of one gateway, by the backend's wishes.
 *   Q1 A wish is durable before it takes effect: a restart without the backend goes by the last one.
 *   Q2 Of a bot that was forgotten no credentials are left, whatever its session still wrote while it ended.
 *   Q3 A bot that is wanted again while its former life ends begins a new one after that; when the gateway stops, its
 *      next process begins it.
 */
export class GatewayBots {
  readonly #desk: BotDesk;
  readonly #register: BotRegister;
  readonly #announced: ReadonlySet<string>;
  readonly #bots = new Map<string, GatewayBot>();
  readonly #leaving = new Map<string, Leaving>();
  #isHeld: (botId: string) => boolean = () => false;
  #closed = false;

  /** `announced`: bots to name although no backend has asked for them yet. */
  constructor(desk: BotDesk, register: BotRegister, announced: readonly string[]) {
    this.#desk = desk;
    this.#register = register;
    this.#announced = new Set(announced);
  }

  /** Those that this gateway names in its hello. */
  get owned(): readonly string[] {
    const known = this.#register.all().map((bot) => bot.botId);
    return [...new Set([...known, ...this.#announced])];
  }

  /** Those that have been started in this process, or asked for. */
  get live(): readonly GatewayBot[] {
    return [...this.#bots.values()];
  }

  /** The most careful of the running bots' quotas, in GiB; null when none runs. */
  get quotaGb(): number | null {
    return this.#register.lowestQuotaGb;
  }

  /** How many the backend wants to run. */
  get running(): number {
    return this.#register.running;
  }

  find(botId: string): GatewayBot | null {
    return this.#bots.get(botId) ?? null;
  }

  of(botId: string): GatewayBot {
    const known = this.#bots.get(botId);
    if (known !== undefined) return known;
    const bot = new GatewayBot(botId, this.#desk);
    this.#bots.set(botId, bot);
    bot.hold(this.#isHeld(botId));
    return bot;
  }

  /** Starts those that ran when the last process ended. */
  startKnown(): void {
    for (const { botId, running, config } of this.#register.all()) if (running) this.of(botId).start(config);
  }

  start(botId: string, config: BotConfig): void {
    const isOwned = this.#register.has(botId) || this.#announced.has(botId);
    if (!isOwned && this.#ownedCount >= WIRE_LIMITS.bots) {
      throw new DragomanError('unknown_bot', `expected at most ${WIRE_LIMITS.bots} bots of one gateway`);
    }
    this.#register.started(botId, config);
    const leaving = this.#leaving.get(botId);
    if (leaving === undefined) this.of(botId).start(config);
    else leaving.next = config;
  }

  stop(botId: string): void {
    this.#register.stopped(botId);
    const leaving = this.#leaving.get(botId);
    if (leaving === undefined) void this.#bots.get(botId)?.stop();
    else leaving.next = null;
  }

  forget(botId: string): void {
    this.#register.forgotten(botId);
    const leaving = this.#leaving.get(botId) ?? { next: null };
    leaving.next = null;
    const bot = this.#bots.get(botId);
    if (bot === undefined || this.#leaving.has(botId)) return;
    this.#leaving.set(botId, leaving);
    bot
      .close()
      .then(() => this.#left(botId, leaving))
      .catch((error: unknown) => {
        this.#desk.log.error(
          { bot_id: botId, reason: describeError(error) },
          'a bot is not forgotten altogether',
        );
      });
  }

  /** Those that are held have no session until they are not. */
  hold(isHeld: (botId: string) => boolean): void {
    this.#isHeld = isHeld;
    for (const [botId, bot] of this.#bots) bot.hold(isHeld(botId));
  }

  /** Stops them for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.live.map((bot) => bot.close()));
  }

  get #ownedCount(): number {
    const unasked = [...this.#announced].filter((botId) => !this.#register.has(botId));
    return this.#register.size + unasked.length;
  }

  #left(botId: string, { next }: Leaving): void {
    this.#bots.delete(botId);
    this.#leaving.delete(botId);
    this.#register.forgotten(botId);
    if (next === null) return;
    if (this.#closed) this.#register.started(botId, next);
    else this.start(botId, next);
  }
}
