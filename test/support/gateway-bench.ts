import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { startGateway } from '../../src/gateway/gateway.ts';
import type { Gateway, GatewayOptions } from '../../src/gateway/gateway-options.ts';
import type { MediaReference } from '../../src/gateway/received.ts';
import { encryptMedia } from './encrypted-media.ts';
import { file, MediaServer } from './media-server.ts';
import { received } from './received-messages.ts';
import { RecordingLogger } from './recording-logger.ts';
import { scratchFolder } from './scratch-folder.ts';
import { ScriptedBackend } from './scripted-backend.ts';
import { type ScriptedSession, ScriptedSessions } from './scripted-session.ts';

/** Settings under which a bot can run. */
export const EASY = { config: { media_storage_quota_gb: 1 } };

/** A gateway between a scripted provider, a real media host and a scripted backend. */
export interface GatewayBench {
  readonly backend: ScriptedBackend;
  readonly media: MediaServer;
  readonly sessions: ScriptedSessions;
  readonly log: RecordingLogger;
  readonly dir: string;
  start(overrides?: Partial<GatewayOptions>): Promise<Gateway>;
  /** Starts a gateway, and has the backend start `bot` on it. */
  startWithBot(overrides?: Partial<GatewayOptions>): Promise<{ gateway: Gateway; session: ScriptedSession }>;
  /** The names in the staging folder. */
  readonly staged: () => Promise<string[]>;
}

export async function gatewayBench(): Promise<GatewayBench> {
  const dir = await scratchFolder();
  const [backend, media] = await Promise.all([ScriptedBackend.start(), MediaServer.start()]);
  onTestFinished(() => backend.close());
  onTestFinished(() => media.close());
  const sessions = new ScriptedSessions(media.origin);
  const log = new RecordingLogger();
  const stagingFolder = path.join(dir, 'staging');
  const start = async (overrides: Partial<GatewayOptions> = {}): Promise<Gateway> => {
    const gateway = await startGateway({
      dataFolder: path.join(dir, 'data'),
      stagingFolder,
      backendUrls: [backend.url],
      token: backend.token,
      createSession: sessions.create,
      clock: systemClock(),
      log,
      gatewayId: 'north',
      providerName: 'simulator',
      random: () => 0,
      ...overrides,
    });
    onTestFinished(() => gateway.stop());
    return gateway;
  };
  return {
    backend,
    media,
    sessions,
    log,
    dir,
    start,
    async startWithBot(overrides) {
      const links = backend.links.length;
      const gateway = await start(overrides);
      await backend.until(() => (backend.links[links]?.length ?? 0) > 0);
      const made = sessions.all.length;
      backend.send({ type: 'bot.start', bot_id: 'bot', ...EASY });
      await backend.until(() => sessions.all.length > made || sessions.all.at(-1)?.state === 'started');
      return { gateway, session: sessions.of('bot') };
    },
    async staged() {
      return (await readdir(stagingFolder)).filter((name) => !name.startsWith('.'));
    },
  };
}

/** A picture at `path` of the media host, and the message that brings it. */
export function picture(
  bench: GatewayBench,
  id: string,
  options: {
    readonly sender?: string;
    readonly served?: boolean;
    readonly media?: Partial<MediaReference>;
  } = {},
) {
  const { ciphertext, plain, reference } = encryptMedia(Buffer.from(`picture ${id}`), {
    directPath: `/${id}`,
    ...options.media,
  });
  if (options.served ?? true) bench.media.on(`/${id}`, file(ciphertext));
  const message = received(id, { media: reference });
  const { sender = message.wire.sender } = options;
  return { ciphertext, plain, message: { ...message, wire: { ...message.wire, sender } } };
}
