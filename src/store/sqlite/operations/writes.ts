import { rehydrate, resolveCorrespondent } from './chats.ts';
import { holdJobs, promoteJobs, saveBot, sweepToHolding } from './job-collections.ts';
import { claim, complete, discardJob, heartbeat, postpone, release, reviveJobs, stage } from './jobs.ts';
import { accept, evict, ingest, pruneMessageIds, reinstate, settle } from './messages.ts';

/** What the writer thread can be asked to do; each is atomic within the group that it is committed with. */
export const WRITES = {
  resolveCorrespondent,
  rehydrate,
  accept,
  settle,
  ingest,
  reinstate,
  evict,
  pruneMessageIds,
  stage,
  claim,
  heartbeat,
  complete,
  discardJob,
  release,
  postpone,
  reviveJobs,
  sweepToHolding,
  holdJobs,
  promoteJobs,
  saveBot,
};
