import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { BackendFrame } from '../../../src/protocol/frames.ts';
import { FrameLog } from '../../../src/gateway/frame-log.ts';
import { FramePump } from '../../../src/gateway/frame-pump.ts';
import { BackendLink } from '../../../src/gateway/link.ts';
import { LINK_TIMING, type LinkTiming } from '../../../src/gateway/link-connection.ts';
import type { Journal } from '../../../src/gateway/journal.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { openJournal, seqsOf } from '../../support/open-journal.ts';
import { NO_AUTH, received } from '../../support/received-messages.ts';
import { RecordingLogger } from '../../support/recording-logger.ts';
import { ScriptedBackend, SILENCE } from '../../support/scripted-backend.ts';

async function startBackend(): Promise<ScriptedBackend> {
  const backend = await ScriptedBackend.start();
  onTestFinished(() => backend.close());
  return backend;
}

interface LinkBench {
  readonly link: BackendLink;
  readonly journal: Journal;
  readonly clock: ManualClock;
  readonly log: RecordingLogger;
  readonly heard: BackendFrame[];
  readonly announce: (...ids: string[]) => Promise<void>;
}

/** A link between a real journal and one or more scripted backends. */
async function startLink(
  backends: readonly [ScriptedBackend, ...ScriptedBackend[]],
  options: {
    readonly token?: string;
    readonly journalled?: readonly string[];
    readonly timing?: LinkTiming;
  } = {},
): Promise<LinkBench> {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const journal = await openJournal({ clock });
  const heard: BackendFrame[] = [];
  const [first, ...others] = backends.map(({ url }) => url);
  const link = new BackendLink(
    {
      urls: [first ?? '', ...others],
      token: options.token ?? backends[0].token,
      clock,
      log,
      random: () => 1,
      timing: options.timing ?? LINK_TIMING,
    },
    {
      frames: journal.frames,
      greeting: () => [{ type: 'hello', gateway_id: 'north', bots: ['bot'] }],
      acknowledged: (seqs) => {
        journal.frames.acknowledge(seqs);
        return true;
      },
      received: (frame) => heard.push(frame),
    },
  );
  const announce = async (...ids: string[]): Promise<void> => {
    await journal.sessions.commit(
      'bot',
      NO_AUTH,
      ids.map((id) => received(id)),
    );
    link.notify();
  };
  await announce(...(options.journalled ?? []));
  link.start();
  onTestFinished(() => link.stop(AbortSignal.abort()));
  return { link, journal, clock, log, heard, announce: announce };
}

const seqsIn = (frames: readonly object[]): number[] =>
  frames.flatMap((frame) => ('seq' in frame && typeof frame.seq === 'number' ? [frame.seq] : []));

/** How long the link waits before each of so many dials, when the backend hangs up after `meanwhile`. */
async function pausesBetween(
  dials: number,
  meanwhile: (bench: Awaited<ReturnType<typeof startLink>>, backend: ScriptedBackend) => Promise<void>,
): Promise<readonly number[]> {
  const backend = await startBackend();
  const bench = await startLink([backend]);
  const { clock, log } = bench;
  const pauses: number[] = [];
  for (let dial = 1; dial <= dials; dial += 1) {
    await backend.untilFrames('hello', dial);
    await meanwhile(bench, backend);
    backend.cut();
    await expect.poll(() => log.at('warn')).toHaveLength(dial);
    const before = clock.now();
    while (clock.pendingTimers > 0) clock.advance(100);
    pauses.push(clock.now() - before);
  }
  return pauses;
}

describe('a connection', () => {
  test('a journal that cannot be read when a frame is written ends the connection, not the process', async () => {
    const backend = await startBackend();
    const { journal, clock, log, announce } = await startLink([backend]);
    await backend.untilFrames('hello');
    const reads = vi.spyOn(journal.frames, 'after');
    backend.answer = SILENCE;
    const { after } = FrameLog.prototype;
    reads.mockImplementationOnce((seq, limit) => after.call(journal.frames, seq, limit));
    reads.mockImplementationOnce(() => {
      throw new Error('the disk is gone');
    });
    await announce('a');
    await log.untilLine('dialling again');
    expect(log.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('the link stumbled') }),
    );
    clock.advance(500);
    await backend.untilFrames('inbound', 2);
    expect(backend.links).toHaveLength(2);
  });

  test('K1: hello comes first, then what waited, then what is new, in order', async () => {
    const backend = await startBackend();
    const { announce } = await startLink([backend], { journalled: ['a', 'b'] });
    await backend.untilFrames('inbound', 2);
    await announce('c');
    await backend.untilFrames('inbound', 3);
    const [link] = backend.links;
    expect(link?.map((frame) => frame.type)).toEqual(['hello', 'inbound', 'inbound', 'inbound']);
    expect(seqsIn(link ?? [])).toEqual([1, 2, 3]);
  });

  test('acked frames leave the journal', async () => {
    const backend = await startBackend();
    const { clock, journal, announce } = await startLink([backend]);
    await announce('a', 'b');
    await backend.untilFrames('inbound', 2);
    await expect
      .poll(() => {
        clock.advance(50);
        return seqsOf(journal);
      })
      .toEqual([]);
  });

  test('after a cut everything unacked is sent again, in order, and nothing acked', async () => {
    const backend = await startBackend();
    backend.answer = ({ seq }) => (seq === 2 ? { type: 'ack', seq } : null);
    const { clock, log, heard, journal } = await startLink([backend], {
      journalled: ['a', 'b', 'c'],
    });
    await backend.untilFrames('inbound', 3);
    backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await expect.poll(() => heard).toHaveLength(1);
    backend.cut();
    await log.untilLine('dialling again');
    expect(seqsOf(journal)).toEqual([1, 3]);
    clock.advance(500);
    await backend.untilFrames('inbound', 5);
    expect(backend.links.map(seqsIn)).toEqual([
      [1, 2, 3],
      [1, 3],
    ]);
  });

  test('an answer to a frame that is not in flight is ignored', async () => {
    const backend = await startBackend();
    backend.answer = SILENCE;
    const { journal, clock, heard } = await startLink([backend], { journalled: ['a'] });
    await backend.untilFrames('inbound');
    backend.send({ type: 'ack', seq: 99 });
    backend.send({ type: 'nack', seq: 99, code: 'x', reason: 'x' });
    backend.send({ type: 'nack', seq: 1, code: 'frame_invalid', reason: 'no' });
    await expect.poll(() => heard).toMatchObject([{ type: 'nack', seq: 1 }]);
    clock.advance(1_000);
    expect(seqsOf(journal)).toEqual([1]);
  });

  test('K3: nonsense is ignored, ten times in a minute', async () => {
    const backend = await startBackend();
    const { heard, log, clock } = await startLink([backend]);
    await backend.untilFrames('hello');
    const nonsense = [
      '',
      '{',
      'null',
      '{"v":1}',
      '{"v":2,"type":"ack","seq":1}',
      '{"v":1,"type":"ack","seq":-1}',
      '[]',
    ];
    for (const text of nonsense) backend.sendText(text);
    backend.sendText(Buffer.from([1, 2, 3]));
    backend.sendText(JSON.stringify({ v: 1, type: 'bot.stop', bot_id: '../x' }));
    backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await expect.poll(() => heard).toEqual([{ v: 1, type: 'bot.stop', bot_id: 'bot' }]);
    expect(log.lines.filter(({ message }) => message.includes('malformed'))).toHaveLength(9);
    backend.sendText('the tenth');
    const lost = await log.untilLine('dialling again');
    expect(lost.fields).toMatchObject({ reason: 'too many malformed frames' });
    clock.advance(500);
    await backend.untilFrames('hello', 2);
  });

  test('K2: a frame above the limit closes the connection', async () => {
    const backend = await startBackend();
    const { log } = await startLink([backend]);
    await backend.untilFrames('hello');
    backend.sendText('x'.repeat(300_000));
    expect((await log.untilLine('dialling again')).fields).toMatchObject({
      reason: 'Max payload size exceeded',
    });
  });

  test('K2: a backend that answers no frame for two minutes is left', async () => {
    const backend = await startBackend();
    backend.answer = SILENCE;
    const timing = { ...LINK_TIMING, pingEveryMs: 200_000 };
    const { clock, log } = await startLink([backend], { journalled: ['a'], timing });
    await backend.untilFrames('inbound');
    clock.advance(200_000);
    expect((await log.untilLine('dialling again')).fields).toMatchObject({
      reason: 'the backend does not answer a frame',
    });
  });

  test('K2: a silent backend is left after two pings', async () => {
    const backend = await startBackend();
    const { clock, log } = await startLink([backend]);
    await backend.untilFrames('hello');
    clock.advance(60_000);
    clock.advance(30_000);
    expect((await log.untilLine('dialling again')).fields).toMatchObject({ reason: 'the backend is silent' });
  });
});

describe('dialling', () => {
  test('401 is told with what to do, and tried again slowly', async () => {
    const backend = await startBackend();
    const { clock, log } = await startLink([backend], { token: 'a wrong token' });
    const line = await log.untilLine('token');
    expect(line.level).toBe('error');
    expect(line.message).toContain('give both the same one');
    expect(JSON.stringify(log.lines)).not.toContain('a wrong token');
    clock.advance(29_000);
    expect(backend.dials).toBe(1);
    clock.advance(31_000);
    await backend.until(() => backend.dials === 2);
  });

  test('a backend that stands by is passed over for the next one', async () => {
    const [standby, active] = [await startBackend(), await startBackend()];
    standby.upgradeStatus = 503;
    const { clock, log } = await startLink([standby, active]);
    await log.untilLine('dialling again');
    clock.advance(500);
    expect(await active.untilFrames('hello')).toHaveLength(1);
  });

  test('L2: it dials ever more slowly, up to ten seconds', async () => {
    const backend = await startBackend();
    backend.upgradeStatus = 500;
    const { clock, log } = await startLink([backend]);
    const pauses: number[] = [];
    for (let dial = 1; dial <= 8; dial += 1) {
      await backend.until(() => backend.dials === dial);
      await expect
        .poll(() => log.lines.filter(({ message }) => message.includes('dialling')))
        .toHaveLength(dial);
      const before = clock.now();
      while (clock.pendingTimers > 0) clock.advance(100);
      pauses.push(clock.now() - before);
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000]);
  });

  test('L2: a backend that greets and then fails is dialled ever more slowly', async () => {
    const pauses = await pausesBetween(4, async ({ heard }, backend) => {
      const before = heard.length;
      backend.send({ type: 'bot.stop', bot_id: 'bot' });
      await expect.poll(() => heard.length).toBe(before + 1);
    });
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000]);
  });

  test('L2: one that stood for a while is dialled again soon', async () => {
    const pauses = await pausesBetween(3, async ({ clock }) => clock.advance(30_000));
    expect(pauses).toEqual([500, 500, 500]);
  });

  test('L2: one that acked something is dialled again soon', async () => {
    let nth = 0;
    const pauses = await pausesBetween(3, async ({ announce, journal, clock }) => {
      await announce(`message ${(nth += 1)}`);
      await expect
        .poll(() => {
          clock.advance(50);
          return seqsOf(journal);
        })
        .toEqual([]);
    });
    expect(pauses).toEqual([500, 500, 500]);
  });

  test('stopped while it waits to dial, it dials no more', async () => {
    const backend = await startBackend();
    backend.upgradeStatus = 500;
    const { clock, link, log } = await startLink([backend]);
    await log.untilLine('dialling again');
    await link.stop(new AbortController().signal);
    clock.advance(60_000);
    expect(backend.dials).toBe(1);
    expect(clock.pendingTimers).toBe(0);
  });

  test('stopping says goodbye, and keeps the acks that came', async () => {
    const backend = await startBackend();
    const { clock, link, journal, heard } = await startLink([backend], { journalled: ['a'] });
    await backend.untilFrames('inbound');
    backend.send({ type: 'bot.stop', bot_id: 'bot' });
    await expect.poll(() => heard).toHaveLength(1);
    await link.stop(new AbortController().signal);
    expect(seqsOf(journal)).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});

function pumpBench(limits: { maxInFlight: number; maxBufferedBytes: number }) {
  const stored = Array.from({ length: 100 }, (_, index) => ({ seq: index + 1, body: 'x'.repeat(10) }));
  const sent: string[] = [];
  const sink = {
    bufferedAmount: 0,
    written: [] as (() => void)[],
    send(text: string, written: () => void): void {
      sent.push(text);
      this.bufferedAmount += text.length;
      this.written.push(written);
    },
    drain(): void {
      this.bufferedAmount = 0;
      for (const written of this.written.splice(0)) written();
    },
  };
  const source = {
    after: (seq: number, limit: number) => stored.filter((frame) => frame.seq > seq).slice(0, limit),
  };
  return { pump: new FramePump(source, sink, limits, new ManualClock()), sink, sent };
}

describe('FramePump', () => {
  test('U2: no more than its window is unanswered', () => {
    const { pump, sent } = pumpBench({ maxInFlight: 5, maxBufferedBytes: 1_000_000 });
    pump.pump();
    pump.pump();
    expect(sent).toHaveLength(5);
    expect(pump.answered(3)).toBe(true);
    expect(pump.answered(3)).toBe(false);
    expect(sent).toHaveLength(6);
  });

  test('U2: a reader that does not read is not buried; once it reads, it goes on', () => {
    const { pump, sink, sent } = pumpBench({ maxInFlight: 100, maxBufferedBytes: 45 });
    pump.pump();
    expect(sent).toHaveLength(5);
    pump.pump();
    expect(sent).toHaveLength(5);
    sink.drain();
    expect(sent).toHaveLength(10);
  });
});
