import { createReadStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { pause } from '../base/deadlines.ts';
import type { MediaKind } from '../queue/media-kind.ts';
import { BaseMediaProcessor } from './base-media-processor.ts';
import type { MediaContext, MediaFile } from './media.ts';

/** How long a stub pretends to work, in milliseconds. */
export const DEFAULT_STUB_DELAYS_MS: Readonly<Record<MediaKind, number>> = {
  image: 5_000,
  audio: 10_000,
  video: 60_000,
  document: 5_000,
  sticker: 5_000,
};

const stubOptions = z.strictObject({ delayMs: z.number().nonnegative().optional() });

/** Stands in for a real processor: reads the whole file, takes its time, and names what it got. */
export class StubProcessor extends BaseMediaProcessor {
  readonly #kind: MediaKind;
  readonly #clock: Clock;
  readonly #delayMs: number;

  /** `options`: `{delayMs}`. Throws a ZodError for others. */
  constructor(kind: MediaKind, clock: Clock, options: unknown) {
    super();
    this.#kind = kind;
    this.#clock = clock;
    this.#delayMs = stubOptions.parse(options).delayMs ?? DEFAULT_STUB_DELAYS_MS[kind];
  }

  protected override async processMedia(
    file: MediaFile,
    _mimeType: string,
    context: MediaContext,
    signal: AbortSignal,
  ): Promise<string> {
    await finished(createReadStream(file.path, { signal }).resume());
    await pause(this.#clock, this.#delayMs, signal);
    return `Transcripted ${this.#kind} multimedia message with guid='${context.guid}'`;
  }
}
