import { describeError, DragomanError, hasCode, lacksHandles } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { decideMimeType, MEDIA_HEAD_BYTES, saysNothing } from '../jobs/media-type.ts';
import { isCorruptMimeType } from '../queue/media-kind.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';

/**
 * What to process a staged file as: the sender's word, unless the file's first bytes show media of another kind.
 * A file that cannot be read is the processor's to report: the sender's word stands. Where that says nothing and there is no
 * file handle to look with, rejects with `no_handles`: the file is to be staged again.
 */
export function mimeTypeDecider(
  staging: Pick<StagingFolders, 'of'>,
  log: Logger,
): (guid: Guid, sendersWord: string, gatewayId: string) => Promise<string> {
  return async (guid, sendersWord, gatewayId) => {
    // There is no file: that is what such a type says.
    if (isCorruptMimeType(sendersWord)) return sendersWord;
    try {
      return decideMimeType(sendersWord, await staging.of(gatewayId).readHead(guid, MEDIA_HEAD_BYTES));
    } catch (error) {
      if (lacksHandles(error) && saysNothing(sendersWord)) {
        throw new DragomanError('no_handles', 'no file handle is left to look at a staged file', {
          cause: error,
        });
      }
      const message = hasCode(error, 'not_found')
        ? 'a staged file is not in the staging folder: do gateway and backend share it?'
        : 'a staged file cannot be read';
      log.warn({ guid, reason: describeError(error) }, message);
      return decideMimeType(sendersWord, new Uint8Array());
    }
  };
}
