import { Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { InspectorLog } from '../../src/actors/kit/inspector-log.ts';
import { systemClock } from '../../src/base/clock.ts';
import { startTogether } from '../../src/cli/together.ts';
import { DEFAULT_POOLS } from '../../src/jobs/pools.ts';
import type { ScenarioStep } from '../../src/simulator/scenario.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { parseConfig } from '../../src/system/config.ts';
import { createLogger } from '../../src/system/logger.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

const PEOPLE = ['Philomena', 'Balthasar', 'Quirin'];
const GROUP = 'Eierlikoerfreunde';
const SECRETS = [...PEOPLE, GROUP, 'rutabaga', 'marzipan', 'nightingale', 'invoice-4711'];

/** Texts, captions, file names, in chats of two and in a group, with media that come and media that do not. */
const conversation: readonly ScenarioStep[] = [
  ...PEOPLE.flatMap((from): ScenarioStep[] => [
    { from, text: 'the rutabaga is in the cellar' },
    { from, image: 5_000, caption: 'marzipan' },
  ]),
  { from: 'Quirin', document: 3_000, fileName: 'invoice-4711.pdf' },
  { from: 'Quirin', image: 3_000, caption: 'nightingale', fault: { kind: 'wrong_hash' } },
  { pauseMs: 500 },
  ...PEOPLE.map((from): ScenarioStep => ({ from, in: GROUP, text: 'rutabaga for all' })),
  { from: 'Philomena', in: GROUP, voice: 3_000 },
];

test('of a whole conversation no number, name or word is in the log at level info', async () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const clock = systemClock();
  const simulator = await startSimulator({ seed: 'p3' });
  onTestFinished(() => simulator.close());
  const log = createLogger({ level: 'info', pretty: false, destination });
  const config = parseConfig({
    dataFolder: await scratchFolder(),
    simulator: simulator.endpoint.mediaOrigin,
    listen: { port: 0 },
    pools: DEFAULT_POOLS.map((pool) =>
      ['corrupt', 'unsupported'].includes(pool.processor)
        ? pool
        : { ...pool, processorOptions: { delayMs: 20 } },
    ),
  });
  const together = await startTogether({
    config,
    clock,
    log,
    onEscalation: (error) => expect.unreachable(String(error)),
  });
  onTestFinished(() => together.stop());
  const { events, system } = together.backend;
  const open = Promise.withResolvers<void>();
  const ingested = Promise.withResolvers<void>();
  let missing = conversation.filter((step) => 'from' in step).length;
  events.listen((event) => {
    if (event.kind === 'bot' && event.state === 'open') open.resolve();
    if (event.kind === 'bot' && event.qr !== null) simulator.scan(event.qr).catch(open.reject);
    if (event.kind === 'ingested') missing -= event.messages.length;
    if (missing === 0) ingested.resolve();
  });
  await open.promise;
  const group = simulator.group(GROUP, PEOPLE);
  await simulator.play(conversation);
  await ingested.promise;
  const inspector = new InspectorLog(system, { clock, log });
  inspector.logTree();
  inspector.close();
  await together.stop();

  const identities = [...PEOPLE.map((name) => simulator.person(name).identity), simulator.account().identity];
  const identifiers = identities.flatMap(({ phone, lid }) => [phone, lid.replace(/@.*/, '')]);
  const whole = lines.join('');
  expect(lines.length).toBeGreaterThan(20);
  expect(whole).toContain('media staged');
  expect(whole).toContain('media given up');
  const found = [...SECRETS, ...identifiers, group.jid.replace(/@.*/, '')].filter((secret) =>
    lines.some((line) => line.toLowerCase().includes(secret.toLowerCase())),
  );
  expect(found, lines.filter((line) => found.some((secret) => line.includes(secret))).join('')).toEqual([]);
});
