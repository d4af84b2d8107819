import type { MimeTypeOf } from '../actors/inbound.ts';
import { describeError, DragomanError, hasCode, lacksHandles } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { decideMimeType, MEDIA_HEAD_BYTES, saysNothing } from '../jobs/media-type.ts';
import { isCorruptMimeType } from '../queue/media-kind.ts';
import type { StagingFolders } from '../staging/staging-folders.ts';

/** Looks into the staging folders. A file that cannot be read is the processor's to report: the sender's word stands. */
export function mimeTypeDecider(staging: Pick<StagingFolders, 'of'>, log: Logger): MimeTypeOf {
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
