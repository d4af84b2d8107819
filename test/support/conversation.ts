import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { ScenarioStep } from '../../src/simulator/scenario.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { DragomanProcess } from './dragoman-process.ts';
import { stubPools } from './stub-pools.ts';

/** A message of the history as far as two runs of one conversation must agree on it. */
export interface Remembered {
  readonly chat: string;
  readonly id: number;
  /** GUIDs, which differ from run to run, are masked. */
  readonly content: string;
}

export interface Conversation {
  readonly steps: readonly ScenarioStep[];
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

export interface Stage {
  readonly simulator: Simulator;
  /** kill -9 of the whole process, and a new one over the same folder; resolves when that is up, or at once. */
  killAndRestart(until: 'up' | 'spawned'): Promise<void>;
}

const GUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const SEED = 'conversation';
const POLL_MS = 50;
const DEADLINE_MS = 60_000;
const STUB_DELAY_MS = 150;

/**
 * Plays a conversation through a real process and resolves to the history that it leaves, in order of chat and place.
 * `disturb` runs beside it and may do harm; the run is finished undisturbed when it has ended.
 */
export async function playThrough(
  folder: string,
  conversation: Conversation,
  disturb: (stage: Stage) => Promise<void> = async () => {},
): Promise<readonly Remembered[]> {
  const simulator = await startSimulator({ seed: SEED, autoScan: true });
  const config = await writeConfig(folder, simulator.endpoint.mediaOrigin);
  let dragoman = DragomanProcess.spawn('start', '--config', config);
  try {
    await dragoman.printed(/: open$/m);
    for (const [name, members] of Object.entries(conversation.groups)) simulator.group(name, members);
    const stage: Stage = {
      simulator,
      async killAndRestart(until) {
        await dragoman.kill();
        dragoman = DragomanProcess.spawn('start', '--config', config);
        if (until === 'up') await dragoman.printed(/Dragoman is up/);
      },
    };
    const [sent] = await Promise.all([simulator.play(conversation.steps), disturb(stage)]);
    await remembered(folder, sent.length, () => dragoman.stderr);
    const exitCode = await dragoman.stop();
    if (exitCode !== 0) throw new Error(`the drain ended with ${exitCode}: ${dragoman.stderr}`);
    return readHistory(folder);
  } finally {
    await dragoman.kill();
    await simulator.close();
  }
}

/** Resolves when the history has as many messages as were sent. */
async function remembered(folder: string, wanted: number, describe: () => string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const got = readHistory(folder).length;
    if (got >= wanted) return;
    if (performance.now() > deadline) {
      throw new Error(`${got} of ${wanted} messages are in the history. Log:\n${describe().slice(-4_000)}`);
    }
    await pause(POLL_MS);
  }
}

/** Reads beside the process that writes, as anybody may. */
function readHistory(folder: string): readonly Remembered[] {
  const database = new DatabaseSync(path.join(folder, 'dragoman.db'), {
    readOnly: true,
    // a process that starts after kill -9 holds the file alone while it recovers the log
    timeout: 5_000,
  });
  try {
    const rows = database
      .prepare('SELECT correspondent_id, id, message FROM queues ORDER BY correspondent_id, id')
      .all() as unknown as readonly { correspondent_id: string; id: number; message: string }[];
    return rows.map(({ correspondent_id: chat, id, message }) => {
      const { content } = JSON.parse(message) as { content: string };
      return { chat, id, content: content.replaceAll(GUID, '<guid>') };
    });
  } finally {
    database.close();
  }
}

async function writeConfig(folder: string, simulator: string): Promise<string> {
  const file = path.join(folder, 'dragoman.json');
  const config = {
    dataFolder: folder,
    simulator,
    listen: { port: 0 },
    leaseMs: 2_000,
    pools: stubPools(STUB_DELAY_MS),
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}
