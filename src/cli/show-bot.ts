import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import type { BotState } from '../protocol/frames.ts';
import { howToScan } from './qr-code.ts';

export interface ShownBot {
  readonly botId: string;
  readonly state: BotState;
  readonly qr: string | null;
  readonly detail: string | null;
}

/** Tells a person how a bot is, and what to do about one that is not linked. With a simulator, that is done at once. */
export function showBot(bot: ShownBot, simulator: string | undefined, log: Logger): void {
  show(bot, simulator).catch((error: unknown) =>
    log.warn({ bot_id: bot.botId, reason: describeError(error) }, 'the bot could not be linked'),
  );
}

async function show({ botId, state, qr, detail }: ShownBot, simulator: string | undefined): Promise<void> {
  if (qr === null) {
    console.log(`${botId}: ${state}${detail === null ? '' : ` (${detail})`}`);
  } else if (simulator !== undefined) {
    await scanBySimulator(simulator, qr);
  } else {
    console.log(await howToScan(botId, qr));
  }
}

async function scanBySimulator(simulator: string, qr: string): Promise<void> {
  await fetch(new URL('/scan', simulator), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ qr }),
    signal: AbortSignal.timeout(10_000),
  });
}
