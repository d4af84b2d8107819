import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';

/** What a running process can be, each with a pulse of its own in the data folder. */
export const PULSES = ['start', 'backend', 'gateway', 'worker'] as const;
export type PulseName = (typeof PULSES)[number];

const BEAT_MS = 5_000;
/** Of a pulse that is taken for a live process's: a few beats, for a machine that is busy. */
const OLDEST_BEAT_MS = 30_000;

const fileOf = (dataFolder: string, name: PulseName): string => path.join(dataFolder, `${name}.pulse`);

export interface PulseOptions {
  readonly dataFolder: string;
  readonly name: PulseName;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Touches a file as long as the process does its work: its event loop turns and its data folder can be written. For
 * whoever watches from outside without a port to ask, see `pulseAge`. Its end takes the file away.
 */
export class Pulse {
  readonly #options: PulseOptions;
  #timer: Timer | null = null;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#beat();
  }

  end(): void {
    this.#timer?.cancel();
    this.#trying((file) => rmSync(file, { force: true }));
  }

  #beat(): void {
    const { dataFolder, clock } = this.#options;
    this.#trying((file) => {
      mkdirSync(dataFolder, { recursive: true });
      // synchronous and of a few bytes: what it shows is that nothing holds this thread up
      writeFileSync(file, `${process.pid}\n`);
    });
    this.#timer = clock.schedule(BEAT_MS, () => this.#beat());
  }

  #trying(change: (file: string) => void): void {
    const { dataFolder, name, log } = this.#options;
    try {
      change(fileOf(dataFolder, name));
    } catch (error) {
      log.warn({ reason: describeError(error) }, 'the pulse could not be written');
    }
  }
}

export type PulseState =
  | { readonly kind: 'alive'; readonly ageMs: number }
  | { readonly kind: 'late'; readonly ageMs: number }
  | { readonly kind: 'none' };

/** How long ago the process of that name had its last beat; `now` is the wall clock. */
export function pulseState(dataFolder: string, name: PulseName, now: number): PulseState {
  const beatAt = statSync(fileOf(dataFolder, name), { throwIfNoEntry: false })?.mtimeMs;
  if (beatAt === undefined) return { kind: 'none' };
  const ageMs = Math.max(now - beatAt, 0);
  return { kind: ageMs <= OLDEST_BEAT_MS ? 'alive' : 'late', ageMs };
}
