import type { Guid } from '../../../src/base/ids.ts';
import { DragomanError } from '../../../src/base/errors.ts';
import { type StagedFile, StagingFolder } from '../../../src/staging/staging-folder.ts';

const OGG = Buffer.from('OggS');

/** A staging folder in memory: it outlives gateway and backend, as a disk does. */
export class SimulatedFolder extends StagingFolder {
  readonly files = new Map<Guid, { readonly modifiedAt: number }>();

  constructor() {
    super('/simulated');
  }

  override async remove(guid: Guid): Promise<void> {
    this.files.delete(guid);
  }

  override async list(): Promise<readonly StagedFile[]> {
    return Array.from(this.files, ([guid, { modifiedAt }]) => ({
      guid,
      bytes: OGG.length,
      partial: false,
      modifiedAt,
    }));
  }

  override async sizeOf(guid: Guid): Promise<number | null> {
    return this.files.has(guid) ? OGG.length : null;
  }

  override async readHead(guid: Guid): Promise<Buffer> {
    if (!this.files.has(guid)) throw new DragomanError('not_found', `no staged file ${guid}`);
    return OGG;
  }
}
