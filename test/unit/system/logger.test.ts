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

  test('is one readable line per event in a terminal, whatever is told of it', () => {
    const { log, written } = lines(true);
    const steps = [
      { step: 'revive', count: 0 },
      { step: 'sweep', count: 2 },
    ];
    log.info({ actor: '/workers/audio-1', kind: 'worker' }, 'actor started');
    log.child({ actor: '/main' }).info({ bot_id: 'main', state: 'open', detail: null }, 'bot status');
    log.warn({ steps, reason: 'no\n\u001b[2Jnetwork', ms: 12 }, 'recovery');
    const time = /^\[\d\d:\d\d:\d\d\] /;
    expect(written.map((line) => line.replace(time, ''))).toEqual([
      'INFO: actor started actor=/workers/audio-1 kind=worker\n',
      'INFO: bot status bot_id=main state=open\n',
      "WARN: recovery steps=[ { step: 'revive', count: 0 }, { step: 'sweep', count: 2 } ] " +
        'reason="no\\n\\u001b[2Jnetwork" ms=12\n',
    ]);
  });

  test('shows a terminal nothing that it obeys', () => {
    const { log, written } = lines(true);
    const text = 'a\u009b2J\u007f\u202egpj.\u2066b';
    log.info({ reason: text, names: [text], err: new Error(`${text}\u001b[2J\tbroken`) }, 'event');
    const shown = String.raw`a\u009b2J\u007f\u202egpj.\u2066b`;
    const line = written.join('');
    expect(line).toContain(`reason="${shown}"`);
    expect(line).toContain(String.raw`${shown}\u001b[2J` + '\tbroken');
    expect(line).not.toMatch(/[^\n\t\P{Cc}]|\p{Bidi_Control}/u);
  });

  test('tells the time of the place in a terminal', () => {
    const { log, written } = lines(true);
    log.info({}, 'now');
    const hour = String(new Date().getHours()).padStart(2, '0');
    expect(written[0]?.slice(0, 3)).toBe(`[${hour}`);
  });

  test('shows where an error comes from', () => {
    const { log, written } = lines(true);
    log.error({ err: new Error('broken') }, 'handler failed');
    expect(written.join('')).toMatch(/handler failed[^]*broken[^]*logger\.test\.ts/);
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
