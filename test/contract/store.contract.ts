import { describe } from 'vitest';
import { atOnceSuite } from './store/at-once.ts';
import { botsLifeSuite } from './store/bots-life.ts';
import { chatSuite } from './store/chats.ts';
import { claimerSuite } from './store/claimers.ts';
import { completingSuite } from './store/completing.ts';
import { failedJobSuite } from './store/failed-jobs.ts';
import { fairnessSuite } from './store/fairness.ts';
import { jobSuite } from './store/jobs.ts';
import { jobsAtOnceSuite } from './store/jobs-at-once.ts';
import { mediaTimesSuite } from './store/media-times.ts';
import { messageSuite } from './store/messages.ts';
import { newsSuite } from './store/news.ts';
import { upkeepSuite } from './store/upkeep.ts';
import type { OpenSubject } from './store/subject.ts';

/** What every adapter of the `Store` port must do. `open` makes a fresh, empty store for each test. */
export function describeStore(name: string, open: OpenSubject): void {
  describe(`${name} keeps the store's contract`, () => {
    const suites = [
      chatSuite,
      messageSuite,
      atOnceSuite,
      jobSuite,
      completingSuite,
      jobsAtOnceSuite,
      newsSuite,
      mediaTimesSuite,
      botsLifeSuite,
      fairnessSuite,
      claimerSuite,
      failedJobSuite,
      upkeepSuite,
    ];
    for (const suite of suites) suite(open);
  });
}
