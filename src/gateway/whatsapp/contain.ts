import type { EventEmitter } from 'node:events';

/**
 * Keeps the failures of an emitter's present listeners away from the process. Baileys answers many a stanza in an
 * async listener that nobody awaits: when the link closes under it, its rejection would end the process as unhandled.
 */
export function containListeners(emitter: EventEmitter, onFailure: (error: unknown) => void): void {
  for (const event of emitter.eventNames()) {
    const listeners = emitter.listeners(event);
    emitter.removeAllListeners(event);
    for (const listener of listeners) {
      emitter.on(event, (...args: unknown[]) => {
        void contained(listener, emitter, args, onFailure);
      });
    }
  }
}

/** Runs the listener up to its first await at once, as an emitter does. */
async function contained(
  // oxlint-disable-next-line typescript/no-unsafe-function-type -- as EventEmitter.listeners has them
  listener: Function,
  emitter: EventEmitter,
  args: readonly unknown[],
  onFailure: (error: unknown) => void,
): Promise<void> {
  try {
    await Reflect.apply(listener, emitter, args);
  } catch (error) {
    onFailure(error);
  }
}
