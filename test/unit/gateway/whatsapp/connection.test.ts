import { expect, test } from 'vitest';
import { Connection } from '../../../../src/gateway/whatsapp/connection.ts';
import { createSessionMemory } from '../../../../src/gateway/whatsapp/session-memory.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { MemorySessionStorage } from '../../../support/memory-session-storage.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';

test('what Baileys fails at when the link is closed under it is logged, and ends no process', async () => {
  const log = new RecordingLogger();
  const connection = await Connection.open({
    botId: 'bot',
    storage: new MemorySessionStorage(),
    // Nobody listens there.
    endpoint: { socketUrl: 'ws://127.0.0.1:9/', mediaOrigin: 'http://127.0.0.1:9' },
    policy: { groups: 'all' },
    historySyncDays: null,
    clock: new ManualClock(),
    log,
    memory: createSessionMemory(),
    pairing: () => {},
    opened: () => {},
    received: () => {},
    answered: () => {},
  });
  // Baileys answers this one in an async listener that nobody awaits.
  connection.socket.ws.emit('CB:iq,type:set,pair-device', {
    tag: 'iq',
    attrs: { id: '1' },
    content: [{ tag: 'pair-device', attrs: {}, content: [] }],
  });
  const line = await log.untilLine('baileys gave up on a stanza');
  expect(line).toMatchObject({ level: 'debug', fields: { error: 'Connection Closed' } });
  connection.close('lost');
  await connection.ended;
});
