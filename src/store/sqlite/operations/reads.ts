import { chatsWithJournal, correspondents } from './chats.ts';
import { bots, countJobs, jobByGuid, jobsOfBot } from './job-collections.ts';
import { history } from './messages.ts';

/** What the reader thread can be asked: each sees everything that was committed before. */
export const READS = { chatsWithJournal, correspondents, history, jobByGuid, jobsOfBot, countJobs, bots };
