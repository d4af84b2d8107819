import { onTestFinished } from 'vitest';
import type { DragomanEvent } from '../../src/actors/events.ts';
import { systemClock } from '../../src/base/clock.ts';
import { newGuid } from '../../src/base/ids.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { CorrespondentKey } from '../../src/jobs/job.ts';
import type { ReadyMessage } from '../../src/queue/message.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { openStagingFolders } from '../../src/staging/staging-folders.ts';
import { openMemoryStore } from './memory-store/memory-store.ts';
import type { CorrespondentRecord } from '../../src/store/chat-store.ts';
import type { Store } from '../../src/store/store.ts';
import type { Gateway } from '../../src/gateway/gateway-options.ts';
import { type Backend, startBackend } from '../../src/system/backend.ts';
import { parseConfig } from '../../src/system/config.ts';

import { LIVE_GATEWAY, type LiveGatewayOptions, stagingFolderIn, startLiveGateway } from './live-gateway.ts';
import { scratchFolder } from './scratch-folder.ts';
import { stubPools } from './stub-pools.ts';

const TOKEN = 'a token that nobody guesses';
const WHOLE = { afterSeq: 0, limit: 10_000 };
const FIRST_PHONE = 4_915_550_000_001;

export interface WorksOptions {
  readonly bots?: readonly string[];
  /** How long the stubs pretend to work. */
  readonly stubDelayMs?: number;
  /** Stands between the backend and its store. */
  readonly intercept?: (store: Store) => Store;
}

/**
 * A simulated WhatsApp and a whole backend on a memory store, for a gateway that the test starts, in this process or in
 * its own. Bots are paired as soon as they show a QR code: the first with the first account, and so on.
 */
export class Works {
  readonly simulator: Simulator;
  readonly store: Store;
  readonly backend: Backend;
  /** Everything that the backend told, in order. */
  readonly events: readonly DragomanEvent[];
  readonly dir: string;
  readonly #bots: readonly string[];
  #changed = Promise.withResolvers<void>();

  private constructor(
    parts: Pick<Works, 'simulator' | 'store' | 'backend' | 'dir'>,
    bots: readonly string[],
  ) {
    this.simulator = parts.simulator;
    this.store = parts.store;
    this.backend = parts.backend;
    this.dir = parts.dir;
    this.#bots = bots;
    const events: DragomanEvent[] = [];
    this.events = events;
    this.backend.events.listen((event) => {
      events.push(event);
      if (event.kind === 'bot' && event.qr !== null) void this.#pair(event.botId, event.qr);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    });
  }

  static async start({
    bots = ['main'],
    stubDelayMs = 0,
    intercept = (store) => store,
  }: WorksOptions = {}): Promise<Works> {
    const dir = await scratchFolder();
    const clock = systemClock();
    const simulator = await startSimulator();
    onTestFinished(() => simulator.close());
    const store = openMemoryStore({ clock, newClaimToken: newGuid });
    const backend = await startBackend({
      config: parseConfig({
        dataFolder: dir,
        listen: { port: 0 },
        // Whoever keeps killing the gateway has more media pending than any chat should.
        bots: bots.map((id) => ({ id, gateway: LIVE_GATEWAY, limits: { maxPlaceholders: 10_000 } })),
        gateways: [{ id: LIVE_GATEWAY, token: TOKEN }],
        pools: stubPools(stubDelayMs),
      }),
      store: intercept(store),
      staging: await openStagingFolders(stagingFolderIn(dir)),
      credentials: [{ gatewayId: LIVE_GATEWAY, token: TOKEN }],
      clock,
      log: silentLogger,
      onEscalation: (error) => {
        throw error;
      },
    });
    onTestFinished(() => backend.stop());
    return new Works({ simulator, store, backend, dir }, bots);
  }

  /** What a gateway needs to know to join. */
  get gatewayOptions() {
    const { mediaOrigin: simulator } = this.simulator.endpoint;
    return { dir: this.dir, backendUrl: this.backend.url, token: TOKEN, simulator };
  }

  /** The phone number of a bot's account. */
  phoneOf(botId: string): string {
    return String(FIRST_PHONE + this.#bots.indexOf(botId));
  }

  /** Resolves to the first event that matches, from the one with this index on. */
  async untilEvent(matches: (event: DragomanEvent) => boolean, from = 0): Promise<DragomanEvent> {
    return this.until(() => this.events.slice(from).find(matches));
  }

  untilOpen(botId = 'main', from = 0): Promise<DragomanEvent> {
    return this.untilEvent(
      (event) => event.kind === 'bot' && event.botId === botId && event.state === 'open',
      from,
    );
  }

  /** Resolves once `found` gives something; asks it again after every event. */
  async until<T>(found: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = found();
      if (value !== undefined && value !== false) return value;
      await this.#changed.promise;
    }
  }

  /** Resolves when so many messages are in the histories of all chats. */
  async untilIngested(count: number): Promise<void> {
    await this.until(() => this.ingestedCount >= count);
  }

  get ingestedCount(): number {
    return this.events.reduce(
      (sum, event) => (event.kind === 'ingested' ? sum + event.messages.length : sum),
      0,
    );
  }

  chats(botId = 'main'): Promise<readonly CorrespondentRecord[]> {
    return this.store.correspondents(botId);
  }

  /** A chat's history in the order of its places, or in that of its ingestion. */
  async history(chat: CorrespondentKey, order: 'place' | 'ingestion' = 'place'): Promise<ReadyMessage[]> {
    const messages = (await this.store.history(chat, WHOLE)).map(({ message }) => message);
    return order === 'ingestion' ? messages : messages.toSorted((a, b) => a.id - b.id);
  }

  /** The history of the bot's only chat. */
  async onlyHistory(botId = 'main'): Promise<ReadyMessage[]> {
    const chats = await this.chats(botId);
    const [chat] = chats;
    if (chat === undefined || chats.length > 1) throw new Error(`expected one chat, got ${chats.length}`);
    return this.history(chat);
  }

  async #pair(botId: string, qr: string): Promise<void> {
    // A QR code that was shown before a crash belongs to a connection that is gone.
    await this.simulator.scan(qr, this.phoneOf(botId)).catch(() => {});
  }
}

export type LiveWorksOptions = WorksOptions & Pick<LiveGatewayOptions, 'settings' | 'policy'>;

/** The works with a gateway in this process, every bot open. */
export async function liveWorks({ settings, policy, ...options }: LiveWorksOptions = {}): Promise<{
  readonly works: Works;
  readonly startGateway: () => Promise<Gateway>;
}> {
  const works = await Works.start(options);
  const startGateway = async (): Promise<Gateway> => {
    const from = works.events.length;
    const gateway = await startLiveGateway({
      ...works.gatewayOptions,
      ...(settings && { settings }),
      ...(policy && { policy }),
    });
    onTestFinished(() => gateway.stop());
    for (const botId of options.bots ?? ['main']) await works.untilOpen(botId, from);
    return gateway;
  };
  return { works, startGateway };
}
