/**
 * What the page costs: a backend of its own, with 10,000 chats, takes texts over a real link as fast as it acks them,
 * in turns with nobody watching, with a client of the live feed, and with the page open in Chromium, if there is one.
 * Then 200 texts a second, and how long the page takes to show its first chats meanwhile.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { WebSocket } from 'ws';
import { systemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/log.ts';
import { startWatchedBackend, type WatchedBackend } from '../src/cli/watched-backend.ts';
import { decodeBackendFrame, encodeFrame } from '../src/protocol/codec.ts';
import { openStagingFolders } from '../src/staging/staging-folders.ts';
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import { parseConfig } from '../src/system/config.ts';
import { HAS_CHROMIUM, launchChromium, SKIPPED } from '../test/support/chromium.ts';

const CHATS = 10_000;
const ROUNDS = 4;
const ROUND_MESSAGES = 1_500;
/** Texts on their way: what one link may have unacked. */
const IN_FLIGHT = 500;
const STEADY_PER_SECOND = 200;
const STEADY_MS = 10_000;
const BOT = 'bench';
const GATEWAY = 'gateway-1';
const TOKEN = 'the token of this bench';

/** A gateway that only sends texts, each chat in its turn. */
class Texts {
  readonly #socket: WebSocket;
  #sent = 0;
  #acked = 0;
  #onAck: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const decoded = decodeBackendFrame(data.toString());
      if (decoded.kind === 'malformed' || decoded.frame.type !== 'ack') return;
      this.#acked = Math.max(this.#acked, decoded.frame.seq);
      this.#onAck();
    });
  }

  static async dial(url: string): Promise<Texts> {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const texts = new Texts(socket);
    socket.send(encodeFrame({ type: 'hello', gateway_id: GATEWAY, bots: [BOT] }));
    socket.send(encodeFrame({ type: 'bot.status', bot_id: BOT, state: 'open' }));
    return texts;
  }

  /** Resolves once `count` more are durable. */
  async send(count: number): Promise<void> {
    const until = this.#sent + count;
    while (this.#acked < until) {
      while (this.#sent < until && this.#sent - this.#acked < IN_FLIGHT) this.#sendOne();
      await new Promise<void>((resolve) => (this.#onAck = resolve));
    }
  }

  /** Sends `perSecond` for `forMs`, whatever is acked. */
  async keepSending(perSecond: number, forMs: number): Promise<void> {
    const startedAt = performance.now();
    for (let sent = 0; performance.now() - startedAt < forMs;) {
      const due = ((performance.now() - startedAt) / 1_000) * perSecond;
      for (; sent < due; sent += 1) this.#sendOne();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  close(): void {
    this.#socket.terminate();
  }

  #sendOne(): void {
    this.#sent += 1;
    const sender = `person-${this.#sent % CHATS}`;
    this.#socket.send(
      encodeFrame({
        type: 'inbound',
        seq: this.#sent,
        bot_id: BOT,
        provider_name: 'bench',
        message: {
          provider_message_id: `m-${this.#sent}`,
          sender,
          display_name: `Person ${this.#sent % CHATS}`,
          message: `This is message ${this.#sent}, of a usual length.`,
          direction: 'incoming',
          source: 'user',
          originating_time: Date.now(),
        },
      }),
    );
  }
}

/** Who looks on while it is measured; resolves to what ends it. */
type Watcher = (address: string) => Promise<() => Promise<void>>;

const nobody: Watcher = () => Promise.resolve(() => Promise.resolve());

const aFeedClient: Watcher = async (address) => {
  const socket = new WebSocket(`${address.replace('http', 'ws')}/api/v1/events`, 'dragoman.v1');
  await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject));
  return async () => socket.terminate();
};

const thePage =
  (browser: Browser): Watcher =>
  async (address) => {
    const page = await browser.newPage();
    await openChats(page, address);
    return () => page.close();
  };

async function openChats(page: Page, address: string): Promise<void> {
  await page.goto(`${address}/#/chats`);
  await page.locator('.chat-row').first().waitFor();
}

async function startServing(): Promise<{ readonly watched: WatchedBackend; stop(): Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dragoman-bench-'));
  const clock = systemClock();
  const config = parseConfig({
    dataFolder: folder,
    listen: { port: 0 },
    http: { port: 0 },
    bots: [{ id: BOT, gateway: GATEWAY }],
    gateways: [{ id: GATEWAY, token: TOKEN }],
    log: { backlogEveryMs: 0 },
  });
  const store = await openSqliteStore({ file: path.join(folder, 'bench.db'), clock, log: silentLogger });
  const watched = await startWatchedBackend({
    config,
    store,
    staging: await openStagingFolders(config.stagingFolder, config.gateways),
    credentials: [{ gatewayId: GATEWAY, token: TOKEN }],
    clock,
    log: silentLogger,
    onEscalation: (error) => console.error(error),
  });
  return {
    watched,
    async stop() {
      await watched.stop();
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
const whole = (value: number): string => Math.round(value).toLocaleString('en');

export async function run(): Promise<void> {
  const { watched, stop } = await startServing();
  const address = watched.inspector?.url ?? '';
  const texts = await Texts.dial(watched.backend.url);
  const browser = HAS_CHROMIUM ? await launchChromium() : null;
  if (browser === null) console.log(SKIPPED);
  try {
    await texts.send(CHATS);
    const watchers: readonly (readonly [string, Watcher])[] = [
      ['nobody watches', nobody],
      ['a client of the feed', aFeedClient],
      ...(browser === null ? [] : [['the page in Chromium', thePage(browser)] as const]),
    ];
    await compareThroughput(texts, watchers, address);
    await compareSteadyLoad(texts, watchers, address);
    if (browser !== null) await timeFirstPaint(texts, browser, address);
  } finally {
    await browser?.close();
    texts.close();
    await stop();
  }
}

/** The watchers take turns, so that a disturbance of the machine falls on all of them alike. */
async function compareThroughput(
  texts: Texts,
  watchers: readonly (readonly [string, Watcher])[],
  address: string,
): Promise<void> {
  const speeds = watchers.map((): number[] => []);
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [index, [, watch]] of watchers.entries()) {
      const leave = await watch(address);
      const startedAt = performance.now();
      await texts.send(ROUND_MESSAGES);
      const speed = (ROUND_MESSAGES / (performance.now() - startedAt)) * 1_000;
      if (round > 0) speeds[index]?.push(speed);
      await leave();
    }
  }
  const alone = median(speeds[0] ?? []);
  console.log(`texts durable per second, ${whole(CHATS)} chats, as fast as they are acked`);
  for (const [index, [name]] of watchers.entries()) {
    const speed = median(speeds[index] ?? []);
    console.log(`  ${name.padEnd(24)} ${whole(speed).padStart(8)}   × ${(speed / alone).toFixed(3)}`);
  }
}

async function compareSteadyLoad(
  texts: Texts,
  watchers: readonly (readonly [string, Watcher])[],
  address: string,
): Promise<void> {
  console.log(`processor time of this process at ${STEADY_PER_SECOND} texts per second`);
  for (const [name, watch] of watchers) {
    const leave = await watch(address);
    const before = process.cpuUsage();
    await texts.keepSending(STEADY_PER_SECOND, STEADY_MS);
    const { user, system } = process.cpuUsage(before);
    await leave();
    console.log(
      `  ${name.padEnd(24)} ${((100 * (user + system)) / 1_000 / STEADY_MS).toFixed(1).padStart(8)} %`,
    );
  }
}

/** Each time in a context of its own: nothing is in a cache. */
async function timeFirstPaint(texts: Texts, browser: Browser, address: string): Promise<void> {
  const sending = texts.keepSending(STEADY_PER_SECOND, STEADY_MS);
  const paints: number[] = [];
  const chats: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await openChats(page, address);
    chats.push(await page.evaluate<number>('performance.now()'));
    paints.push(
      await page.evaluate<number>('performance.getEntriesByName("first-contentful-paint")[0].startTime'),
    );
    await context.close();
  }
  await sending;
  console.log(`opening the page meanwhile, empty cache: milliseconds from navigation, median of ${ROUNDS}`);
  console.log(`  first contentful paint   ${whole(median(paints)).padStart(8)}`);
  console.log(`  first chats shown        ${whole(median(chats)).padStart(8)}`);
}
