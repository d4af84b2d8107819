import { bots } from './bots.ts';
import { chatsNamed, chatsWithJournal, correspondents } from './chats.ts';
import { activeSeqs, countJobs, heldTypes, jobsOfBot, listJobs } from './job-collections.ts';
import { findMessage, history } from './messages.ts';
import { chatsAfter, jobsAmong } from './upkeep.ts';

/** What the reader thread can be asked, for lists of any length: each sees everything that was committed before. */
export const READS = {
  chatsAfter,
  chatsNamed,
  chatsWithJournal,
  correspondents,
  history,
  findMessage,
  jobsOfBot,
  jobsAmong,
  countJobs,
  listJobs,
  heldTypes,
  bots,
  activeSeqs,
};
