import { rehydrate, resolveCorrespondent } from './chats.ts';
import { dropFailedJob, retryFailedJob } from './failed-jobs.ts';
import { saveBot } from './bots.ts';
import {
  claim,
  complete,
  discardJob,
  heartbeat,
  jobByGuid,
  postpone,
  release,
  reviveJobs,
  stage,
} from './jobs.ts';
import { holdJobs, promoteJobs, rerouteHeldJobs, sweepJobs } from './job-moves.ts';
import { accept, completeAndSettle, evict, ingest, pruneMessageIds, reinstate, settle } from './messages.ts';
import { expireJob, forgetChat, pruneHistory } from './upkeep.ts';

/**
 * What the writer thread can be asked to do, look-ups that follow the writes made before them included. Each is atomic
 * within the group that it is committed with.
 */
export const WRITES = {
  resolveCorrespondent,
  rehydrate,
  accept,
  settle,
  completeAndSettle,
  ingest,
  reinstate,
  evict,
  pruneMessageIds,
  stage,
  claim,
  heartbeat,
  complete,
  discardJob,
  jobByGuid,
  release,
  postpone,
  reviveJobs,
  sweepJobs,
  holdJobs,
  promoteJobs,
  rerouteHeldJobs,
  dropFailedJob,
  retryFailedJob,
  saveBot,
  expireJob,
  pruneHistory,
  forgetChat,
};
