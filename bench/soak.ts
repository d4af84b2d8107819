/**
 * An hour of mixed load in ten minutes: one Dragoman process on SQLite, people and a group who write texts and send media
 * through the simulator, six times as fast as a lively hour. Memory, handles and files are looked at all along: what they
 * are in the last third must not be above what they were in the second. `DRAGOMAN_SOAK_MINUTES` makes it shorter or longer.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ScenarioStep } from '../src/simulator/scenario.ts';
import { startSimulator } from '../src/simulator/simulator.ts';
import { sqliteCrashStore } from '../test/support/crash/crash-store.ts';
import { DragomanProcess } from '../test/support/dragoman-process.ts';
import { stubPools } from '../test/support/stub-pools.ts';

const MINUTES = Number(process.env['DRAGOMAN_SOAK_MINUTES'] ?? 10);
const SAMPLES = 60;
const ROUND_EVERY_MS = 400;
const PEOPLE = ['Ana', 'Bruno', 'Chloé', 'Dilan', 'Eva', 'Farid'] as const;
const MOST_WAITING = 200;
const KIB = 1024;

interface Sample {
  readonly minute: number;
  readonly rssMib: number;
  readonly handles: number;
  readonly stagedFiles: number;
  readonly messages: number;
}

export async function run(): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'dragoman-soak-'));
  const simulator = await startSimulator({ seed: 'soak', autoScan: true });
  simulator.group('Trip', PEOPLE.slice(0, 3));
  const store = sqliteCrashStore(folder);
  const config = path.join(folder, 'dragoman.json');
  await writeFile(config, JSON.stringify(configOf(folder, simulator.endpoint.mediaOrigin)));
  const dragoman = DragomanProcess.spawn('start', '--config', config);
  try {
    await dragoman.printed(/: open$/m);
    const samples = await load(MINUTES * 60_000, {
      play: async (round) => (await simulator.play(stepsOf(round))).length,
      inHistory: async () => (await store.look()).ingested.size,
      look: async (minute, messages) => ({ ...(await lookAt(dragoman.pid, folder)), minute, messages }),
    });
    report(samples);
    if ((await dragoman.stop()) !== 0) throw new Error('expected a clean stop');
  } finally {
    await dragoman.kill();
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Load {
  play(round: number): Promise<number>;
  inHistory(): Promise<number>;
  look(minute: number, messages: number): Promise<Sample>;
}

async function load(durationMs: number, { play, inHistory, look }: Load): Promise<readonly Sample[]> {
  const startedAt = performance.now();
  const samples: Sample[] = [];
  let sent = 0;
  for (let round = 0; ; round += 1) {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs >= (samples.length * durationMs) / SAMPLES)
      samples.push(await look(elapsedMs / 60_000, sent));
    if (elapsedMs >= durationMs) return samples;
    await pause(ROUND_EVERY_MS);
    if (sent - (await inHistory()) < MOST_WAITING) sent += await play(round);
  }
}

/** Texts, pictures, voice notes, videos and documents, from everybody, one kind of medium after the other. */
function stepsOf(round: number): ScenarioStep[] {
  const from = PEOPLE[round % PEOPLE.length] ?? 'Ana';
  const media: readonly ScenarioStep[] = [
    { from, image: 60_000, caption: `picture ${round}` },
    { from, voice: 20_000 },
    { from, video: 200_000, caption: `video ${round}` },
    { from, document: 30_000, fileName: 'plan.pdf' },
  ];
  const medium = media[round % media.length];
  return [
    { from, text: `text ${round}` },
    ...(medium === undefined ? [] : [medium]),
    { from: 'Ana', in: 'Trip', text: `to the group ${round}` },
    { from, text: `and another one, ${round}` },
  ];
}

async function lookAt(pid: number, folder: string) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const rssKib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  return {
    rssMib: Math.round(rssKib / KIB),
    handles: (await readdir(`/proc/${pid}/fd`)).length,
    stagedFiles: (await readdir(path.join(folder, 'staging'))).length,
  };
}

function report(samples: readonly Sample[]): void {
  const third = Math.floor(samples.length / 3);
  const middle = samples.slice(third, 2 * third);
  const last = samples.slice(2 * third);
  const { minute = 0, messages = 0 } = samples.at(-1) ?? {};
  console.log(`${messages.toLocaleString('en')} messages in ${minute.toFixed(1)} minutes`);
  for (const what of ['rssMib', 'handles', 'stagedFiles'] as const) {
    const most = (some: readonly Sample[]): number => Math.max(...some.map((sample) => sample[what]));
    console.log(`${what}: at most ${most(middle)} in the second third, ${most(last)} in the last`);
  }
}

const configOf = (folder: string, simulator: string) => ({
  dataFolder: folder,
  stagingFolder: path.join(folder, 'staging'),
  store: sqliteCrashStore(folder).location,
  simulator,
  listen: { port: 0 },
  http: { enabled: false },
  log: { level: 'warn' },
  pools: stubPools(200),
});
