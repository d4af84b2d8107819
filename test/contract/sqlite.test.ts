import { restartedSqlite, sqliteSubject } from '../support/sqlite-subject.ts';
import { sqliteCutSubject } from '../support/sqlite-cuts.ts';
import { describeStore } from './store.contract.ts';
import { describeClockSteps } from './store/clock-steps.ts';
import { describeCuts } from './store/cuts.ts';
import { describeModel } from './store/model.ts';

const isDeep = process.env['DRAGOMAN_DEEP'] === '1';

describeStore('the SQLite store', sqliteSubject);
describeModel('the SQLite store', sqliteSubject, { runs: isDeep ? 50 : 3, calls: 400 });
describeCuts('the SQLite store', sqliteCutSubject);
describeClockSteps('the SQLite store', restartedSqlite, { hasOwnClock: false });
