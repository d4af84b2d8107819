import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { DragomanEvent } from '../../src/actors/events.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { InboundFrame } from '../../src/protocol/frames.ts';
import { openStagingFolder, type StagingFolder } from '../../src/staging/staging-folder.ts';
import { StagingFolders } from '../../src/staging/staging-folders.ts';
import type { Store } from '../../src/store/store.ts';
import { startBackend } from '../../src/system/backend.ts';
import { parseConfig } from '../../src/system/config.ts';
import { GatewaySocket } from './gateway-socket.ts';
import { GATEWAY, mediaFrame } from './inbound-frames.ts';
import { RecordingLogger } from './recording-logger.ts';
import { scratchFolder } from './scratch-folder.ts';
import { openStoreAt } from './sqlite-subject.ts';

const TOKEN = 'the token of the gateway';

export interface MediaWorksOptions {
  readonly bots: readonly string[];
  /** A module, and how the one pool of voice notes runs it. */
  readonly processor: URL;
  readonly pool?: Readonly<Record<string, unknown>>;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Opens the store; a real SQLite file when it is left out. */
  readonly openStore?: () => Promise<Store>;
}

export interface MediaWorks {
  readonly store: Store;
  readonly staging: StagingFolder;
  readonly log: RecordingLogger;
  /** The configuration as a person would write it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** All that happened so far. */
  readonly events: readonly DragomanEvent[];
  /** Sends a voice note whose file is there; resolves to its GUID once it is accepted. */
  say(botId: string, chat: string, caption: string): Promise<string>;
  /** Resolves when that many messages have reached the history. */
  untilIngested(count: number): Promise<void>;
}

/** A whole backend over a real store, with one pool for voice notes, and a gateway whose bots are connected. */
export async function startMediaWorks(options: MediaWorksOptions): Promise<MediaWorks> {
  const clock = systemClock();
  const log = new RecordingLogger();
  const folder = await scratchFolder();
  const staging = await openStagingFolder(await scratchFolder());
  const openSqlite = (): Promise<Store> => openStoreAt(path.join(folder, 'dragoman.db'));
  const store = await (options.openStore ?? openSqlite)();
  const settings = {
    listen: { port: 0 },
    bots: options.bots.map((id) => ({ id, gateway: GATEWAY })),
    gateways: [{ id: GATEWAY, token: TOKEN }],
    pools: [
      {
        name: 'audio',
        mimeTypes: ['audio/ogg'],
        workers: 3,
        timeoutMs: 60_000,
        processor: fileURLToPath(options.processor),
        ...options.pool,
      },
      { name: 'unsupported', mimeTypes: [], workers: 1, timeoutMs: 1_000, processor: 'unsupported' },
    ],
    ...options.config,
  };
  const config = parseConfig(settings);
  const credentials = [{ gatewayId: GATEWAY, token: TOKEN }];
  const onEscalation = (error: unknown): void => log.error({ reason: String(error) }, 'escalated');
  const backend = await startBackend({
    config,
    store,
    staging: new StagingFolders(staging),
    credentials,
    clock,
    log,
    onEscalation,
  });
  onTestFinished(async () => {
    await backend.stop();
    await store.close();
  });

  const events: DragomanEvent[] = [];
  const ingested = (): number =>
    events.reduce((sum, event) => sum + (event.kind === 'ingested' ? event.messages.length : 0), 0);
  let changed = Promise.withResolvers<void>();
  backend.events.listen((event) => {
    events.push(event);
    changed.resolve();
    changed = Promise.withResolvers();
  });

  const dial = async (): Promise<GatewaySocket> => {
    const link = await GatewaySocket.connect(backend.url, TOKEN, GATEWAY);
    await link.until(() => link.ofType('bot.start').length === options.bots.length);
    for (const botId of options.bots) link.send({ type: 'bot.status', bot_id: botId, state: 'open' });
    return link;
  };
  let dialled = dial();
  await dialled;
  /** As a gateway does: what is not acked when the link closes is sent again over the next one. */
  const deliver = async (frame: InboundFrame): Promise<void> => {
    for (;;) {
      const current = dialled;
      const link = await current;
      const closed = link.closed.then(() => 'closed' as const);
      if ((await Promise.race([acked(link, frame), closed])) !== 'closed') return;
      if (dialled === current) dialled = dial();
    }
  };

  return {
    store,
    staging,
    log,
    settings,
    events,
    async say(botId, chat, caption) {
      const frame = mediaFrame(chat, caption, { media_state: 'staged' });
      await writeFile(staging.pathOf(frame.mediaGuid), 'OggS');
      await deliver({ ...frame, bot_id: botId });
      return frame.mediaGuid;
    },
    async untilIngested(count) {
      while (ingested() < count) await changed.promise;
    },
  };
}

async function acked(link: GatewaySocket, frame: InboundFrame): Promise<void> {
  const ack = link.until(() => link.ofType('ack').some(({ seq }) => seq === frame.seq));
  link.send(frame);
  await ack;
}
