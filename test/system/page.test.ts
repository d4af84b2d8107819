import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import jsQr from 'jsqr';
import { PNG } from 'pngjs';
import type { Browser, Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { startTogether, type Together } from '../../src/cli/together.ts';
import { DEFAULT_POOLS } from '../../src/jobs/pools.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { parseConfig } from '../../src/system/config.ts';
import {
  accessibilityProblems,
  complaintsOf,
  HAS_CHROMIUM,
  launchChromium,
  SKIPPED,
} from '../support/chromium.ts';
import { acked, connected } from '../support/backend-machine.ts';
import { BOT as TALKATIVE_BOT, textFrame } from '../support/inbound-frames.ts';
import { HTTP_TOKEN, inspected } from '../support/inspected-backend.ts';

if (!HAS_CHROMIUM) console.warn(`the page in a browser: ${SKIPPED}`);

const BOT = 'shop';
const STRANGER = '<img src=x onerror=alert(1)> & Co';
/** Voice notes take a while to be words; stickers never are. */
const DELAYS_MS: Readonly<Record<string, number>> = { audio: 2_500, image: 20, sticker: 600_000 };
const STICKER_TIMEOUT_MS = 100;

const PLACES = {
  desktop: { viewport: { width: 1_280, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1_280, height: 900 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
} as const;

/** A property of the element that has the focus. */
const focused = (page: Page, property: 'id' | 'textContent' | 'type'): Promise<unknown> =>
  page.evaluate(`document.activeElement.${property}`);

/** The text of the QR code that the page draws, as a camera reads it. */
async function scannedFrom(page: Page): Promise<string> {
  const picture = await page.locator('svg.qr').screenshot();
  const { data, width, height } = PNG.sync.read(picture);
  const code = jsQr.default(Uint8ClampedArray.from(data), width, height);
  if (code === null) throw new Error('expected a QR code that can be read');
  return code.data;
}

describe.skipIf(!HAS_CHROMIUM)('the page', () => {
  let browser: Browser;
  let folder: string;
  let simulator: Simulator;
  let together: Together;
  let page: Page;
  let complaints: readonly string[];
  const address = (hash = ''): string => `${together.inspector?.url}/${hash}`;
  const open = async (hash: string): Promise<void> => {
    await page.goto(address(hash));
    await page.getByText('Live', { exact: true }).waitFor();
  };
  const rowOf = (title: string) => page.locator('.chat-row', { has: page.getByText(title, { exact: true }) });

  beforeAll(async () => {
    browser = await launchChromium();
    folder = await mkdtemp(path.join(tmpdir(), 'dragoman-page-'));
    simulator = await startSimulator({ seed: 'page' });
    together = await startTogether({
      config: parseConfig({
        dataFolder: folder,
        simulator: simulator.endpoint.mediaOrigin,
        listen: { port: 0 },
        http: { port: 0 },
        bots: [{ id: BOT }],
        pools: DEFAULT_POOLS.map((pool) => {
          const delayMs = DELAYS_MS[pool.name];
          const timeoutMs = pool.name === 'sticker' ? STICKER_TIMEOUT_MS : pool.timeoutMs;
          return delayMs === undefined ? pool : { ...pool, timeoutMs, processorOptions: { delayMs } };
        }),
      }),
      clock: systemClock(),
      log: silentLogger,
      onEscalation: () => {},
    });
    page = await browser.newPage(PLACES.desktop);
    page.setDefaultTimeout(15_000);
    complaints = complaintsOf(page);
  });
  afterAll(async () => {
    await browser?.close();
    await together?.stop();
    await simulator?.close();
    await rm(folder, { recursive: true });
  });

  test('shows the QR code that links a bot, and that it is linked', async () => {
    await open('');
    await page.getByRole('img', { name: `QR code that links ${BOT}` }).waitFor();
    await page.getByText('No message yet.').waitFor();
    // A code is good for a while only: whoever comes too late scans the next one.
    await vi.waitFor(async () => simulator.scan(await scannedFrom(page)), { timeout: 60_000, interval: 500 });
    await page.locator('.bot', { hasText: 'Connected' }).waitFor();
    expect(await page.locator('svg.qr').count()).toBe(0);
  });

  test('shows a placeholder in its chat’s queue, then its words', async () => {
    await open('#/chats');
    await simulator.say('Ana', { text: 'Listen to this' });
    await simulator.say('Ana', { voice: 3_000 });
    await rowOf('Ana').locator('.place[data-state="placeholder"]', { hasText: 'voice' }).waitFor();
    await rowOf('Ana').getByText('[Transcripted audio multimedia message').first().waitFor();
    expect(await rowOf('Ana').locator('.place[data-state="placeholder"]').count()).toBe(0);
    expect(await rowOf('Ana').locator('.place[data-state="ingested"]').count()).toBe(2);
    await open('');
    const audio = page.locator('.pools tr', { has: page.getByRole('rowheader', { name: 'audio' }) });
    await audio.getByRole('cell', { name: /^(1|0\.\d)$/ }).waitFor();
  });

  test('shows one message’s journey, with what each step took', async () => {
    await open('#/chats');
    await rowOf('Ana').getByRole('link').click();
    await page.getByRole('link', { name: 'Transcripted audio' }).click();
    const journey = page.getByRole('region', { name: 'Journey of message 2' });
    await journey.getByText('Ingested').waitFor();
    expect(await journey.locator('.stop-name').allTextContents()).toEqual([
      'Sent',
      'Received',
      'Journalled',
      'Staged',
      'Claimed',
      'Worded',
      'Ready',
      'Ingested',
    ]);
    expect(await journey.locator('li', { hasText: 'Worded' }).textContent()).toMatch(/\+ [2-9]\.\d s/);
  });

  test('shows a chat in the order of its places, whatever was words first', async () => {
    await simulator.say('Cleo', { voice: 3_000 });
    await simulator.say('Cleo', { text: 'said after it' });
    await open('#/chats');
    await rowOf('Cleo').getByRole('link').click();
    const history = page.getByRole('region', { name: 'History' });
    await history.getByText('Transcripted audio').waitFor();
    expect(await history.locator('.place-id').allTextContents()).toEqual(['2', '1']);
  });

  test('shows what strangers write as they wrote it, and runs none of it', async () => {
    await open('#/chats');
    await simulator.say(STRANGER, { text: '<script>document.title = "mine"</script>' });
    await rowOf(STRANGER).getByText('<script>document.title = "mine"</script>').first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('Chats · Dragoman');
  });

  test('retries a failed job, and drops it', async () => {
    await simulator.say('Ben', { sticker: 0 });
    await open('#/jobs/failed');
    const row = page.locator('tbody tr', { hasText: 'timed_out' });
    await row.getByText('place 1').waitFor();
    await page.getByRole('button', { name: /^Retry/ }).click();
    await page.getByRole('status').filter({ hasText: 'gets another try' }).waitFor();
    // It fails again, in the place of its own that it was given.
    await row.getByText('place 2').waitFor();

    await page.getByRole('button', { name: /^Drop/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Drop this failed job?' });
    await dialog.getByRole('button', { name: 'Keep it' }).click();
    await dialog.waitFor({ state: 'hidden' });
    expect(await row.count()).toBe(1);
    await page.getByRole('button', { name: /^Drop/ }).click();
    await dialog.getByRole('button', { name: 'Drop' }).click();
    await page.getByText('No job has failed.').waitFor();
  });

  test('is walked through by keyboard alone', async () => {
    await open('');
    await page.keyboard.press('Tab');
    expect(await focused(page, 'textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await focused(page, 'id')).toBe('main');
    await page.getByRole('link', { name: 'Chats', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Chats' }).waitFor();
    await vi.waitFor(async () => expect(await focused(page, 'id')).toBe('main'));
    await page.keyboard.press('Tab');
    expect(await focused(page, 'type')).toBe('search');
    await page.keyboard.type('ana');
    await page.getByText('1 chat ·').waitFor();
    await rowOf('Ana').getByRole('link').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Ana', level: 1 }).waitFor();
  });

  test('says when the link is down, and is live again by itself', async () => {
    const sockets: WebSocketRoute[] = [];
    await page.routeWebSocket(/events$/, (socket) => {
      socket.connectToServer();
      sockets.push(socket);
    });
    await page.reload();
    await page.getByText('Live', { exact: true }).waitFor();
    await sockets[0]?.close();
    await page.getByText('Link down, reconnecting').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(sockets).toHaveLength(2);
  });

  test.for(Object.keys(PLACES) as (keyof typeof PLACES)[])(
    'has no accessibility problem, and fits (%s)',
    async (place) => {
      const context = await browser.newContext(PLACES[place]);
      onTestFinished(() => context.close());
      page = await context.newPage();
      const heard = complaintsOf(page);
      const [ana] = (await together.store.correspondents(BOT)).map(({ correspondentId }) => correspondentId);
      const message = `#/chats/${BOT}/${encodeURIComponent(ana ?? '')}/2`;
      const seen = ['', message, ...(place === 'dark' ? [] : ['#/chats', '#/jobs/failed', '#/elsewhere'])];
      for (const hash of seen) {
        await open(hash);
        await page.locator('main').locator('h1, .journey .stops').first().waitFor({ state: 'attached' });
        expect([hash, await accessibilityProblems(page)]).toEqual([hash, []]);
        const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        expect([hash, overflow]).toEqual([hash, 0]);
      }
      expect(heard).toEqual([]);
    },
  );

  test('asks for the token where one is needed', async () => {
    const { inspector } = await inspected({ token: HTTP_TOKEN });
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const guarded = await context.newPage();
    await guarded.goto(inspector.url);
    await guarded.getByLabel('Token').fill('a guess');
    await guarded.getByRole('button', { name: 'Open' }).click();
    await guarded.getByText('That token was refused').waitFor();
    expect(await accessibilityProblems(guarded)).toEqual([]);
    await guarded.getByLabel('Token').fill(HTTP_TOKEN);
    await guarded.getByRole('button', { name: 'Open' }).click();
    await guarded.getByText('Live', { exact: true }).waitFor();
    expect(guarded.url()).not.toContain(HTTP_TOKEN);
  });

  test('finds every chat of a bot, those that were quiet since the start too', async () => {
    const first = await inspected();
    const link = await connected(first.backend.url);
    for (let chat = 1; chat <= 51; chat += 1) {
      await acked(link, textFrame(`${chat}@lid`, `hello from ${chat}`, { display_name: `Person ${chat}` }));
    }
    await first.watch.untilIngested(51);
    await first.inspector.close();
    await first.backend.stop();
    const { inspector } = await first.again();
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const again = await context.newPage();
    await again.goto(inspector.url);
    await again.getByText('No message yet.').waitFor();
    await again.getByRole('link', { name: TALKATIVE_BOT, exact: true }).click();
    await again.getByRole('heading', { name: `Chats of ${TALKATIVE_BOT}` }).waitFor();
    await again.getByRole('link', { name: 'Person 1', exact: true }).waitFor();
    expect(await again.locator('.chat-row').count()).toBe(50);
    expect(await accessibilityProblems(again)).toEqual([]);
    await again.getByRole('button', { name: 'Next page' }).click();
    await again.getByRole('link', { name: 'Person 51' }).click();
    await again.getByText('hello from 51').waitFor();
  });

  test('gave the browser nothing to complain about', () => {
    expect(complaints).toEqual([]);
  });
});
