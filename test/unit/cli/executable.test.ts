import { accessSync, constants } from 'node:fs';
import { expect, test } from 'vitest';

// `npx dragoman` marks it as one at its first run alone: an update that brought another file would be refused then.
test('what npx runs is executable as it is checked out', () => {
  expect(() => accessSync('bin/dragoman.js', constants.X_OK)).not.toThrow();
});
