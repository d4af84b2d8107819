import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { type Clock, systemClock } from '../base/clock.ts';
import { within } from '../base/deadlines.ts';
import { describeError, DragomanError } from '../base/errors.ts';
import { silentLogger } from '../base/log.ts';
import { makeFolder } from '../base/make-folder.ts';
import { DEFAULT_POOLS } from '../jobs/pools.ts';
import { DEMO_GROUP, demoScenario } from '../simulator/demo-scenario.ts';
import type { SentMessage } from '../simulator/person.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import type { Store } from '../store/store.ts';
import { type Config, parseConfig } from '../system/config.ts';
import { DemoScreen } from './demo-screen.ts';
import { EXIT } from './exit-codes.ts';
import { compareHistory, expectationsOf } from './expected-history.ts';
import { startTogether, type Together } from './together.ts';
import { untilSignal } from './until-signal.ts';

const BOT = 'demo';
const DEADLINE_MS = 60_000;
const HISTORY_LIMIT = 1_000;

/** Long enough to be seen, short enough for a demo. By pool. */
const STUB_DELAYS_MS: Readonly<Record<string, number>> = {
  image: 900,
  audio: 1_500,
  video: 3_500,
  document: 1_200,
  sticker: 500,
};

/**
 * `dragoman demo`: pairs a bot with the simulator, lets people talk, and shows placeholders turning into words.
 * Resolves to 0 only if everything that was sent is in the history, in its place.
 */
export async function demo({ dataFolder }: { readonly dataFolder?: string | undefined }): Promise<number> {
  const folder = await emptyFolder(dataFolder);
  const clock = systemClock();
  const interrupted = untilSignal();
  const startedAt = clock.now();
  const simulator = await startSimulator({ clock });
  const escalated = Promise.withResolvers<never>();
  try {
    const together = await startTogether({
      config: demoConfig(folder, simulator.endpoint.mediaOrigin),
      clock,
      log: silentLogger,
      onEscalation: (error) => escalated.reject(error),
    });
    try {
      const sent = await Promise.race([converse(simulator, together, clock), interrupted, escalated.promise]);
      if (typeof sent === 'string') return EXIT.interrupted;
      return await summarise(together.store, sent, clock.now() - startedAt);
    } finally {
      await together.stop();
    }
  } catch (error) {
    console.error(styleText('red', `The demo did not get to its end: ${describeError(error)}`));
    return EXIT.failed;
  } finally {
    await simulator.close();
    if (dataFolder === undefined) await rm(folder, { recursive: true, force: true });
    else console.log(`What the demo stored is in ${folder}.`);
  }
}

/** Pairs, plays the script, and resolves to what was sent once as much has been ingested. */
async function converse(
  simulator: Simulator,
  { backend }: Together,
  clock: Clock,
): Promise<readonly SentMessage[]> {
  const endsAt = clock.now() + DEADLINE_MS;
  const inTime = <T>(what: string, work: Promise<T>): Promise<T> =>
    within(clock, Math.max(0, endsAt - clock.now()), what, work);
  const paired = Promise.withResolvers<void>();
  let ingested = 0;
  let wanted = Number.POSITIVE_INFINITY;
  const complete = Promise.withResolvers<void>();
  let screen: DemoScreen | null = null;
  console.log('An offline WhatsApp is up. The bot shows its QR code, and a phone scans it …');
  const ignore = backend.events.listen((event) => {
    if (event.kind === 'bot' && event.qr !== null) simulator.scan(event.qr).catch(paired.reject);
    if (event.kind === 'bot' && event.state === 'open') paired.resolve();
    if (event.kind === 'ingested') ingested += event.messages.length;
    screen?.take(event);
    if (ingested >= wanted) complete.resolve();
  });
  try {
    await inTime('the bot to be linked', paired.promise);
    const group = simulator.group(DEMO_GROUP.name, DEMO_GROUP.members);
    console.log('Linked. Three people and a group start talking, all at once.\n');
    screen = new DemoScreen(clock, new Map([[group.jid, group.name]]));
    const sent = await inTime('the conversation to be sent', simulator.play(demoScenario));
    wanted = sent.length;
    if (ingested < wanted) await inTime('every message in the history', complete.promise);
    return sent;
  } finally {
    ignore();
    screen?.end();
  }
}

async function summarise(store: Store, sent: readonly SentMessage[], tookMs: number): Promise<number> {
  const damaged = demoScenario.flatMap((step) => ('image' in step && step.fault ? [step.caption] : []));
  const expected = expectationsOf(sent, ({ words }) => damaged.includes(words));
  const problems: string[] = [];
  for (const chat of await store.correspondents(BOT)) {
    const entries = await store.history(chat, { afterSeq: 0, limit: HISTORY_LIMIT });
    const name = chat.aliases.find((alias) => expected.has(alias));
    problems.push(...compareHistory(chat.correspondentId, entries, expected.get(name ?? '') ?? []));
    if (name !== undefined) expected.delete(name);
  }
  for (const chat of expected.keys()) problems.push(`${chat}: nothing of it is in the history`);

  const media = sent.filter(({ kind }) => kind !== 'text').length;
  console.log(
    `  messages   ${sent.length} sent, ${media} of them media, ${damaged.length} of these damaged on purpose`,
  );
  console.log(
    `  order      ${problems.length === 0 ? 'kept in every chat; nothing lost, nothing doubled' : 'NOT as sent'}`,
  );
  console.log(`  time       ${(tookMs / 1_000).toFixed(1)} s from nothing, pairing included`);
  for (const problem of problems) console.error(styleText('red', `  ${problem}`));
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

function demoConfig(dataFolder: string, simulator: string): Config {
  return parseConfig({
    dataFolder,
    simulator,
    listen: { port: 0 },
    http: { enabled: false },
    bots: [{ id: BOT }],
    pools: DEFAULT_POOLS.map((pool) => {
      const delayMs = STUB_DELAYS_MS[pool.name];
      return delayMs === undefined ? pool : { ...pool, processorOptions: { delayMs } };
    }),
  });
}

/** A new folder, or the given one if it holds nothing: an account linked to another simulator would not connect. */
async function emptyFolder(wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return mkdtemp(path.join(tmpdir(), 'dragoman-demo-'));
  const folder = path.resolve(wanted);
  try {
    makeFolder(folder);
  } catch (error) {
    throw new DragomanError('folder_unusable', `cannot make ${folder}: ${describeError(error)}`, {
      cause: error,
    });
  }
  if ((await readdir(folder)).length > 0) {
    throw new DragomanError(
      'folder_unusable',
      `the demo starts from nothing: name an empty folder, ${folder} is not`,
    );
  }
  return folder;
}
