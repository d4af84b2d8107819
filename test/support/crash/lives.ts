import { setTimeout as pause } from 'node:timers/promises';
import { DragomanProcess } from '../dragoman-process.ts';
import type { BotProgram } from './bot-program.ts';
import type { Deed, FailpointName } from './failpoint-names.ts';
import type { Operator } from './operator.ts';

/** How one process dies. */
export type Blow =
  | { readonly kind: 'failpoint'; readonly failpoint: FailpointName; readonly nth: number }
  | { readonly kind: 'moment'; readonly after: 'spawned' | 'up'; readonly waitMs: number };

/** Where processes live and die. */
export interface LivesOptions {
  /** Configuration files: of a process that does everything, and of one that leaves media to workers. */
  readonly config: { readonly whole: string; readonly withWorkers: string };
  readonly program: BotProgram;
  readonly operator: Operator;
  /** Whether the operator does things all the while. */
  readonly isRestless: boolean;
}

/** Only a process that never comes there takes so long, however busy the machine is with others. */
const REACH_DEADLINE_MS = 300_000;
/** A job whose lease is prolonged is in hand for a while yet. */
const IN_HAND_DEADLINE_MS = 20_000;
const DRAINS = 3;
const UP = /^Look inside at (\S+)\.$/m;

/** The lives of one Dragoman, one after the other, each with a bot's program and an operator that talk to it over HTTP. */
export class Lives {
  readonly #options: LivesOptions;

  constructor(options: LivesOptions) {
    this.#options = options;
  }

  /** One that is killed at the end of `work`, should it live that long. */
  async live<T>(
    work: (dragoman: DragomanProcess, signal: AbortSignal) => Promise<T>,
    { config = this.#options.config.whole, args = [], deed = null, isResting = false }: LifeOptions = {},
  ): Promise<T> {
    const dragoman = DragomanProcess.spawnScript('failpoint-process.ts', config, ...args);
    const ending = new AbortController();
    const wish = deed ?? (this.#options.isRestless && !isResting ? 'anything' : null);
    const attended = this.#attend(dragoman, wish, ending.signal);
    try {
      return await work(dragoman, ending.signal);
    } finally {
      ending.abort();
      await dragoman.kill();
      await attended;
    }
  }

  /** False when no process came to its failpoint in time. */
  async strike(blow: Blow): Promise<boolean> {
    if (blow.kind === 'moment') return this.#killedAt(blow);
    // A job that was in hand when the process was told to stop may be done before it is given back.
    const tries = blow.failpoint.way === 'drain' ? DRAINS : 1;
    for (let nth = 0; nth < tries; nth += 1) if (await this.#killedAtFailpoint(blow)) return true;
    return false;
  }

  async #killedAtFailpoint(blow: Extract<Blow, { kind: 'failpoint' }>): Promise<boolean> {
    const { name, program } = blow.failpoint;
    const args = [name, String(blow.nth)];
    if (program === 'start') {
      return this.live((dragoman) => diesAt(dragoman, blow), { args, deed: deedFor(blow.failpoint) });
    }
    const config = this.#options.config.withWorkers;
    return this.live(
      async (backend) => {
        await backend.printed(UP);
        const worker = DragomanProcess.spawnScript('failpoint-worker-process.ts', config, ...args);
        try {
          return await diesAt(worker, blow);
        } finally {
          await worker.kill();
        }
      },
      { config },
    );
  }

  #killedAt({ after, waitMs }: Extract<Blow, { kind: 'moment' }>): Promise<boolean> {
    return this.live(async (dragoman) => {
      if (after === 'up') await dragoman.printed(UP);
      await pause(waitMs);
      return true;
    });
  }

  /** Program and operator go with the process: what fails them then is no news, and what fails them before shows in the end. */
  async #attend(
    dragoman: DragomanProcess,
    wish: Deed | 'anything' | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { program, operator } = this.#options;
    try {
      const url = await urlOf(dragoman);
      const administered = async (): Promise<void> => {
        await operator.putRight(url, signal);
        if (wish !== null) await operator.keepDoing(wish, url, signal);
      };
      await Promise.allSettled([program.follow(url, signal), administered()]);
    } catch {
      // It ended before it was up.
    }
  }
}

interface LifeOptions {
  readonly config?: string;
  readonly args?: readonly string[];
  /** What the operator keeps doing. */
  readonly deed?: Deed | null;
  /** It is left in peace. */
  readonly isResting?: boolean;
}

/** Resolves when it is up. */
export async function urlOf(dragoman: DragomanProcess): Promise<string> {
  await dragoman.printed(UP);
  return UP.exec(dragoman.stdout)?.[1] ?? '';
}

const deedFor = ({ way }: FailpointName): Deed | null =>
  typeof way === 'object' && 'deed' in way ? way.deed : null;

/** False when it did not in time, or of something else. */
async function diesAt(
  dragoman: DragomanProcess,
  { failpoint: { name, way } }: Extract<Blow, { kind: 'failpoint' }>,
): Promise<boolean> {
  if (way === 'drain') {
    // Told before, it would have nothing to drain.
    await within(REACH_DEADLINE_MS, [dragoman.printed(/^(Dragoman|This worker) is up/m), dragoman.exited()]);
    await within(IN_HAND_DEADLINE_MS, [
      dragoman.printed(/came by (worker )?heartbeat\.after/),
      dragoman.exited(),
    ]);
    dragoman.signal('SIGTERM');
  }
  await within(REACH_DEADLINE_MS, [dragoman.exited()]);
  return dragoman.stdout.includes(`died at ${name}\n`);
}

/** Resolves with the first of `events`, whatever that is, at the latest after so long. */
async function within(deadlineMs: number, events: readonly Promise<unknown>[]): Promise<void> {
  const given = new AbortController();
  const tooLate = pause(deadlineMs, null, { signal: given.signal }).catch(() => {});
  await Promise.race([tooLate, ...events]).catch(() => {});
  given.abort();
}
