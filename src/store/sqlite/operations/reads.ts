import { chatsWithJournal, correspondents } from './chats.ts';
import { activeSeqs, bots, countJobs, jobsOfBot } from './job-collections.ts';
import { history } from './messages.ts';

/** What the reader thread can be asked, for lists of any length: each sees everything that was committed before. */
export const READS = {
  chatsWithJournal,
  correspondents,
  history,
  jobsOfBot,
  countJobs,
  bots,
  activeSeqs,
};
