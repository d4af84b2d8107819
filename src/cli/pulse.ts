import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

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
  #timer: Timer | null = null;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#trying(() => this.#buryDead());
    this.#beat();
  }

  end(): void {
    this.#timer?.cancel();
    this.#trying((file) => rmSync(file, { force: true }));
  }

  #beat(): void {
    const { dataFolder, being, clock } = this.#options;
    this.#trying((file) => {
      mkdirSync(dataFolder, { recursive: true });
      // synchronous and of a few bytes: what it shows is that nothing holds this thread up
      writeFileSync(file, `${being.pid}\n`);
    });
    this.#timer = clock.schedule(BEAT_MS, () => this.#beat());
  }

  #buryDead(): void {
    const { dataFolder, name } = this.#options;
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
    return [{ ...being, ageMs, state: runsHere(being) ? 'late' : 'gone' }];
  });
  return pulses.toSorted((one, other) => one.pid - other.pid);
}

export interface Judgement {
  /** Late: one of them is, whatever the others do. */
  readonly state: 'alive' | 'late' | 'none';
  readonly judged: readonly FoundPulse[];
}

/** What the pulses say of this host's processes; where it has none, of the others'. */
export function judge(pulses: readonly FoundPulse[], host: string): Judgement {
  const here = pulses.filter((each) => each.host === host);
  const judged = (here.length > 0 ? here : pulses).filter(({ state }) => state !== 'gone');
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

function runsHere({ host, pid }: Being): boolean {
  if (host !== thisHost()) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process is one that runs.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
