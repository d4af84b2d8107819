import { describe, expect, test } from 'vitest';
import type { Logger } from '../../../../src/base/log.ts';
import { baileysLogger } from '../../../../src/gateway/whatsapp/baileys-log.ts';

function recorder() {
  const lines: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields, message });
  const log: Logger = {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  };
  return { log, lines };
}

describe('baileysLogger', () => {
  test('chatter is trace, trouble is warn, and fields are dropped', () => {
    const { log, lines } = recorder();
    const logger = baileysLogger(log);
    logger.child({ class: 'x' }).info({ node: 'secret' }, 'connected');
    logger.error({ key: 'secret' }, 'failed');
    expect(lines).toEqual([
      { level: 'trace', fields: {}, message: 'baileys: connected' },
      { level: 'warn', fields: {}, message: 'baileys: failed' },
    ]);
  });

  test('what it warns of at every linking is chatter', () => {
    const { log, lines } = recorder();
    const logger = baileysLogger(log);
    logger.warn('no name present, ignoring presence update request...');
    logger.error({ reasonNode: {} }, 'stream errored out');
    logger.warn('Timeout in AwaitingInitialSync, forcing state to Online and flushing buffer');
    expect(lines.map(({ level }) => level)).toEqual(['trace', 'trace', 'trace']);
  });

  test('addresses and numbers inside a text are not passed on', () => {
    const { log, lines } = recorder();
    baileysLogger(log).warn('Invalid mapping: 949151:2@lid, 4915120000002');
    expect(lines[0]?.message).toBe('baileys: Invalid mapping: <address>, <number>');
  });
});
