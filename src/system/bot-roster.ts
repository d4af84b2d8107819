import PQueue from 'p-queue';
import type { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { phoneNumber } from '../protocol/frames.ts';
import type { BotRecord, BotStore } from '../store/bot-store.ts';
import { unknownBot } from './administration/known-names.ts';
import {
  ACTOR_NAMES,
  bot as botSettings,
  type BotSettings,
  storedBotSettings,
} from './config/bot-settings.ts';
import { expectation, problemsOf } from './config/problems.ts';
import type { BotCommands, RunningBot } from './running-bot.ts';
import { settingsOf } from './config/setting-list.ts';

export interface BotRosterOptions {
  readonly configured: readonly BotSettings[];
  /** Those that a bot may name. */
  readonly gatewayIds: readonly string[];
  /** The bots that are there, which the roster keeps up to date. */
  readonly bots: Map<string, RunningBot>;
  /** As `bots`: those that are none any more, each with the gateway that had it. */
  readonly removedBots: Map<string, string>;
  readonly store: BotStore;
  readonly commands: BotCommands;
  readonly spawn: (settings: BotSettings) => Promise<Pick<RunningBot, 'said' | 'ref'>>;
  /** Holds what is left of the bot's jobs, and lets go of its actor. */
  readonly retire: (bot: RunningBot) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The one provider that a bot can be added for. */
const PROVIDER = 'whatsapp-baileys';
const BOT_SETTINGS = settingsOf(botSettings);

/**
 * Which bots there are, and which of them their operator wants to run.
 *   R1 A wish is durable before it takes effect, and stands after a restart.
 *   R2 Wishes are carried out one after another, in the order in which they came.
 *   R3 A bot that was removed is remembered: its gateway may be away, and has its credentials until it hears of it.
 *   R4 A configured bot's settings are the configuration's; one that was added has those it was added with.
 */
export class BotRoster {
  readonly #options: BotRosterOptions;
  readonly #lane = new PQueue({ concurrency: 1 });
  readonly #records = new Map<string, BotRecord>();

  private constructor(options: BotRosterOptions) {
    this.#options = options;
  }

  /** Starts the actors of all bots. Rejects with what the store rejects with. */
  static async open(options: BotRosterOptions): Promise<BotRoster> {
    const roster = new BotRoster(options);
    const { configured, store } = options;
    for (const record of await store.bots()) roster.#remember(record);
    for (const settings of configured) await roster.#begin(settings, await roster.#recordOf(settings));
    const ids = new Set(configured.map(({ id }) => id));
    for (const record of roster.#records.values()) {
      if (record.settings === null || ids.has(record.botId)) continue;
      const settings = roster.#settingsIn(record.settings);
      if (settings !== null) await roster.#begin(settings, record);
    }
    return roster;
  }

  /** Starts a bot that was stopped; of one that gave up, tries it again. Rejects with `unknown_bot`. */
  start(botId: string): Promise<void> {
    return this.#wish(botId, { stopped: false });
  }

  /** Rejects with `unknown_bot`. */
  stop(botId: string): Promise<void> {
    return this.#wish(botId, { stopped: true });
  }

  /**
   * Has the bot ask for its account to be linked: by a code for the phone with this number, or, with null, by a QR
   * code. Rejects with `unknown_bot`, and with `config_invalid` when that is no phone number.
   */
  async pair(botId: string, phone: string | null): Promise<'asked' | 'linked already'> {
    const checked = phoneNumber.nullable().safeParse(phone);
    if (!checked.success)
      throw new DragomanError(
        'config_invalid',
        `phone: ${checked.error.issues.map(({ message }) => message).join('; ')}`,
      );
    if (this.#bot(botId).said.status.state === 'open') return 'linked already';
    await this.#wish(botId, { stopped: false, pairingPhone: phone });
    return 'asked';
  }

  /** `settings`: as under `bots` in a configuration. Rejects with `config_invalid` when they do not hold. */
  add(settings: unknown): Promise<'added' | 'there already'> {
    return this.#inTurn(async () => {
      const parsed = botSettings.safeParse(settings, { error: expectation });
      const problem = parsed.success ? this.#problemWith(parsed.data) : describe(parsed.error);
      if (!parsed.success || problem !== null) throw new DragomanError('config_invalid', `bot: ${problem}`);
      const added = parsed.data;
      if (this.#options.bots.has(added.id)) return 'there already';
      this.#assertForgotten(added.id);
      const record = { ...this.#newRecord(added), settings: JSON.stringify(added) };
      await this.#save(record);
      this.#options.commands.startBot(await this.#begin(added, record));
      this.#options.log.info({ bot_id: added.id, gateway_id: added.gateway }, 'bot added');
      return 'added';
    });
  }

  /**
   * Removes a bot that was added. Its gateway forgets the credentials; what was said in its chats stays, and so does
   * what waits in them, for a bot of that id that may come. Rejects with `unknown_bot`.
   */
  remove(botId: string): Promise<'removed' | 'configured'> {
    return this.#inTurn(async () => {
      const bot = this.#bot(botId);
      if (this.#options.configured.some(({ id }) => id === botId)) return 'configured';
      await this.#save({ ...(await this.#recordOf(bot.settings)), settings: null, removed: true });
      this.#options.commands.stopBot(bot, true);
      await this.#options.retire(bot).finally(() => this.#options.bots.delete(botId));
      this.#options.log.info({ bot_id: botId }, 'bot removed');
      return 'removed';
    });
  }

  #wish(botId: string, wish: Partial<Pick<BotRecord, 'stopped' | 'pairingPhone'>>): Promise<void> {
    return this.#inTurn(async () => {
      const { bots, commands, log } = this.#options;
      const bot = this.#bot(botId);
      const record = { ...(await this.#recordOf(bot.settings)), ...wish };
      await this.#save(record);
      const changed = { ...bot, wish: record };
      bots.set(botId, changed);
      if (record.stopped) commands.stopBot(changed, false);
      else commands.startBot(changed);
      log.info({ bot_id: botId, stopped: record.stopped }, 'bot wish');
    });
  }

  async #begin(settings: BotSettings, wish: BotRecord): Promise<RunningBot> {
    const bot = { settings, wish, ...(await this.#options.spawn(settings)) };
    this.#options.bots.set(settings.id, bot);
    return bot;
  }

  /** Of a bot that came to another gateway by configuration: it has to be linked there anew. */
  async #recordOf(settings: BotSettings): Promise<BotRecord> {
    const known = this.#records.get(settings.id);
    if (known?.gatewayId === settings.gateway && !known.removed) return known;
    if (known !== undefined && !known.removed) {
      this.#options.log.warn(
        { bot_id: settings.id, former: known.gatewayId, gateway_id: settings.gateway },
        'a bot has another gateway than the one that linked it: its account is to be linked anew',
      );
    }
    const record = { ...this.#newRecord(settings), ...known, gatewayId: settings.gateway, removed: false };
    await this.#save(record);
    return record;
  }

  #newRecord({ id, gateway }: BotSettings): BotRecord {
    return {
      botId: id,
      providerName: PROVIDER,
      gatewayId: gateway,
      createdAt: this.#options.clock.now(),
      stopped: false,
      pairingPhone: null,
      settings: null,
      removed: false,
    };
  }

  async #save(record: BotRecord): Promise<void> {
    await this.#options.store.saveBot(record);
    this.#remember(record);
  }

  #remember(record: BotRecord): void {
    const { botId, gatewayId, removed } = record;
    this.#records.set(botId, record);
    if (removed) this.#options.removedBots.set(botId, gatewayId);
    else this.#options.removedBots.delete(botId);
  }

  /** A gateway that has not heard yet that it is to forget a bot would link its successor as the former account. */
  #assertForgotten(botId: string): void {
    const gatewayId = this.#options.removedBots.get(botId);
    if (gatewayId === undefined || this.#options.commands.isLinked(gatewayId)) return;
    throw new DragomanError(
      'link_closed',
      `gateway ${gatewayId} is away and has the account of the former bot ${botId}: add this one when it is back`,
    );
  }

  #bot(botId: string): RunningBot {
    const bot = this.#options.bots.get(botId);
    if (bot !== undefined) return bot;
    throw unknownBot(botId, this.#options.bots.keys());
  }

  #settingsIn(text: string): BotSettings | null {
    const parsed = storedBotSettings(text);
    const problem = parsed.success ? this.#problemWith(parsed.data) : describe(parsed.error);
    if (parsed.success && problem === null) return parsed.data;
    this.#options.log.error({ problem }, 'a bot that was added cannot be run as this configuration stands');
    return null;
  }

  #problemWith({ id, gateway }: BotSettings): string | null {
    if (ACTOR_NAMES.has(id)) return `expected another id than ${id}, which Dragoman uses itself`;
    return this.#options.gatewayIds.includes(gateway) ? null : `it names the unknown gateway ${gateway}`;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#lane.add(work);
  }
}

const describe = (error: z.ZodError): string =>
  error.issues.flatMap((issue) => problemsOf(issue, BOT_SETTINGS)).join('; ');
