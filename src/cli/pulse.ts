import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { makeFolder } from '../base/make-folder.ts';

/** What a running process can be. */
export const PULSES = ['start', 'backend', 'gateway', 'worker'] as const;
export type PulseName = (typeof PULSES)[number];

/** One process: several workers may share a data folder, on several machines. */
export interface Being {
  readonly host: string;
  readonly pid: number;
}

/** As a part of a file's name. */
const thisHost = (): string => hostname().replaceAll(/[^\w.-]/g, '_');

export const beingHere = (): Being => ({ host: thisHost(), pid: process.pid });

const BEAT_MS = 5_000;
/** Of a pulse that is taken for a live process's: a few beats, for a machine that is busy. */
const OLDEST_BEAT_MS = 30_000;
/** Of a pulse whose process cannot be told from a later one of the same number: by then it has hung for very long. */
const OLDEST_DOUBTFUL_BEAT_MS = 600_000;

const fileOf = (name: PulseName, { host, pid }: Being): string => `${name}.${host}.${pid}.pulse`;

export interface PulseOptions {
  readonly dataFolder: string;
  readonly name: PulseName;
  readonly being: Being;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Touches a file as long as the process does its work: its event loop turns and its data folder can be written. For
 * whoever watches from outside without a port to ask, see `pulsesIn`. Its end takes the file away; those of processes that
 * were killed, the next one's begin does.
 */
export class Pulse {
  readonly #options: PulseOptions;
  readonly #birth: string | null;
  #timer: Timer | null = null;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#birth = birthOf(options.being.pid);
    this.#trying(() => this.#buryDead());
    this.#beat();
  }

  end(): void {
    this.#timer?.cancel();
    this.#trying((file) => rmSync(file, { force: true }));
  }

  #beat(): void {
    const { dataFolder, clock } = this.#options;
    this.#trying((file) => {
      makeFolder(dataFolder, 0o700);
      // synchronous and of a few bytes: what it shows is that nothing holds this thread up
      writeFileSync(file, `${this.#birth ?? ''}\n`);
    });
    this.#timer = clock.schedule(BEAT_MS, () => this.#beat());
  }

  #buryDead(): void {
    const { dataFolder, name } = this.#options;
    // of versions in which all of a name shared one
    rmSync(path.join(dataFolder, `${name}.pulse`), { force: true });
    for (const { state, ...being } of pulsesIn(dataFolder, name, Date.now())) {
      if (state === 'gone') rmSync(path.join(dataFolder, fileOf(name, being)), { force: true });
    }
  }

  #trying(change: (file: string) => void): void {
    const { dataFolder, name, being, log } = this.#options;
    try {
      change(path.join(dataFolder, fileOf(name, being)));
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'the pulse could not be written');
    }
  }
}

export interface FoundPulse extends Being {
  /** Gone: it gave no sign of life for long, and its process is not there, as far as can be seen from here. */
  readonly state: 'alive' | 'late' | 'gone';
  /** Since its last beat. */
  readonly ageMs: number;
}

/** The pulses of processes of that name; `now` is the wall clock. */
export function pulsesIn(dataFolder: string, name: PulseName, now: number): readonly FoundPulse[] {
  const pulses = namesIn(dataFolder).flatMap((file): FoundPulse[] => {
    const being = beingOf(file, name);
    const beatAt = statSync(path.join(dataFolder, file), { throwIfNoEntry: false })?.mtimeMs;
    if (being === null || beatAt === undefined) return [];
    const ageMs = Math.max(now - beatAt, 0);
    if (ageMs <= OLDEST_BEAT_MS) return [{ ...being, ageMs, state: 'alive' }];
    const hangs = runsHere(being) && isStill(being, textOf(path.join(dataFolder, file)), ageMs);
    return [{ ...being, ageMs, state: hangs ? 'late' : 'gone' }];
  });
  return pulses.toSorted((one, other) => one.pid - other.pid);
}

export interface Judgement {
  /** Late: one of them is, whatever the others do. */
  readonly state: 'alive' | 'late' | 'none';
  readonly judged: readonly FoundPulse[];
}

/** What the pulses say of that host's workers; of the other processes, of which a folder has one each, wherever they are. */
export function judge(pulses: readonly FoundPulse[], name: PulseName, host: string): Judgement {
  const here = pulses.filter((each) => each.host === host);
  const judged = (name === 'worker' || here.length > 0 ? here : pulses).filter(
    ({ state }) => state !== 'gone',
  );
  if (judged.length === 0) return { state: 'none', judged };
  return { state: judged.some(({ state }) => state === 'late') ? 'late' : 'alive', judged };
}

/** None where there is no folder yet. */
function namesIn(folder: string): readonly string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
}

function beingOf(file: string, name: PulseName): Being | null {
  const [, ofName, host, pid] = /^([a-z]+)\.(.+)\.(\d+)\.pulse$/.exec(file) ?? [];
  return ofName === name && host !== undefined ? { host, pid: Number(pid) } : null;
}

/** When that process of this machine began, in the system's own words; null where it does not tell, or there is none. */
function birthOf(pid: number): string | null {
  const stat = textOf(`/proc/${pid}/stat`);
  // Field 22. The second, the program's name, may hold spaces and parentheses; the third comes behind its last one.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** Null for a file that is empty, gone, or not to be read from here. */
function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'latin1').trim() || null;
  } catch {
    return null;
  }
}

/** Whether the process that has the number now is the one whose pulse it is. */
function isStill({ pid }: Being, birth: string | null, ageMs: number): boolean {
  const born = birthOf(pid);
  return birth === null || born === null ? ageMs <= OLDEST_DOUBTFUL_BEAT_MS : birth === born;
}

function runsHere({ host, pid }: Being): boolean {
  if (host !== thisHost()) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process is one that runs.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
