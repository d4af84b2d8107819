import path from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { type Logger, silentLogger } from '../../src/base/log.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import type { Gateway } from '../../src/gateway/gateway-options.ts';
import type { GatewaySettings } from '../../src/gateway/settings.ts';
import { createBaileysSession } from '../../src/gateway/whatsapp/baileys-session.ts';
import { resolveEndpoint } from '../../src/gateway/whatsapp/endpoint.ts';
import type { ReceptionPolicy } from '../../src/gateway/whatsapp/identity.ts';

/** The gateway's id wherever a test needs one. */
export const LIVE_GATEWAY = 'north';

export interface LiveGatewayOptions {
  /** The gateway's own folder and the staging folder are made in it. */
  readonly dir: string;
  readonly backendUrl: string;
  readonly token: string;
  /** The simulator's origin. */
  readonly simulator: string;
  readonly settings?: Partial<GatewaySettings>;
  readonly policy?: ReceptionPolicy;
  readonly log?: Logger;
}

export const stagingFolderIn = (dir: string): string => path.join(dir, 'staging');

/** A gateway as it runs in production, over real Baileys sockets, at a simulated WhatsApp. */
export async function startLiveGateway({
  dir,
  backendUrl,
  token,
  simulator,
  settings = {},
  policy = { groups: 'all' },
  log = silentLogger,
}: LiveGatewayOptions): Promise<Gateway> {
  const clock = systemClock();
  const endpoint = await resolveEndpoint(simulator);
  return startGateway({
    dataFolder: path.join(dir, 'gateway'),
    stagingFolder: stagingFolderIn(dir),
    backendUrls: [backendUrl],
    token,
    gatewayId: LIVE_GATEWAY,
    settings,
    clock,
    log,
    random: () => 0,
    createSession: (request) =>
      createBaileysSession({ ...request, clock, log, endpoint, policy, random: () => 0 }),
  });
}
