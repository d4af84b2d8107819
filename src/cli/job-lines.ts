import type { JobView } from '../system/administration/views.ts';
import { oneLine } from './table.ts';

/** More than is kept of an error's reason. */
const LONGEST_FACT = 1_200;
const LONGEST_STACK_LINE = 300;

/** All that is known of a job, a fact a line: file names, types and errors come from others. */
export const linesOf = (job: JobView): readonly string[] => [
  ...factsOf(job).map(([name, value]) => `${name.padEnd(12)} ${oneLine(value, LONGEST_FACT)}`),
  ...stackOf(job).map((line) => `  ${oneLine(line, LONGEST_STACK_LINE)}`),
];

const stackOf = ({ error }: JobView): readonly string[] => error?.stack?.split('\n') ?? [];

function factsOf(job: JobView): readonly (readonly [string, string])[] {
  const { correspondent, media, error } = job;
  return [
    ['guid', job.guid],
    ['bot', correspondent.botId],
    ['chat', correspondent.correspondentId],
    ['place', String(job.messageId)],
    ['collection', job.collection],
    ['status', job.status],
    ['pool', job.pool ?? '-'],
    ['type', job.mimeType],
    ['file', `${job.originalFilename ?? '-'}, ${media.bytes ?? 'unknown'} bytes`],
    ['attempts', String(job.attempts)],
    ['created', new Date(job.createdAt).toISOString()],
    ['changed', new Date(job.changedAt).toISOString()],
    ['error', error === null ? '-' : `${error.code}: ${error.reason}`],
    ['result', job.result === null ? '-' : oneLine(job.result, 200)],
  ];
}
