import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DragomanError } from '../../../src/base/errors.ts';
import { newGuid } from '../../../src/base/ids.ts';
import { BotSends } from '../../../src/gateway/bot-sends.ts';
import { type Journal, JOURNAL_FILE } from '../../../src/gateway/journal.ts';
import { JournalDatabase } from '../../../src/gateway/journal-database.ts';
import { JOURNAL_VERSIONS } from '../../../src/gateway/journal-schema.ts';
import type { Session } from '../../../src/gateway/session.ts';
import { type GatewaySettings, gatewaySettings } from '../../../src/gateway/settings.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { framesOf, openJournal } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { ScriptedSession } from '../../support/scripted-session.ts';

// p-queue counts its minutes by the process's own clock.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const request = (id: string, text = `text ${id}`) =>
  ({ v: 1, type: 'send', request_id: id, bot_id: 'bot', to: 'ana@lid', text }) as const;

async function sendsBench(overrides: Partial<GatewaySettings> = {}, opened?: Journal) {
  const journal = opened ?? (await openJournal());
  const session = new ScriptedSession(
    {
      botId: 'bot',
      config: { media_storage_quota_gb: 1 },
      storage: journal.sessions,
      listener: { statusChanged: () => {}, received: () => {}, answered: () => {} },
    },
    'http://127.0.0.1:9',
  );
  const log = new RecordingLogger();
  const sends = new BotSends('bot', {
    register: journal.sends,
    settings: gatewaySettings.parse({ sendJitterMs: 0, ...overrides }),
    clock: systemClock(),
    log,
    random: () => 0.5,
    settled: () => {},
  });
  const texts = (): string[] => session.sent.map(({ text }) => text);
  const send = (current: Session | null, ...ids: readonly string[]): void => {
    const sender = current && { session: current, config: { media_storage_quota_gb: 1 } };
    for (const id of ids) sends.send({ ...request(id), ask_id: newGuid() }, () => sender);
  };
  return { journal, session, sends, log, texts, send };
}

describe('N1: pace', () => {
  test('no more texts go out in any minute than may; the others follow in order', async () => {
    const { session, send, texts } = await sendsBench({ sendsPerMinute: 2 });
    send(session, 'a', 'b', 'c', 'd', 'e');
    await vi.advanceTimersByTimeAsync(59_000);
    expect(texts()).toEqual(['text a', 'text b']);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(texts()).toEqual(['text a', 'text b', 'text c', 'text d']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts()).toHaveLength(5);
  });

  test('before each text the bot waits by chance', async () => {
    const { session, send, texts } = await sendsBench({ sendJitterMs: 1_000 });
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(499);
    expect(texts()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(texts()).toEqual(['text a']);
  });

  test('it shows that it types, the longer the text the longer, up to a bound, or not at all', async () => {
    const { session, sends, send } = await sendsBench({ typingMsPerCharacter: 100, longestTypingMs: 1_000 });
    send(session, 'a');
    sends.send(request('b', 'x'.repeat(50)), () => ({ session, config: { media_storage_quota_gb: 1 } }));
    await vi.advanceTimersByTimeAsync(10);
    expect(session.typed).toEqual([
      { to: 'ana@lid', durationMs: 600 },
      { to: 'ana@lid', durationMs: 1_000 },
    ]);
    const silent = await sendsBench({ longestTypingMs: 0 });
    silent.send(silent.session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    expect(silent.session.typed).toEqual([]);
    expect(silent.texts()).toEqual(['text a']);
  });

  test('a typing state that cannot be shown holds no text up', async () => {
    const { session, send, texts, log } = await sendsBench();
    session.typing = () => Promise.reject(new Error('no such chat'));
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    expect(texts()).toEqual(['text a']);
    expect(log.lines).toMatchObject([{ level: 'debug', fields: { reason: 'no such chat' } }]);
  });
});

describe('N2: answers', () => {
  test('a session that never comes back has failed after its deadline, and holds up no other text', async () => {
    const { session, send, journal } = await sendsBench({ sendTimeoutMs: 5_000 });
    session.deliver = ({ text }) =>
      text === 'text a' ? new Promise(() => {}) : Promise.resolve({ kind: 'sent' });
    send(session, 'a', 'b');
    await vi.advanceTimersByTimeAsync(5_010);
    expect(framesOf(journal)).toMatchObject([
      { type: 'send.failed', request_id: 'a', reason: expect.stringContaining('may have been sent') },
      { type: 'inbound' },
      { type: 'sent', request_id: 'b' },
    ]);
  });

  test('closing answers what waits for its turn as failed, at once', async () => {
    const { session, sends, send, journal } = await sendsBench({ sendsPerMinute: 1 });
    send(session, 'a', 'b', 'c');
    await vi.advanceTimersByTimeAsync(10);
    await sends.close();
    expect(framesOf(journal).map((frame) => frame.type)).toEqual([
      'inbound',
      'sent',
      'send.failed',
      'send.failed',
    ]);
    expect(session.sent).toHaveLength(1);
  });

  test.each(['unsent', 'refused', 'unknown'] as const)(
    'a text that is %s has failed, for the reason that the session gives',
    async (kind) => {
      const { session, send, journal } = await sendsBench();
      session.deliver = () => Promise.resolve({ kind, reason: 'WhatsApp says so' });
      send(session, 'a');
      await vi.advanceTimersByTimeAsync(10);
      const reason = `WhatsApp says so${kind === 'unknown' ? '; the text may have been sent' : ''}`;
      expect(framesOf(journal)).toMatchObject([{ type: 'send.failed', reason }]);
      journal.frames.acknowledge([1]);
      send(session, 'a');
      await vi.advanceTimersByTimeAsync(10);
      expect(session.sent).toHaveLength(kind === 'unsent' ? 2 : 1);
    },
  );

  test('what was not handed over when its time was up did not go out', async () => {
    const { session, send, journal, texts } = await sendsBench({
      sendJitterMs: 100_000,
      sendTimeoutMs: 5_000,
    });
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(5_010);
    expect(texts()).toEqual([]);
    expect(framesOf(journal)).toMatchObject([
      { type: 'send.failed', reason: expect.not.stringContaining('may have been sent') },
    ]);
  });

  test('outcomes that cannot be journalled are kept, and answered in order once they can', async () => {
    const { session, sends, send, journal, log } = await sendsBench();
    const failing = vi.spyOn(journal.sends, 'end').mockImplementation(() => {
      throw new DragomanError('store_unavailable', 'the disk is gone');
    });
    send(session, 'a', 'b');
    await vi.advanceTimersByTimeAsync(10);
    expect(session.sent).toHaveLength(2);
    expect(framesOf(journal)).toEqual([]);
    expect(log.lines.at(-1)).toMatchObject({ level: 'error', fields: { request_id: 'a' } });
    failing.mockRestore();
    sends.recordOutcomes();
    const answered = framesOf(journal).filter((frame) => frame.type === 'sent');
    expect(answered).toMatchObject([{ request_id: 'a' }, { request_id: 'b' }]);
  });

  test('closing records what could not be before', async () => {
    const { session, sends, send, journal } = await sendsBench();
    vi.spyOn(journal.sends, 'end').mockImplementationOnce(() => {
      throw new DragomanError('store_unavailable', 'the disk is gone');
    });
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    expect(framesOf(journal)).toEqual([]);
    await sends.close();
    expect(framesOf(journal)).toMatchObject([{ type: 'inbound' }, { type: 'sent', request_id: 'a' }]);
  });

  test('an id that was used is refused with another text or chat, whether the first is answered or not', async () => {
    const { session, sends, send, journal, texts } = await sendsBench();
    const sender = { session, config: { media_storage_quota_gb: 1 } };
    send(session, 'a');
    sends.send(request('a', 'another text'), () => sender);
    await vi.advanceTimersByTimeAsync(10);
    sends.send({ ...request('a'), to: 'ben@lid' }, () => sender);
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    expect(texts()).toEqual(['text a']);
    const refused = { type: 'send.failed', request_id: 'a', reason: expect.stringContaining('another text') };
    const sent = { type: 'sent', request_id: 'a' };
    expect(framesOf(journal)).toMatchObject([refused, { type: 'inbound' }, sent, refused, sent]);
  });

  test('what is asked again while it waits for its turn is in hand, though the journal cannot be written', async () => {
    const { journal, session, sends, texts } = await sendsBench({ sendsPerMinute: 1 });
    const sender = { session, config: { media_storage_quota_gb: 1 } };
    const asked = ['a', 'b'].map((id) => ({ ...request(id), ask_id: `asking ${id}` }));
    for (const each of asked) sends.send(each, () => sender);
    await vi.advanceTimersByTimeAsync(10);
    const full = vi.spyOn(JournalDatabase.prototype, 'transaction').mockImplementation(() => {
      throw new DragomanError('disk_full', 'no room in the journal');
    });
    onTestFinished(() => full.mockRestore());
    const again = (id: string, more: object = {}) =>
      journal.sends.begin({ ...request(id), ask_id: `asking ${id}`, ...more });
    expect(again('b')).toBe('in_hand');
    // Each of these has something to be written.
    expect(() => again('a')).toThrow('no room');
    expect(() => again('b', { ask_id: 'another asking' })).toThrow('no room');
    expect(() => again('b', { text: 'another text' })).toThrow('no room');
    expect(() => again('c')).toThrow('no room');
    full.mockRestore();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts()).toEqual(['text a', 'text b']);
  });

  test('whoever asks again for what was asked before texts were told apart is answered', async () => {
    const dir = await scratchFolder();
    const db = new DatabaseSync(path.join(dir, JOURNAL_FILE));
    for (const version of JOURNAL_VERSIONS.slice(0, 6)) db.exec(version);
    db.exec(`PRAGMA user_version = 6;
      INSERT INTO sends (bot_id, request_id, answered, expires_at) VALUES ('bot', 'a', 0, 9000000000000000)`);
    db.close();
    const journal = await openJournal({ dir });
    expect(journal.sends.begin(request('a'))).toBe('repeated');
    expect(framesOf(journal)).toMatchObject([
      { type: 'send.failed', reason: 'the gateway stopped before it was sent' },
      { type: 'send.failed', reason: 'the gateway stopped before it was sent' },
    ]);
  });

  test('a bot that does not run has failed', async () => {
    const { send, journal } = await sendsBench();
    send(null, 'a');
    await vi.advanceTimersByTimeAsync(10);
    expect(framesOf(journal)).toMatchObject([{ type: 'send.failed', reason: 'the bot is not running' }]);
  });
});

describe('N3: names', () => {
  test('an echo that comes while the text is on its way is no news', async () => {
    const { session, send, journal } = await sendsBench();
    session.deliver = async ({ providerMessageId: id, to }) => {
      const echo = received(id, { key: { remoteJid: to, participant: null, id, fromMe: true } });
      await session.receive(echo);
      return { kind: 'sent' };
    };
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    expect(framesOf(journal)).toMatchObject([
      { type: 'inbound', message: { source: 'bot' } },
      { type: 'sent', request_id: 'a' },
    ]);
  });

  test('a text whose name cannot be journalled does not go out', async () => {
    const { session, send, journal } = await sendsBench();
    vi.spyOn(journal.sends, 'name').mockImplementationOnce(() => {
      throw new DragomanError('store_unavailable', 'the disk is gone');
    });
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    expect(session.sent).toEqual([]);
    expect(framesOf(journal)).toMatchObject([{ type: 'send.failed', request_id: 'a' }]);
  });
});

const quoting = (id: string, quotedId: string, more: object = {}) =>
  ({ ...request(id), quoted: { provider_message_id: quotedId, text: 'a question' }, ...more }) as const;

describe('N4: what came while the bot was away', () => {
  test('is not answered, unless the settings or the request say so; what is quoted besides is', async () => {
    const { journal, session, sends, texts } = await sendsBench();
    const away = received('away');
    await journal.sessions.commit('bot', NO_AUTH, [
      { ...away, wire: { ...away.wire, backlog: true } },
      received('live'),
    ]);
    const sender = { session, config: { media_storage_quota_gb: 1 } };
    const willing = { session, config: { ...sender.config, backlog_replies: 'sent' } } as const;
    sends.send(quoting('held', 'away'), () => sender);
    sends.send(quoting('asked', 'away', { answers_backlog: true }), () => sender);
    sends.send(quoting('to live', 'live'), () => sender);
    sends.send({ ...request('named'), answers_provider_message_id: 'away' }, () => sender);
    sends.send(
      quoting('named, quoting another', 'live', { answers_provider_message_id: 'away' }),
      () => sender,
    );
    sends.send({ ...request('named live'), answers_provider_message_id: 'live' }, () => sender);
    sends.send(quoting('willing', 'away'), () => willing);
    sends.send(quoting('unasked', 'away', { answers_backlog: false }), () => willing);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(texts()).toEqual(['text asked', 'text to live', 'text named live', 'text willing']);
    const failed = framesOf(journal).flatMap((frame) => (frame.type === 'send.failed' ? [frame] : []));
    expect(failed.map(({ request_id, reason }) => [request_id, reason.slice(0, 9)])).toEqual([
      ['held', 'held back'],
      ['named', 'held back'],
      ['named, quoting another', 'held back'],
      ['unasked', 'held back'],
    ]);
  });
});

describe('N5: the provider’s late word', () => {
  test('counts for a text that may have been sent, and for no other', async () => {
    const { journal, session, sends, send } = await sendsBench();
    session.deliver = ({ text }) =>
      Promise.resolve({ kind: text === 'text unsent' ? 'unsent' : 'unknown', reason: 'no word' });
    const ids = ['late', 'refused', 'silent', 'unsent'];
    send(session, ...ids);
    await vi.advanceTimersByTimeAsync(60_000);
    journal.frames.acknowledge(journal.frames.after(0, 10).map(({ seq }) => seq));
    const [late = '', refused = '', , unsent = ''] = session.sent.map((text) => text.providerMessageId);
    const no = { kind: 'refused', reason: 'no' } as const;
    for (const id of [late, late, unsent, 'somebody else’s']) sends.answered(id, { kind: 'sent' });
    for (const id of [refused, late]) sends.answered(id, no);
    expect(framesOf(journal)).toMatchObject([
      { type: 'inbound', message: { provider_message_id: late, message: 'text late', source: 'bot' } },
    ]);
    for (const id of ['late', 'refused', 'silent']) send(session, id);
    expect(framesOf(journal).slice(1)).toMatchObject([
      { type: 'sent', request_id: 'late', provider_message_id: late },
      { type: 'send.failed', request_id: 'refused', reason: 'no' },
      { type: 'send.failed', request_id: 'silent', reason: expect.stringContaining('may have been sent') },
    ]);
  });

  test('that comes while the journal cannot be written counts once it can', async () => {
    const { journal, session, sends, send } = await sendsBench();
    session.deliver = () => Promise.resolve({ kind: 'unknown', reason: 'no word' });
    vi.spyOn(journal.sends, 'end').mockImplementationOnce(() => {
      throw new DragomanError('disk_full', 'no room in the journal');
    });
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    sends.answered('id 1', { kind: 'sent' });
    expect(framesOf(journal)).toMatchObject([
      { type: 'send.failed', request_id: 'a' },
      { type: 'inbound', message: { provider_message_id: 'id 1' } },
    ]);
  });
});

/** A text is on its way, and nothing is heard of it. */
function doubt(journal: Journal, id: string): void {
  journal.sends.begin(request(id));
  journal.sends.name(request(id), `id ${id}`);
}

describe('D1: what may have been sent', () => {
  test('is known after a restart, as it was asked for, until its echo or the provider’s word tells what became of it', async () => {
    const dir = await scratchFolder();
    const before = await openJournal({ dir });
    const quoted = { ...request('quoting'), quoted: { provider_message_id: 'q', text: 'a question' } };
    before.sends.begin(quoted);
    before.sends.name(quoted, 'id quoting');
    for (const id of ['echoed', 'refused']) doubt(before, id);
    before.close();
    const journal = await openJournal({ dir });
    const { sends } = await sendsBench({}, journal);
    const key = { remoteJid: 'ana@lid', participant: null, id: 'id echoed', fromMe: true };
    await journal.sessions.commit('bot', NO_AUTH, [received('id echoed', { key })]);
    sends.answered('id refused', { kind: 'refused', reason: 'no' });
    sends.answered('id echoed', { kind: 'sent' });
    for (let receipt = 0; receipt < 3; receipt += 1) sends.answered('id quoting', { kind: 'sent' });
    const news = framesOf(journal).flatMap((frame) => (frame.type === 'inbound' ? [frame.message] : []));
    expect(news).toMatchObject([
      { provider_message_id: 'id echoed' },
      { provider_message_id: 'id quoting', message: 'text quoting', quoted: quoted.quoted, source: 'bot' },
    ]);
    for (const id of ['quoting', 'echoed', 'refused']) {
      expect(journal.sends.inDoubt('bot', `id ${id}`), id).toBeNull();
    }
  });

  test('is kept of each bot for the last hundred, as long as its request, and goes with its bot', async () => {
    const clock = new ManualClock();
    const journal = await openJournal({ clock, seenDays: 14 });
    const isKept = (nth: number): boolean => journal.sends.inDoubt('bot', `id ${nth}`) !== null;
    for (let nth = 1; nth <= 102; nth += 1) doubt(journal, String(nth));
    expect([1, 2, 3, 102].map(isKept)).toEqual([false, false, true, true]);
    journal.bots.forgotten('another');
    expect(isKept(3)).toBe(true);
    journal.sends.failInterrupted();
    clock.advance(15 * 24 * 3_600_000);
    journal.prune();
    expect(isKept(102)).toBe(false);
    doubt(journal, '103');
    journal.bots.forgotten('bot');
    expect(isKept(103)).toBe(false);
  });

  test('costs no more than a line when it cannot be looked up', async () => {
    const { journal, sends, log } = await sendsBench();
    journal.close();
    sends.answered('id 1', { kind: 'sent' });
    expect(log.at('error')).toEqual(['what became of a text cannot be looked up']);
  });
});

describe('N6: no address', () => {
  test('fails at once: it waits for no turn, and nobody sees the bot type', async () => {
    const { journal, session, sends, send, texts } = await sendsBench({ sendsPerMinute: 1 });
    send(session, 'a');
    await vi.advanceTimersByTimeAsync(10);
    const typed = session.typed.length;
    const sender = { session, config: { media_storage_quota_gb: 1 } };
    sends.send({ ...request('b'), to: 'nowhere' }, () => sender);
    expect(framesOf(journal).at(-1)).toMatchObject({ request_id: 'b', reason: 'no address' });
    let running: typeof sender | null = null;
    sends.send({ ...request('c'), to: 'nowhere' }, () => running);
    running = sender;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(framesOf(journal).at(-1)).toMatchObject({ request_id: 'c', reason: 'no address' });
    expect(session.typed).toHaveLength(typed);
    expect(texts()).toEqual(['text a']);
  });
});
