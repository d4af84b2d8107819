import { BaseMediaProcessor } from './base-media-processor.ts';
import type { MediaContext, MediaFailure, MediaFile } from './media.ts';

/** Takes what the gateway could not download: there is no file, only the reason why. */
export class CorruptProcessor extends BaseMediaProcessor {
  protected override async processMedia(
    _file: MediaFile,
    _mimeType: string,
    context: MediaContext,
  ): Promise<MediaFailure> {
    return downloadFailed(context);
  }
}

export const downloadFailed = ({ corruptReason }: MediaContext): MediaFailure => ({
  kind: 'failure',
  code: 'corrupt',
  reason: corruptReason ?? 'the download failed',
});
