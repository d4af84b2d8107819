import type { Completion } from '../actors/completion.ts';
import { describeError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { keepsFile } from '../jobs/evidence.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';

export interface FileReleaserOptions {
  readonly staging: Pick<StagingFolders, 'of'>;
  /** Tells the file's gateway. */
  readonly released: (gatewayId: string, guid: Guid) => void;
  readonly log: Logger;
}

/** A medium's file, and the gateway that has to know when it goes. */
export type HeldFile = Pick<Completion, 'guid' | 'gatewayId'>;

/**
 * Deletes the file of a medium that nobody needs any more, should it still be there, and tells its gateway.
 * Never rejects: a file that stays is the janitor's.
 */
export function fileForgetter({
  staging,
  released,
  log,
}: FileReleaserOptions): (file: HeldFile) => Promise<void> {
  return async ({ guid, gatewayId }) => {
    try {
      await staging.of(gatewayId).remove(guid);
    } catch (failure) {
      log.warn({ guid, reason: describeError(failure) }, 'a processed file could not be deleted');
    }
    released(gatewayId, guid);
  };
}

/** Lets go of the file of a medium whose result is durable, unless it is evidence. Never rejects. */
export function fileReleaser(
  forget: (file: HeldFile) => Promise<void>,
): (completion: Completion) => Promise<void> {
  return async (completion) => {
    if (!keepsFile(completion.error)) await forget(completion);
  };
}
