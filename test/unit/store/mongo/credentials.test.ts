import { expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { openMongoStore } from '../../../../src/store/mongo/open-mongo-store.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';

test.for([
  ['nobody answers', 'mongodb://operator:hunter2@127.0.0.1:1/dragoman?replicaSet=rs0'],
  ['it is malformed', 'mongodb://operator:hunter2@:x/dragoman'],
  ['its password has a slash', 'mongodb://operator:hunter2/hunter2@127.0.0.1:1/dragoman'],
  ['an option is wrong', 'mongodb://operator:hunter2@127.0.0.1:1/dragoman?nonsense=1'],
] as const)('credentials in a connection string are told nowhere when %s', async ([, url]) => {
  const log = new RecordingLogger();
  const opening = openMongoStore({ url, clock: systemClock(), log, callDeadlineMs: 100 });
  const error: unknown = await opening.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'DragomanError' });
  expect(String(error)).not.toContain('hunter2');
  expect(JSON.stringify(log.lines)).not.toContain('hunter2');
});
