import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { z } from 'zod';
import { DragomanError, describeError } from '../base/errors.ts';
import { BaseMediaProcessor } from './base-media-processor.ts';
import type { MediaContext, MediaFile, MediaOutcome, ProcessMedia } from './media.ts';

/** What the module's `createProcessor` is called with. */
export interface ModuleEnvironment {
  /** The pool's `processorOptions`, as they were written. */
  readonly options: Readonly<Record<string, unknown>>;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';

const processorModule = z.object({
  createProcessor: z.custom<(environment: ModuleEnvironment) => unknown>(isFunction, 'expected a function'),
});

const processorObject = z.custom<ProcessMedia>(
  (value) =>
    typeof value === 'object' && value !== null && 'processMedia' in value && isFunction(value.processMedia),
);

/**
 * Loads a processor that a user wrote: a module that exports `createProcessor({options})`, which returns, or promises,
 * an object with `processMedia`. `path` is relative to `baseFolder`. Throws `config_invalid` when it is not like that.
 */
export async function loadModuleProcessor(
  path: string,
  baseFolder: string,
  environment: ModuleEnvironment,
): Promise<BaseMediaProcessor> {
  const file = resolve(baseFolder, path);
  const module = processorModule.safeParse(await importModule(file));
  if (!module.success) {
    throw new DragomanError('config_invalid', `${file}: expected an exported function createProcessor`);
  }
  const made = processorObject.safeParse(await module.data.createProcessor(environment));
  if (!made.success) {
    throw new DragomanError(
      'config_invalid',
      `${file}: expected createProcessor to return an object with a function processMedia`,
    );
  }
  return new ModuleProcessor(made.data);
}

async function importModule(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw new DragomanError('config_invalid', `${file}: expected a module, got: ${describeError(error)}`, {
      cause: error,
    });
  }
}

class ModuleProcessor extends BaseMediaProcessor {
  readonly #module: ProcessMedia;

  constructor(module: ProcessMedia) {
    super();
    this.#module = module;
  }

  protected override processMedia(
    file: MediaFile,
    mimeType: string,
    context: MediaContext,
    signal: AbortSignal,
  ): Promise<MediaOutcome> {
    return this.#module.processMedia(file, mimeType, context, signal);
  }
}
