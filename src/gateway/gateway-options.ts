import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { BotState } from '../protocol/frames.ts';
import type { SessionFactory, StatusFrame } from './gateway-bot.ts';
import type { LinkTiming } from './link-connection.ts';
import type { GatewaySettings } from './settings.ts';

export interface GatewayOptions {
  /** The gateway's own folder: its journal lies there. */
  readonly dataFolder: string;
  /** The folder shared with the backend. */
  readonly stagingFolder: string;
  readonly backendUrls: readonly [string, ...string[]];
  /** This gateway's token, as the backend knows it. */
  readonly token: string;
  readonly createSession: SessionFactory;
  readonly clock: Clock;
  readonly log: Logger;
  /** The name that goes with the token; made up once and kept where it is not given. */
  readonly gatewayId?: string;
  /** Bots to announce although no backend has asked for them yet. */
  readonly bots?: readonly string[];
  /** As messages name their origin. Default `whatsapp-baileys`. */
  readonly providerName?: string;
  readonly settings?: Partial<GatewaySettings>;
  readonly linkTiming?: LinkTiming;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Hears of every bot's state; must neither throw nor block. */
  readonly onStatus?: (status: StatusFrame) => void;
}

export interface Gateway {
  readonly gatewayId: string;
  snapshot(): GatewaySnapshot;
  /** Stops sessions, downloads and the link in that order, each within its deadline. What is left is in the journal. */
  stop(): Promise<void>;
}

export interface GatewaySnapshot {
  readonly connected: boolean;
  readonly bots: readonly { readonly botId: string; readonly state: BotState }[];
  readonly unackedFrames: number;
  readonly unackedBytes: number;
  readonly deadLetters: number;
  readonly runningDownloads: number;
  readonly waitingDownloads: number;
  readonly stagedBytes: number;
  readonly stagingLimitBytes: number;
}
