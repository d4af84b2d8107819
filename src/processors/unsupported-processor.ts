import { isCorruptMimeType } from '../queue/media-kind.ts';
import { BaseMediaProcessor } from './base-media-processor.ts';
import { downloadFailed } from './corrupt-processor.ts';
import type { MediaContext, MediaFailure, MediaFile } from './media.ts';

/** Takes what no other pool takes. What could not be downloaded is told as that, where no pool takes it. */
export class UnsupportedProcessor extends BaseMediaProcessor {
  protected override async processMedia(
    _file: MediaFile,
    mimeType: string,
    context: MediaContext,
  ): Promise<MediaFailure> {
    if (isCorruptMimeType(mimeType)) return downloadFailed(context);
    return { kind: 'failure', code: 'unsupported', reason: `no pool takes "${mimeType}"` };
  }
}
