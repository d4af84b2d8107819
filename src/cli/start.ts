import path from 'node:path';
import QRCode from 'qrcode';
import type { DragomanEvent } from '../actors/events.ts';
import { InspectorLog } from '../actors/kit/inspector-log.ts';
import { systemClock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import { type ConfigSources, loadConfig } from '../system/config.ts';
import { createLogger } from '../system/logger.ts';
import { EXIT } from './exit-codes.ts';
import { startTogether } from './together.ts';
import { untilSignal } from './until-signal.ts';

/** `dragoman start`: gateway and backend until Ctrl-C. Resolves to the exit code. */
export async function start(sources: ConfigSources): Promise<number> {
  const config = loadConfig(sources);
  const clock = systemClock();
  const log = createLogger({ level: config.log.level, pretty: process.stderr.isTTY });
  const stopRequested = untilSignal();
  const escalated = Promise.withResolvers<'escalated'>();
  const together = await startTogether({
    config,
    clock,
    log,
    onEscalation: (error, actor) => {
      log.error({ actor, reason: describeError(error) }, 'an actor cannot be kept alive: stopping');
      escalated.resolve('escalated');
    },
  });
  console.log(`Dragoman is up. Everything durable lies in ${path.resolve(config.dataFolder)}.`);
  console.log(`Gateways dial ${together.backend.url}. Ctrl-C drains and stops.`);
  together.backend.events.listen((event) => {
    showBot(event, config.simulator).catch((error: unknown) =>
      log.warn({ reason: describeError(error) }, 'the bot could not be linked'),
    );
  });
  const { treeEveryMs } = config.log;
  const inspector = new InspectorLog(together.backend.system, {
    clock,
    log,
    ...(treeEveryMs > 0 && { everyMs: treeEveryMs }),
  });
  process.on('SIGUSR2', () => inspector.logTree());

  const reason = await Promise.race([stopRequested, escalated.promise]);
  console.log('Draining: what was begun is finished, what is left is on the disk.');
  inspector.close();
  await together.stop();
  return reason === 'escalated' ? EXIT.failed : EXIT.ok;
}

/** Tells a person how a bot is, and what to do about one that is not linked. */
async function showBot(event: DragomanEvent, simulator: string | undefined): Promise<void> {
  if (event.kind !== 'bot') return;
  if (event.qr === null) {
    console.log(`${event.botId}: ${event.state}${event.detail === null ? '' : ` (${event.detail})`}`);
  } else if (simulator !== undefined) {
    await scanBySimulator(simulator, event.qr);
  } else {
    console.log(
      `Link ${event.botId}: WhatsApp on the phone → Settings → Linked devices → Link a device, and scan:`,
    );
    console.log(await QRCode.toString(event.qr, { type: 'terminal', small: true }));
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
