import { DragomanError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import { openStagingFolder, type StagedFile, type StagingFolder } from './staging-folder.ts';

/**
 * The staging folders that a backend shares with its gateways.
 *   G1 A gateway's files are looked for in its own folder alone: it cannot name another one's.
 *   G2 No two gateways have one folder: each holds its folder's quota by itself.
 */
export class StagingFolders {
  readonly #shared: StagingFolder;
  readonly #own: ReadonlyMap<string, StagingFolder>;

  /** `own`: by gateway id; every other gateway uses `shared`. */
  constructor(shared: StagingFolder, own: ReadonlyMap<string, StagingFolder> = new Map()) {
    this.#shared = shared;
    this.#own = own;
  }

  of(gatewayId: string): StagingFolder {
    return this.#own.get(gatewayId) ?? this.#shared;
  }

  /** Whether the whole file lies in its gateway's folder. */
  async has(guid: Guid, gatewayId: string): Promise<boolean> {
    return (await this.of(gatewayId).sizeOf(guid)) !== null;
  }

  /** Each folder once. */
  get all(): readonly StagingFolder[] {
    return [this.#shared, ...this.#own.values()];
  }

  /** Each folder once, with the one gateway that it belongs to; null for the shared one. */
  get owned(): readonly { readonly folder: StagingFolder; readonly owner: string | null }[] {
    const own = Array.from(this.#own, ([owner, folder]) => ({ folder, owner }));
    return [{ folder: this.#shared, owner: null }, ...own];
  }

  /** The files of all folders. */
  async list(): Promise<readonly StagedFile[]> {
    return (await Promise.all(this.all.map((folder) => folder.list()))).flat();
  }
}

export interface GatewayFolder {
  readonly id: string;
  /** Absolute; left out: the shared one. */
  readonly stagingFolder?: string | undefined;
}

/** Opens them, and makes those that are not there, unless `open` does otherwise. Rejects with `folder_unusable`, or `config_invalid` when two gateways name one (G2). */
export async function openStagingFolders(
  sharedDir: string,
  gateways: readonly GatewayFolder[] = [],
  open = openStagingFolder,
): Promise<StagingFolders> {
  const shared = await open(sharedDir);
  const ownerOf = new Map([[shared.dir, 'the folder that is shared with every other gateway']]);
  const own = new Map<string, StagingFolder>();
  for (const { id, stagingFolder } of gateways) {
    if (stagingFolder === undefined) continue;
    const folder = await open(stagingFolder);
    const owner = ownerOf.get(folder.dir);
    if (owner !== undefined) {
      throw new DragomanError(
        'config_invalid',
        `gateways: expected a staging folder of its own for ${id}, got ${folder.dir}, which is ${owner}`,
      );
    }
    ownerOf.set(folder.dir, `that of ${id}`);
    own.set(id, folder);
  }
  return new StagingFolders(shared, own);
}
