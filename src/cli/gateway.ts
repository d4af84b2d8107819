import { systemClock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import { startGateway } from '../gateway/gateway.ts';
import { baileysSessions } from '../gateway/whatsapp/baileys-sessions.ts';
import { resolveEndpoint } from '../gateway/whatsapp/endpoint.ts';
import type { Config } from '../system/config.ts';
import { createLogger } from '../system/logger.ts';
import { EXIT } from './exit-codes.ts';
import { gatewayFolderOf, openDataFolder } from './folders.ts';
import { beingHere, Pulse } from './pulse.ts';
import { showBot } from './show-bot.ts';
import { untilSignal } from './until-signal.ts';

/** `dragoman gateway`: WhatsApp's side alone, until Ctrl-C; its bots are those that a backend asks for. Resolves to the exit code. */
export async function gateway(config: Config): Promise<number> {
  const { uplink, simulator } = config;
  const [firstUrl, ...otherUrls] = uplink?.backends ?? [];
  if (uplink === undefined || firstUrl === undefined) {
    throw new DragomanError(
      'config_invalid',
      'uplink: expected gatewayId, token and backends: a gateway alone must know whom to dial, and as whom',
    );
  }
  const clock = systemClock();
  const log = createLogger({ level: config.log.level, pretty: process.stderr.isTTY });
  openDataFolder(config.dataFolder);
  const stopRequested = untilSignal();
  const endpoint = await resolveEndpoint(simulator ?? null);
  const running = await startGateway({
    dataFolder: gatewayFolderOf(config.dataFolder),
    stagingFolder: config.stagingFolder,
    backendUrls: [firstUrl, ...otherUrls],
    token: uplink.token,
    gatewayId: uplink.gatewayId,
    settings: config.gateway,
    clock,
    log,
    createSession: baileysSessions({ clock, log, endpoint }),
    onStatus: ({ bot_id: botId, state, qr, detail }) =>
      showBot({ botId, state, qr: qr ?? null, detail: detail ?? null }, simulator, log),
  });
  const pulse = new Pulse({ dataFolder: config.dataFolder, name: 'gateway', being: beingHere(), clock, log });
  console.log(
    `Gateway ${uplink.gatewayId} is up, and dials ${uplink.backends.join(', then ')}. Ctrl-C stops.`,
  );
  await stopRequested;
  console.log('Stopping: what the backend does not have yet is on the disk.');
  await running.stop();
  pulse.end();
  return EXIT.ok;
}
