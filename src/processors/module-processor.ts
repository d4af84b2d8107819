import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { DragomanError, describeError } from '../base/errors.ts';
import type { ProcessMedia } from './media.ts';

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
 * an object with `processMedia`. `file`: its absolute path. Throws `config_invalid` when it is not like that.
 */
export async function loadModuleProcessor(
  file: string,
  environment: ModuleEnvironment,
): Promise<ProcessMedia> {
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
  return made.data;
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
