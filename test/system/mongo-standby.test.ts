import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { freePort } from '../support/listening-port.ts';
import { MONGODB_URL, SKIPPED, TestDatabase } from '../support/mongo-subject.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { configured, startDragoman } from '../support/started-dragoman.ts';
import { stubPools } from '../support/stub-pools.ts';

if (MONGODB_URL === undefined) console.warn(`active and standby on one MongoDB: ${SKIPPED}`);

const DEEP = process.env['DRAGOMAN_DEEP'] === '1';
const TOKEN = 'the token of the gateway';
/** What is promised. A lease, a poll and a start take 11 s at most: the rest is for a machine that is busy. */
const TAKE_OVER_MS = 15_000;
const UP = /Gateways dial/;
const STANDING_BY = /Standing by/;

describe.skipIf(MONGODB_URL === undefined)('active and standby on one MongoDB', () => {
  let database: TestDatabase;
  beforeAll(() => {
    database = new TestDatabase();
  });
  afterAll(() => database.drop());

  const history = async (): Promise<unknown[]> => {
    const entries = database.client
      .db()
      .collection('queues')
      .find({}, { sort: { id: 1 } });
    return (await entries.toArray()).map((entry): unknown => entry['content']);
  };

  /** Two backends' ports on one store and one staging folder, a gateway that knows both, an offline WhatsApp. */
  async function world() {
    const simulator = await startSimulator({ autoScan: true });
    onTestFinished(() => simulator.close());
    const media = path.join(await scratchFolder(), 'media');
    const ports = [await freePort(), await freePort()] as const;
    const config = await configured(await scratchFolder(), {
      dataFolder: '.',
      stagingFolder: media,
      store: database.url,
      leaseMs: 2_000,
      bots: [{ id: 'main', gateway: 'north' }],
      gateways: [{ id: 'north', token: TOKEN }],
      pools: stubPools(20),
    });
    const uplink = await configured(await scratchFolder(), {
      dataFolder: '.',
      stagingFolder: media,
      simulator: simulator.endpoint.mediaOrigin,
      uplink: {
        gatewayId: 'north',
        token: TOKEN,
        backends: ports.map((port) => `ws://127.0.0.1:${port}/gateway`),
      },
    });
    let said = 0;
    return {
      simulator,
      backend: (which: 0 | 1) => startDragoman('backend', '--config', config, '--port', String(ports[which])),
      gateway: () => startDragoman('gateway', '--config', uplink),
      async talk(): Promise<void> {
        said += 1;
        await simulator.say('Ana', { text: `${said}: a word` });
        await simulator.say('Ana', { image: 3_000, caption: `${said}: a picture` });
      },
      /** Everything that was said is in the history, once, in order, with its words. */
      async told(): Promise<void> {
        const expected = Array.from({ length: said }, (_, index) => [
          `${index + 1}: a word`,
          expect.stringMatching(new RegExp(`^\\[Transcripted image .*\\] ${index + 1}: a picture$`)),
        ]).flat();
        await expect.poll(history, { timeout: 60_000, interval: 100 }).toEqual(expected);
      },
    };
  }

  test('the standby takes over from one that is killed, and one that slept finds that it was overtaken', async () => {
    const { backend, gateway, talk, told } = await world();
    const first = backend(0);
    await first.printed(UP);
    const client = gateway();
    await client.printed(/: open$/m);
    const second = backend(1);
    await second.printed(STANDING_BY);
    await second.printed(/told at (\S+)/);
    const [, readyz = ''] = /told at (http\S+readyz)/.exec(second.stdout) ?? [];
    const ready = await fetch(readyz);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toContain('standing by for the backend on');
    await talk();
    await told();

    const killedAt = performance.now();
    // Watched from the start, so that what this process does meanwhile is not counted.
    const served = second.printed(UP).then(() => performance.now() - killedAt);
    await first.kill();
    await talk();
    const tookMs = Math.round(await served);
    console.info(`the standby served ${tookMs} ms after the active backend was killed`);
    expect(tookMs).toBeLessThan(TAKE_OVER_MS);
    await told();

    second.signal('SIGSTOP');
    const third = backend(0);
    await third.printed(UP);
    // These are on their way to the sleeper, which would write them when it wakes.
    await talk();
    second.signal('SIGCONT');
    expect(await second.exited()).toBe(69);
    expect(second.stderr).toMatch(/dragoman: the backend on .* has taken the store over/);
    await told();

    if (!DEEP) return;
    const fourth = backend(1);
    await fourth.printed(STANDING_BY);
    expect(await third.stop()).toBe(0);
    await fourth.printed(UP);
    await talk();
    await told();

    const fifth = backend(0);
    await fifth.printed(STANDING_BY);
    expect(await fifth.stop()).toBe(0);
    expect(await client.stop()).toBe(0);
    expect(await fourth.stop()).toBe(0);
  }, 180_000);
});

test.skipIf(MONGODB_URL === undefined)(
  'a backend on MongoDB needs no data folder: where it can have none, it says so and works',
  async () => {
    const database = new TestDatabase();
    onTestFinished(() => database.drop());
    const folder = await scratchFolder();
    const config = await configured(folder, {
      dataFolder: './dragoman.json/data',
      stagingFolder: './media',
      store: database.url,
      gateways: [{ id: 'north', token: TOKEN }],
    });
    const backend = startDragoman('backend', '--config', config, '--port', '0');
    await backend.printed(UP);
    expect(backend.stderr).toContain('the pulse could not be written');
    expect(await backend.stop()).toBe(0);
  },
);
