import { batchesOf } from '../base/batches.ts';
import type { Guid } from '../base/ids.ts';
import {
  fateOfFile,
  type FileFate,
  type GatewayWord,
  type JanitorLimits,
  needsFile,
} from '../jobs/janitor-rules.ts';
import { WIRE_LIMITS } from '../protocol/frames.ts';
import type { StagedFile, StagingFolder } from '../staging/staging-folder.ts';
import type { JobStore, JobTrace } from '../store/job-store.ts';

/** A gateway that may need files of the staging folder. */
export interface FileGateway {
  readonly id: string;
  /** Which of these it still needs, and how many frames it has unacked; null: it is away, or does not say. */
  held(
    guids: readonly Guid[],
  ): Promise<{ readonly held: ReadonlySet<Guid>; readonly unacked: number } | null>;
  /** Tells it, should it be there, that a file is gone: its quota is free at once. */
  released(guid: Guid): void;
}

/** A staging folder, and all gateways that may have put files there. */
export interface SharedFolder {
  readonly folder: Pick<StagingFolder, 'list' | 'remove' | 'removePartial'>;
  readonly gateways: readonly FileGateway[];
}

export interface FileSurveyOptions extends Pick<SharedFolder, 'gateways'> {
  readonly folder: Pick<StagingFolder, 'list'>;
  readonly store: Pick<JobStore, 'jobsAmong'>;
  readonly limits: JanitorLimits;
  readonly now: number;
}

export interface SurveyedFile extends StagedFile {
  readonly fate: FileFate;
}

/** Files whose jobs are looked for at a time. */
const GUIDS_PER_LOOK = 500;

/**
 * Looks at every file of a folder, and says which may go. The gateways are asked before the store: a file that a
 * gateway has let go of in between has its job by then.
 */
export async function surveyFiles(options: FileSurveyOptions): Promise<readonly SurveyedFile[]> {
  const { folder, limits, now } = options;
  const files = await folder.list();
  // Nothing younger can be anything but needed, unless its job failed.
  const old = files.filter(({ modifiedAt }) => now - modifiedAt >= limits.orphanFileMs);
  const words = await gatewayWords(options, old);
  const jobs = await jobsOf(options.store, files);
  return files.map((file) => {
    const fate = fateOfFile(file, jobs.get(file.guid) ?? null, words(file.guid), now, limits);
    return { ...file, fate };
  });
}

async function gatewayWords(
  { gateways }: FileSurveyOptions,
  files: readonly StagedFile[],
): Promise<(guid: Guid) => readonly GatewayWord[]> {
  const answers = await Promise.all(gateways.map((gateway) => askAll(gateway, files)));
  return (guid) =>
    answers.map((answer): GatewayWord => {
      if (answer === null) return { kind: 'away' };
      if (answer.held.has(guid)) return { kind: 'holds' };
      return answer.unacked > 0 ? { kind: 'busy' } : { kind: 'holds not' };
    });
}

async function askAll(
  gateway: FileGateway,
  files: readonly StagedFile[],
): Promise<{ readonly held: ReadonlySet<Guid>; readonly unacked: number } | null> {
  const held = new Set<Guid>();
  let unacked = 0;
  for (const some of batchesOf(files, WIRE_LIMITS.guids)) {
    const answer = await gateway.held(some.map(({ guid }) => guid));
    if (answer === null) return null;
    for (const guid of answer.held) held.add(guid);
    unacked += answer.unacked;
  }
  return { held, unacked };
}

async function jobsOf(
  store: FileSurveyOptions['store'],
  files: readonly StagedFile[],
): Promise<ReadonlyMap<Guid, JobTrace>> {
  const jobs = new Map<Guid, JobTrace>();
  for (const some of batchesOf(files, GUIDS_PER_LOOK)) {
    for (const job of await store.jobsAmong(some.map(({ guid }) => guid))) jobs.set(job.guid, job);
  }
  return jobs;
}

/** The staged files that no job needs. */
export async function unneededFiles({
  folder,
  store,
}: Pick<FileSurveyOptions, 'folder' | 'store'>): Promise<readonly StagedFile[]> {
  const files = (await folder.list()).filter(({ partial }) => !partial);
  const jobs = await jobsOf(store, files);
  return files.filter(({ guid }) => {
    const job = jobs.get(guid);
    return job === undefined || !needsFile(job);
  });
}
