import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { type Clock, systemClock } from '../base/clock.ts';
import { deadline, pause, untilAborted } from '../base/deadlines.ts';
import { describeError, DragomanError } from '../base/errors.ts';
import type { BotView } from '../system/administration/views.ts';
import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { howToScan } from './qr-code.ts';
import type { Administration } from '../system/administration.ts';
import { table } from './table.ts';
import { withBackend, withReadable } from './with-administration.ts';

const LOOK_EVERY_MS = 1_000;
/** Whoever has not scanned a code by then has gone away. */
const PAIRING_DEADLINE_MS = 600_000;

/** `dragoman bots list`. Each of these resolves to the exit code. */
export const listBots = (sources: ConfigSources, asJson: boolean): Promise<number> =>
  withReadable(sources, async ({ bots }) => {
    const list = await bots.list();
    if (asJson) console.log(JSON.stringify(list));
    else console.log(table(['BOT', 'STATE', 'GATEWAY', 'DETAIL'], list.map(rowOf)));
    return EXIT.ok;
  });

/** `dragoman bots start`, `stop` and `remove`. */
export const changeBot = (
  sources: ConfigSources,
  change: 'start' | 'stop' | 'remove',
  botId: string,
  asJson: boolean,
): Promise<number> =>
  withBackend(sources, async ({ bots }) => {
    const outcome = (await bots[change](botId)) ?? DONE[change];
    if (asJson) console.log(JSON.stringify({ botId, outcome }));
    else if (outcome === 'configured') {
      throw new DragomanError(
        'unknown_bot',
        `${botId}: it is in the configuration file: remove it there, or stop it`,
      );
    } else console.log(`${botId}: ${outcome}`);
    return outcome === 'configured' ? EXIT.usage : EXIT.ok;
  });

const DONE = { start: 'started', stop: 'stopped', remove: 'removed' } as const;

/** `dragoman bots add`: with the defaults, or with the settings of a file, whose `id` must be the same. */
export const addBot = (
  sources: ConfigSources,
  botId: string,
  { settings, json }: { readonly settings?: string; readonly json?: boolean },
): Promise<number> =>
  withBackend(sources, async ({ bots }) => {
    const given = settings === undefined ? {} : readSettings(settings);
    const outcome = await bots.add({ ...given, id: botId });
    if (json === true) console.log(JSON.stringify({ botId, outcome }));
    else console.log(`${botId}: ${outcome}. Link its account: dragoman bots pair ${botId}`);
    return EXIT.ok;
  });

/** `dragoman bots pair`: shows what to scan or to type in, until the account is linked. */
export const pairBot = (
  sources: ConfigSources,
  botId: string,
  { phone, json }: { readonly phone?: string; readonly json?: boolean },
): Promise<number> =>
  withBackend(sources, async ({ bots }) => {
    const outcome = await bots.pair(botId, phone ?? null);
    if (outcome === 'linked already') {
      if (json === true) console.log(JSON.stringify({ botId, outcome }));
      else console.log(`${botId}: linked already`);
      return EXIT.ok;
    }
    // Between two looks there is nothing but a clock to wait for, whose timers let the process end.
    const alive = setInterval(() => {}, PAIRING_DEADLINE_MS);
    try {
      await showUntilLinked(bots, botId, { asJson: json === true, clock: systemClock() });
    } finally {
      clearInterval(alive);
    }
    return EXIT.ok;
  });

/** Rejects with `unknown_bot` when the bot goes away, with `deadline_exceeded` when nobody links it. */
export async function showUntilLinked(
  bots: Pick<Administration['bots'], 'list'>,
  botId: string,
  { asJson, clock }: { readonly asJson: boolean; readonly clock: Clock },
): Promise<void> {
  const what = `${botId} to be linked (dragoman bots pair ${botId} asks again)`;
  using limit = deadline(clock, PAIRING_DEADLINE_MS, what);
  const { signal } = limit;
  let shown = '';
  for (;;) {
    const bot = (await untilAborted(bots.list(), signal)).find((each) => each.botId === botId);
    if (bot === undefined) throw new DragomanError('unknown_bot', `${botId} is gone`);
    const now = JSON.stringify([bot.state, bot.qr, bot.detail]);
    if (now !== shown) console.log(asJson ? JSON.stringify(bot) : await describe(bot));
    shown = now;
    if (bot.state === 'open') return;
    await pause(clock, LOOK_EVERY_MS, signal);
  }
}

async function describe({ botId, state, qr, detail }: BotView): Promise<string> {
  if (qr !== null) return howToScan(botId, qr);
  return `${botId}: ${state}${detail === null ? '' : ` (${detail})`}`;
}

const rowOf = ({ botId, state, stopped, gatewayId, linked, detail }: BotView): readonly string[] => [
  botId,
  stopped ? 'stopped' : state,
  linked ? gatewayId : `${gatewayId} (away)`,
  detail ?? '',
];

function readSettings(file: string): object {
  try {
    const value: unknown = parseYaml(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw new DragomanError('config_invalid', `${file}: ${describeError(error).split('\n', 1)[0]}`, {
      cause: error,
    });
  }
  throw new DragomanError('config_invalid', `${file}: expected the settings of one bot`);
}
