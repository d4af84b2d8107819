/** What is kept of bots. */
export interface BotStore {
  bots(): Promise<readonly BotRecord[]>;
  saveBot(bot: BotRecord): Promise<void>;
}

/** What is kept of a bot beside what a configuration says. */
export interface BotRecord {
  readonly botId: string;
  readonly providerName: string;
  /** The gateway that paired it. */
  readonly gatewayId: string;
  readonly createdAt: number;
  /** Its operator wants it stopped. */
  readonly stopped: boolean;
  /** The number of the account that its operator wants linked by a code; null: by a QR code, or as configured. */
  readonly pairingPhone: string | null;
  /** Of a bot that was added at run time: its settings as a configuration would have them, in JSON. */
  readonly settings: string | null;
  /** It is no bot any more, which its gateway may not have heard yet. What was said in its chats stays. */
  readonly removed: boolean;
}
