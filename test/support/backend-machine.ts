import { onTestFinished } from 'vitest';
import type { DragomanEvent } from '../../src/actors/events.ts';
import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import type { InboundFrame } from '../../src/protocol/frames.ts';
import { openStagingFolder } from '../../src/staging/staging-folder.ts';
import { StagingFolders } from '../../src/staging/staging-folders.ts';
import { MemoryDatabase } from './memory-store/memory-database.ts';
import { openMemoryStore } from './memory-store/memory-store.ts';
import { type Backend, type BackendOptions, startBackend } from '../../src/system/backend.ts';
import { parseConfig } from '../../src/system/config.ts';
import { contents } from './chat-bench.ts';
import { GatewaySocket } from './gateway-socket.ts';
import { BOT, GATEWAY } from './inbound-frames.ts';
import { RecordingLogger } from './recording-logger.ts';
import { scratchFolder } from './scratch-folder.ts';
import { stubPools } from './stub-pools.ts';

const TOKEN = 'the token of the gateway';
export const STUB_POOLS = stubPools(0);

/** Backends over one set of data, one after another. */
export async function machine(changes: Record<string, unknown> = {}) {
  const database = new MemoryDatabase();
  const staging = await openStagingFolder(await scratchFolder());
  const clock = systemClock();
  const log = new RecordingLogger();
  const config = parseConfig({
    listen: { port: 0 },
    bots: [{ id: BOT, gateway: GATEWAY }],
    gateways: [{ id: GATEWAY, token: TOKEN }],
    pools: STUB_POOLS,
    ...changes,
  });
  const running: Backend[] = [];
  onTestFinished(async () => {
    for (const backend of running) await backend.stop();
  });
  return {
    staging,
    log,
    config,
    async start(more: Partial<BackendOptions> = {}) {
      const store = openMemoryStore({ clock, newClaimToken: newGuid, database });
      const credentials = config.gateways.map(({ id, token }) => ({ gatewayId: id, token }));
      const onEscalation = (error: unknown) => log.error({ reason: String(error) }, 'escalated');
      const backend = await startBackend({
        config,
        store,
        staging: new StagingFolders(staging),
        credentials,
        clock,
        log,
        onEscalation,
        ...more,
      });
      running.push(backend);
      return { backend, store, watch: watcher(backend) };
    },
  };
}

/** Waits for what a backend says. */
function watcher(backend: Backend) {
  const events: DragomanEvent[] = [];
  let changed = Promise.withResolvers<void>();
  backend.events.listen((event) => {
    events.push(event);
    changed.resolve();
    changed = Promise.withResolvers();
  });
  const ingested = () =>
    events.flatMap((event) => (event.kind === 'ingested' ? contents(event.messages) : []));
  return {
    events,
    async untilIngested(count: number): Promise<string[]> {
      while (ingested().length < count) await changed.promise;
      return ingested();
    },
  };
}

export async function connected(url: string): Promise<GatewaySocket> {
  const link = await GatewaySocket.connect(url, TOKEN, GATEWAY);
  await link.next('bot.start');
  link.send({ type: 'bot.status', bot_id: BOT, state: 'open' });
  return link;
}

export async function acked(link: GatewaySocket, frame: InboundFrame): Promise<void> {
  link.send(frame);
  await link.until(() => link.ofType('ack').some(({ seq }) => seq === frame.seq));
}
