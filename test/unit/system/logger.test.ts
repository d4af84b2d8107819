import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../../src/system/logger.ts';

function lines(pretty: boolean, level = 'info') {
  const written: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  return { log: createLogger({ level, pretty, destination }), written };
}

describe('the log', () => {
  test('is one JSON line per event', () => {
    const { log, written } = lines(false);
    log.info({ bot_id: 'alpha' }, 'bot status');
    expect(written.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ bot_id: 'alpha', msg: 'bot status' }),
    ]);
  });

  test.for(['token', 'qr', 'content', 'text', 'phone'])('never shows a field called %s', (field) => {
    const { log, written } = lines(false);
    log.info({ [field]: 'a secret' }, 'event');
    log.child({ [field]: 'a secret' }).info({}, 'event');
    expect(written.join('')).not.toContain('a secret');
    expect(written).toHaveLength(2);
  });

  test('leaves out what is below its level', () => {
    const { log, written } = lines(false, 'warn');
    log.info({}, 'quiet');
    log.warn({}, 'loud');
    expect(written).toHaveLength(1);
  });
});
