import type { BotProtocol, BotStatus } from '../actors/bot-protocol.ts';
import type { ActorRef } from '../actors/kit/actor.ts';
import type { BotRecord } from '../store/bot-store.ts';
import type { BotSettings } from './config/bot-settings.ts';

/** A bot as the configuration has it, and its actor. */
export interface RunningBot {
  readonly settings: BotSettings;
  /** What its operator wishes. */
  readonly wish: Pick<BotRecord, 'stopped' | 'pairingPhone'>;
  /** What its gateway said last. */
  readonly said: { readonly status: BotStatus };
  readonly ref: ActorRef<BotProtocol>;
}

/** What tells a bot's gateway, if it is there; one that is away is told when it comes. */
export interface BotCommands {
  isLinked(gatewayId: string): boolean;
  startBot(bot: RunningBot): void;
  /** `forget`: its credentials go as well. */
  stopBot(bot: RunningBot, forget: boolean): void;
}
