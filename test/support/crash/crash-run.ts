import { setTimeout as pause } from 'node:timers/promises';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { SeededChoices } from '../simulation/seeded-choices.ts';
import { BotProgram } from './bot-program.ts';
import { compare, type Damage, stagedFiles } from './compare.ts';
import { writeCrashConfig } from './crash-config.ts';
import type { CrashStore } from './crash-store.ts';
import type { Plant } from './failpoint-names.ts';
import { type Blow, Lives, urlOf } from './lives.ts';
import { Operator } from './operator.ts';
import { Plants } from './plants.ts';
import { Script } from './script.ts';
import { Talk } from './talk.ts';
import { Texts } from './texts.ts';
import { tornIn } from './torn.ts';

export interface CrashOptions {
  readonly folder: string;
  readonly store: CrashStore;
  readonly blows: readonly Blow[];
  /** What is said, and what an operator does, depend on it. */
  readonly seed: number;
  /** Media fail, and an operator does things, also where no blow needs it. */
  readonly isRestless?: boolean;
  /** Told of each blow, before it. */
  readonly told?: (blow: Blow) => void;
}

export interface CrashReport extends Damage {
  readonly said: number;
  readonly kills: number;
  /** Failpoints that no process came to. */
  readonly unreached: readonly string[];
  /** Jobs without a placeholder, and the other way round, right after a kill. */
  readonly torn: readonly string[];
}

/** What comes to rest does so long before, on a busy machine too. */
const REST_DEADLINE_MS = 300_000;
const TIDY_DEADLINE_MS = 60_000;
const POLL_MS = 200;

/** Plays a conversation while one process after the other dies, and tells what that did to it. */
export async function runCrashes(options: CrashOptions): Promise<CrashReport> {
  const { folder, store: crashStore, blows, seed, isRestless = false } = options;
  const simulator = await startSimulator({ seed: String(seed), autoScan: true });
  const isTroubled = isRestless || blows.some(needsTrouble);
  const talk = new Talk(simulator, new Script(new SeededChoices(seed), isTroubled), crashStore);
  const program = new BotProgram();
  const texts = new Texts(simulator, new SeededChoices(seed + 3));
  const operator = new Operator(new SeededChoices(seed + 1), talk, texts);
  const plants = new Plants(crashStore, folder);
  const settings = {
    store: crashStore.location,
    simulator: simulator.endpoint.mediaOrigin,
    // A job that is in hand whenever a process dies is no poison.
    maxAttempts: blows.length + 4,
    withStrictBot: blows.some((blow) => plantFor(blow) !== null),
  };
  const config = {
    whole: await writeCrashConfig(folder, { ...settings, processedBy: 'backend' }),
    withWorkers: await writeCrashConfig(folder, { ...settings, processedBy: 'workers' }),
  };
  const lives = new Lives({ config, program, operator, isRestless });
  try {
    if (settings.withStrictBot) await plants.stopStrictBot();
    await lives.live((dragoman) => dragoman.printed(/main: open$/m));
    await crashStore.endLease();
    const talking = talk.untilToldToStop();
    // Heard below, unless something else has failed by then.
    talking.catch(() => {});
    const struck = await strikeAll(options, lives, plants);
    talk.stop();
    await talking;
    await comeToRest({ folder, crashStore, lives, talk, texts, operator, program });
    const store = await crashStore.open();
    try {
      const damage = await compare({ folder, store, talk, texts, program, planted: plants.planted });
      return { said: talk.said.length, kills: blows.length + 1, ...struck, ...damage };
    } finally {
      await store.close();
    }
  } finally {
    talk.stop();
    await simulator.close();
  }
}

async function strikeAll(
  { store: crashStore, blows, told }: CrashOptions,
  lives: Lives,
  plants: Plants,
): Promise<Pick<CrashReport, 'unreached' | 'torn'>> {
  const unreached: string[] = [];
  const torn: string[] = [];
  for (const blow of blows) {
    told?.(blow);
    const plant = plantFor(blow);
    if (plant !== null) await plants.plant(plant);
    if (!(await lives.strike(blow)))
      unreached.push(blow.kind === 'failpoint' ? blow.failpoint.name : blow.after);
    if (!endsAtLease(blow)) await crashStore.endLease();
    const store = await crashStore.open();
    torn.push(...(await tornIn(store, plants.planted)));
    await store.close();
  }
  return { unreached, torn };
}

interface Rest {
  readonly folder: string;
  readonly crashStore: CrashStore;
  readonly lives: Lives;
  readonly talk: Talk;
  readonly texts: Texts;
  readonly operator: Operator;
  readonly program: BotProgram;
}

/** A last process, undisturbed, brings everything to its end. */
const comeToRest = ({ folder, crashStore, lives, talk, texts, operator, program }: Rest): Promise<void> =>
  lives.live(
    async (dragoman, signal) => {
      const url = await urlOf(dragoman);
      await dragoman.printed(/main: open$/m);
      await operator.startAll(url, signal);
      await texts.askAgain(url, signal);
      await talk.sayFarewell();
      await until(REST_DEADLINE_MS, async () => {
        const { ingested, unfinished } = await crashStore.look();
        const isThere = talk.said.every(
          (line) => !talk.mustStay(line) || ingested.has(line.providerMessageId),
        );
        return isThere && unfinished === 0;
      });
      await operator.dropAll(url, signal);
      // By news alone: the program has long been following.
      await until(TIDY_DEADLINE_MS, async () => {
        const isTold = talk.said.every(
          (line) => !talk.mustStay(line) || program.knows(line.providerMessageId),
        );
        return isTold && (await stagedFiles(folder)).length === 0;
      });
      const exitCode = await dragoman.stop();
      if (exitCode !== 0)
        throw new Error(`the drain ended with ${exitCode}: ${dragoman.stderr.slice(-4_000)}`);
    },
    { isResting: true },
  );

/** What is not so by then shows when everything is compared. */
async function until(deadlineMs: number, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!(await isSo()) && performance.now() < deadline) await pause(POLL_MS);
}

const plantFor = (blow: Blow): Plant | null => {
  const way = blow.kind === 'failpoint' ? blow.failpoint.way : 'talk';
  return typeof way === 'object' && 'plant' in way ? way.plant : null;
};

/** Who dies by chance, or while it has to do with its lease, leaves one for the next to wait for. */
const endsAtLease = (blow: Blow): boolean =>
  blow.kind === 'moment' || blow.failpoint.name.startsWith('lease ');

/** Failed jobs come of media that fail. */
const needsTrouble = (blow: Blow): boolean => {
  const way = blow.kind === 'failpoint' ? blow.failpoint.way : 'talk';
  return (
    way === 'trouble' || (typeof way === 'object' && 'deed' in way && ['retry', 'drop'].includes(way.deed))
  );
};
