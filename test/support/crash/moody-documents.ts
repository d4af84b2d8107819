import { StubProcessor } from '../../../src/processors/stub-processor.ts';
import { replaceMethod } from './failpoints.ts';

/** A document of this name fails at its first attempt, and may be tried again. */
export const FAILS_FIRST = 'fails-first.pdf';
/** A document of this name fails at every attempt. */
export const FAILS = 'fails.pdf';

/** Makes the stubs fail over documents of these names. */
export function makeDocumentsMoody(): void {
  replaceMethod(StubProcessor.prototype, 'processMedia', (original) => {
    return function (this: unknown, ...args: unknown[]): unknown {
      const { originalFilename, attempt } = args[2] as MoodyContext;
      if (originalFilename === FAILS) throw new Error('it fails');
      if (originalFilename === FAILS_FIRST && attempt === 1) {
        throw Object.assign(new Error('it is busy'), { retryable: true });
      }
      return Reflect.apply(original, this, args);
    };
  });
}

interface MoodyContext {
  readonly originalFilename: string | null;
  readonly attempt: number;
}
