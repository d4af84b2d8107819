import { BaseMediaProcessor } from '../../src/processors/base-media-processor.ts';
import type { MediaContext, MediaFile, ProcessMedia } from '../../src/processors/media.ts';

/** A processor that is one function. */
export class FunctionProcessor extends BaseMediaProcessor {
  readonly #work: ProcessMedia['processMedia'];

  constructor(work: ProcessMedia['processMedia']) {
    super();
    this.#work = work;
  }

  protected override processMedia(
    file: MediaFile,
    mimeType: string,
    context: MediaContext,
    signal: AbortSignal,
  ): ReturnType<ProcessMedia['processMedia']> {
    return this.#work(file, mimeType, context, signal);
  }
}

/** Never ends by itself; `obedient` ones end when their signal aborts. */
export const endlessProcessor = (obedient: boolean): FunctionProcessor =>
  new FunctionProcessor(
    (_file, _mimeType, _context, signal) =>
      new Promise((_resolve, reject) => {
        if (obedient) signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
  );
