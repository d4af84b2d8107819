import type { Clock } from '../../../src/base/clock.ts';
import { pause } from '../../../src/base/deadlines.ts';
import { DragomanError } from '../../../src/base/errors.ts';
import { BaseMediaProcessor } from '../../../src/processors/base-media-processor.ts';
import type { MediaContext, MediaFile, MediaOutcome } from '../../../src/processors/media.ts';
import type { ScriptedMessage } from './scenario.ts';

export interface SimulatedProcessorOptions {
  readonly clock: Clock;
  readonly messageOf: (guid: string) => ScriptedMessage | undefined;
  readonly hasFile: (guid: string) => boolean;
  /** A worker found no file where one should be. */
  readonly missed: (guid: string) => void;
}

/** Does with each medium what the script says; the words tell which attempt made them. */
export class SimulatedProcessor extends BaseMediaProcessor {
  readonly #options: SimulatedProcessorOptions;

  constructor(options: SimulatedProcessorOptions) {
    super();
    this.#options = options;
  }

  protected async processMedia(
    _file: MediaFile,
    mimeType: string,
    { guid, attempt }: MediaContext,
    signal: AbortSignal,
  ): Promise<MediaOutcome> {
    const { clock, messageOf, hasFile, missed } = this.#options;
    if (mimeType.startsWith('media_corrupt_')) return { kind: 'failure', code: 'corrupt', reason: 'gone' };
    const message = messageOf(guid);
    const medium = message?.medium ?? null;
    if (message === undefined || medium === null) throw new Error(`no medium ${guid} was announced`);
    if (!hasFile(guid)) missed(guid);
    await pause(clock, medium.fate === 'slow' ? PROCESSING_DEADLINE_MS * 2 : medium.workMs, signal);
    if (medium.fate === 'fails') throw new Error('cannot be read');
    if (medium.fate === 'retried' && attempt === 1) throw new DragomanError('store_unavailable', 'try again');
    return `w.${message.number}.${attempt}`;
  }
}

export const PROCESSING_DEADLINE_MS = 15_000;
