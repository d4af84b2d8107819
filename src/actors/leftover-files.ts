import type { Guid } from '../base/ids.ts';
import type { StagedFile } from '../staging/staging-folder.ts';
import {
  type FileSurveyOptions,
  type SharedFolder,
  type SurveyedFile,
  surveyFiles,
  unneededFiles,
} from './janitor-files.ts';

/** What was found and is still to go, by folder; it outlives restarts of the actor. A folder without an entry had no first look. */
export type Leftovers = Map<SharedFolder['folder'], Map<Guid, StagedFile>>;

/** However young: what is still to be announced is held by its gateway. */
const AT_ANY_AGE = { orphanFileMs: Number.NEGATIVE_INFINITY };
const UNDECIDED: readonly string[] = ['gateway away', 'gateway busy'] satisfies SurveyedFile['fate']['why'][];

/**
 * Which of a folder's files an earlier life of the backend left: it was killed after the job had ended, and before the file
 * was deleted. Only what is there at the first look and has no job by then is ever among them; what of it is not decided
 * yet, or is not deleted yet, stays in `leftovers`.
 */
export async function surveyLeftovers(
  leftovers: Leftovers,
  options: FileSurveyOptions & SharedFolder,
): Promise<readonly SurveyedFile[]> {
  const { folder, limits } = options;
  const found = leftovers.get(folder) ?? byGuid(await unneededFiles(options));
  leftovers.set(folder, found);
  if (found.size === 0) return [];
  const surveyed = await surveyFiles({
    ...options,
    folder: { list: () => Promise.resolve([...found.values()]) },
    limits: { ...limits, ...AT_ANY_AGE },
  });
  for (const { guid, fate } of surveyed) {
    if (fate.kind === 'stays' && !UNDECIDED.includes(fate.why)) found.delete(guid);
  }
  return surveyed;
}

const byGuid = (files: readonly StagedFile[]): Map<Guid, StagedFile> =>
  new Map(files.map((file) => [file.guid, file]));
