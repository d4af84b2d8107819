import path from 'node:path';
import QRCode from 'qrcode';
import type { DragomanEvent } from '../actors/events.ts';
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
  together.backend.events.listen((event) => void showPairing(event));
  const stopTree = together.backend.system.logTreeEvery(config.log.treeEveryMs);
  process.on('SIGUSR2', () => together.backend.system.logTree());

  const reason = await Promise.race([untilSignal(), escalated.promise]);
  console.log('Draining: what was begun is finished, what is left is on the disk.');
  stopTree();
  await together.stop();
  return reason === 'escalated' ? EXIT.failed : EXIT.ok;
}

/** Shows a person what to do about a bot that is not linked. */
async function showPairing(event: DragomanEvent): Promise<void> {
  if (event.kind !== 'bot') return;
  if (event.qr !== null) {
    console.log(
      `Link ${event.botId}: on the phone, WhatsApp → Settings → Linked devices → Link a device, and scan`,
    );
    console.log(await QRCode.toString(event.qr, { type: 'terminal', small: true }));
    return;
  }
  console.log(`${event.botId}: ${event.state}${event.detail === null ? '' : ` (${event.detail})`}`);
}
