import { writeFile } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { EventBus } from '../../../src/actors/events.ts';
import { traceOf } from '../../../src/base/trace.ts';
import { chatName } from '../../../src/store/chat-name.ts';
import { createLogger } from '../../../src/system/logger.ts';
import { logStateChanges } from '../../../src/system/state-log.ts';
import { acked, connected, machine } from '../../support/backend-machine.ts';
import { BOT, mediaFrame, textFrame } from '../../support/inbound-frames.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';

/** What a conversation with one voice note leaves in the log, at level trace. */
async function logged(settings: object) {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()));
      done();
    },
  });
  const log = createLogger({ level: 'trace', pretty: false, destination });
  const { start, staging } = await machine({ log: settings });
  const { backend, watch } = await start({ log });
  const link = await connected(backend.url);
  const note = mediaFrame('4915112345678', 'marzipan', { provider_message_id: 'm2' });
  await acked(link, textFrame('4915112345678', 'rutabaga', { provider_message_id: 'm1' }));
  await acked(link, textFrame('4915112345678', 'rutabaga', { provider_message_id: 'm1' }));
  await acked(link, note);
  await writeFile(staging.pathOf(note.mediaGuid), 'OggS…');
  const staged = { bytes: 6, sha256: 'a'.repeat(64), mime_type: 'audio/ogg' };
  link.send({ type: 'media.staged', seq: 1_000_000, guid: note.mediaGuid, ...staged });
  await watch.untilIngested(2);
  return { lines, guid: note.mediaGuid };
}

describe('each change of a message’s state has its line', () => {
  test('with bot, chat, place, GUID and trace, from acceptance to the history', async () => {
    const { lines, guid } = await logged({});
    const linesOfMedium = () => lines.filter((line) => line['guid'] === guid && line['level'] === 30);
    // The worker hears of it when the chat is done.
    await expect.poll(linesOfMedium).toHaveLength(5);
    const ofMedium = linesOfMedium();
    expect(ofMedium.map(({ msg }) => msg)).toEqual([
      'placeholder accepted',
      'medium pending',
      'job claimed',
      'placeholder settled',
      'job completed',
    ]);
    const [accepted] = ofMedium;
    expect(accepted).toMatchObject({ bot_id: BOT, id: 2, trace: traceOf(BOT, 'm2') });
    expect(accepted?.['chat']).toMatch(/^[0-9a-f]{16}$/);
    const ofText = lines.filter(({ id, level }) => id === 1 && level === 30);
    expect(ofText.map(({ msg }) => msg)).toEqual([
      'message accepted',
      'message ingested',
      'duplicate dropped',
    ]);
    const ends = lines.filter(({ msg, trace }) => msg === 'message ingested' && trace === traceOf(BOT, 'm2'));
    expect(ends).toHaveLength(1);
  });

  test('an eviction by place and reason, though nobody says what was evicted', () => {
    const events = new EventBus();
    const log = new RecordingLogger();
    logStateChanges({ events, log, content: true });
    const chat = { botId: BOT, providerName: 'simulator', correspondentId: '4915112345678' };
    events.emit({ kind: 'evicted', chat, id: 7, reason: 'characters' });
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'message evicted',
        fields: { bot_id: BOT, chat: chatName(chat), id: 7, reason: 'characters' },
      },
    ]);
  });

  test('never with its words, unless the configuration says so, and then at trace alone', async () => {
    const silent = JSON.stringify((await logged({})).lines);
    for (const secret of ['rutabaga', 'marzipan', '4915112345678']) expect(silent).not.toContain(secret);
    const { lines } = await logged({ content: true });
    const telling = lines.filter((line) => JSON.stringify(line).includes('rutabaga'));
    expect(telling.length).toBeGreaterThan(0);
    for (const { level } of telling) expect(level).toBe(10);
  });
});
