import { batchesOf } from '../../base/batches.ts';
import { readSound } from '../records.ts';
import type { JobStore } from '../job-store.ts';
import { errorJson, jobOfRow, mediaMetadataJson } from './rows.ts';
import type { SqliteParts } from './sqlite-parts.ts';

/** Jobs that are moved in one operation. */
const MOVE_STEP = 2_000;
/** More at start-up, when hardly anybody waits. */
const SWEEP_STEP = 5_000;

/** What moves many jobs is many operations, so that other writers get in between: each job is moved whole or not at all. */
export const sqliteJobStore = ({ writer, reader, news, log }: SqliteParts): JobStore => ({
  stage(guid, { mimeType, pool, media }, now) {
    const row = { mimeType, pool, mediaMetadata: mediaMetadataJson(media) };
    const staged = writer.call('stage', guid, row, now);
    news.tell(pool);
    return staged;
  },

  discardJob: (guid, error, now) => writer.call('discardJob', guid, errorJson(error), now),

  async expireJob(idle, error, now) {
    const row = await writer.call('expireJob', idle, JSON.stringify(error), now);
    return row === undefined ? null : jobOfRow(row);
  },

  async sweepToHolding(now) {
    let swept = 0;
    for (const seqs of batchesOf(await reader.call('activeSeqs'), SWEEP_STEP)) {
      swept += await writer.call('sweepJobs', seqs, now);
    }
    return swept;
  },

  holdJobs: (botId, now) => moveJobs(writer, 'holdJobs', botId, now),

  promoteJobs: (botId, now) => moveJobs(writer, 'promoteJobs', botId, now),

  async rerouteHeldJobs(poolOf) {
    const held = await reader.call('heldTypes');
    const reroutes = held
      .map((type) => ({ ...type, newPool: poolOf(type.mimeType) }))
      .filter(({ pool, newPool }) => pool !== newPool);
    if (reroutes.length === 0) return 0;
    let total = 0;
    for (let afterSeq = 0; ;) {
      const step = await writer.call('rerouteHeldJobs', { reroutes, afterSeq, atMost: MOVE_STEP });
      total += step.moved;
      if (step.lastSeq === null) return total;
      afterSeq = step.lastSeq;
    }
  },

  async jobsOfBot(botId, page) {
    const rows = await reader.call('jobsOfBot', botId, page);
    const nextAfterSeq = rows.length < page.limit ? null : (rows.at(-1)?.seq ?? null);
    return { jobs: readSound(rows, jobOfRow, log), nextAfterSeq };
  },

  jobsAmong: (guids) => reader.call('jobsAmong', guids),

  async listJobs(query) {
    const { limit } = query;
    const rows = await reader.call('listJobs', { ...query, limit: limit + 1 });
    const page = rows.slice(0, limit);
    return {
      jobs: readSound(page, jobOfRow, log),
      nextBeforeSeq: rows.length > limit ? (page.at(-1)?.seq ?? null) : null,
    };
  },

  countJobs: () => reader.call('countJobs'),

  onCompleted() {},
});

/** Goes once through the bot's jobs in seq order: it ends even where another call moves them back behind it. */
async function moveJobs(
  writer: SqliteParts['writer'],
  operation: 'holdJobs' | 'promoteJobs',
  botId: string,
  now: number,
): Promise<number> {
  let moved = 0;
  for (let afterSeq = 0; ;) {
    const step = await writer.call(operation, { botId, now, afterSeq, atMost: MOVE_STEP });
    moved += step.length;
    const lastSeq = step.at(-1);
    if (lastSeq === undefined || step.length < MOVE_STEP) return moved;
    afterSeq = lastSeq;
  }
}
