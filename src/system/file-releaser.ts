import type { Completion } from '../actors/completion.ts';
import { describeError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { keepsFile } from '../jobs/evidence.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';

export interface FileReleaserOptions {
  readonly staging: Pick<StagingFolder, 'remove'>;
  /** Tells the file's gateway. */
  readonly released: (gatewayId: string, guid: Guid) => void;
  readonly log: Logger;
}

/**
 * Lets go of the file of a medium whose result is durable, unless it is evidence: it is deleted, should its worker not
 * have come to that, and its gateway is told. Never rejects: a file that stays is the janitor's.
 */
export function fileReleaser({
  staging,
  released,
  log,
}: FileReleaserOptions): (completion: Completion) => Promise<void> {
  return async ({ guid, gatewayId, error }) => {
    if (keepsFile(error)) return;
    try {
      await staging.remove(guid);
    } catch (failure) {
      log.warn({ guid, reason: describeError(failure) }, 'a processed file could not be deleted');
    }
    released(gatewayId, guid);
  };
}
