import { BaseMediaProcessor } from './base-media-processor.ts';
import type { MediaFailure, MediaFile } from './media.ts';

/** Takes what no other pool takes. */
export class UnsupportedProcessor extends BaseMediaProcessor {
  protected override async processMedia(_file: MediaFile, mimeType: string): Promise<MediaFailure> {
    return { kind: 'failure', code: 'unsupported', reason: `no pool takes "${mimeType}"` };
  }
}
