import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ProcessorChild } from '../../../../src/processors/isolated/processor-child.ts';
import type { ProcessorTask } from '../../../../src/processors/isolated/messages.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { RecordingLogger } from '../../../support/recording-logger.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';

const LOAD_MS = 60_000;
const MISCHIEF = fileURLToPath(new URL('../../../support/mischief-processor.ts', import.meta.url));

function childOf(file: string) {
  const clock = new ManualClock();
  const log = new RecordingLogger();
  const module = { file, options: {}, maxMemoryMb: 512 };
  const child = new ProcessorChild({ module, clock, log, loadMs: LOAD_MS, graceMs: 100 });
  onTestFinished(() => child.kill());
  return { child, clock, log };
}

async function childOfSource(source: string) {
  const file = path.join(await scratchFolder(), 'module.mjs');
  await writeFile(file, source);
  return childOf(file);
}

const task = (caption: string): ProcessorTask => ({
  file: { path: '/nowhere', bytes: null, sha256: null },
  mimeType: 'image/jpeg',
  context: {
    guid: 'guid',
    botId: 'bot-a',
    providerName: 'simulator',
    correspondentId: 'ana@example',
    originalFilename: null,
    caption,
    attempt: 1,
    corruptReason: null,
  },
});

describe('a processor’s process', () => {
  test('is idle when its module is loaded, and between two jobs', async () => {
    const { child, clock } = childOf(MISCHIEF);
    expect(child.isIdle).toBe(false);
    await child.load();
    expect(child.isIdle).toBe(true);
    const words = child.perform(task('pid'), new AbortController().signal);
    expect(child.isIdle).toBe(false);
    expect(await words).toMatch(/^\d+$/);
    expect(child.isIdle).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('that obeys its signal lives on', async () => {
    const { child, clock } = childOf(MISCHIEF);
    await child.load();
    const stop = new AbortController();
    const job = child.perform(task('end on abort'), stop.signal);
    stop.abort();
    await expect(job).rejects.toMatchObject({ code: 'processing_failed', message: /withdrawn/ });
    expect(clock.pendingTimers).toBe(0);
    clock.advance(1_000);
    expect(child.isIdle).toBe(true);
    expect(await child.perform(task('is aborted'), new AbortController().signal)).toBe('false');
  });

  test('does as many jobs as there are, and nothing is left of any in this process', async () => {
    const { child, clock } = childOf(MISCHIEF);
    await child.load();
    const warnings: string[] = [];
    const warned = ({ message }: Error): void => void warnings.push(message);
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const stop = new AbortController();
    for (let n = 0; n < 25; n += 1) expect(await child.perform(task('pid'), stop.signal)).toMatch(/^\d+$/);
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
    stop.abort();
    expect(child.isIdle).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('is given no job once it was killed, though it is not gone yet', async () => {
    const { child } = childOf(MISCHIEF);
    await child.load();
    child.kill();
    expect(child.gone.aborted).toBe(false);
    expect(child.isIdle).toBe(false);
  });

  test('C2: whose module never finishes loading is told of, and killed', async () => {
    const { child, clock, log } = await childOfSource('await new Promise((r) => setTimeout(r, 2 ** 30));');
    const loaded = child.load();
    clock.advance(3_000);
    expect(log.at('info')).toEqual(['a processor’s module is still loading']);
    clock.advance(LOAD_MS - 3_000);
    await expect(loaded).rejects.toMatchObject({
      code: 'worker_died',
      retryable: true,
      message: 'expected an answer, got SIGKILL (not loaded within 60000 ms)',
    });
    expect(child.gone.aborted).toBe(true);
    expect(child.isIdle).toBe(false);
  });

  test('C1: that sends more than it is asked for does not answer for its next job', async () => {
    const { child } = await childOfSource(
      `let last = null;
      process.on('message', (request) => { last = request; });
      const returned = (outcome) => ({ kind: 'returned', outcome });
      export const createProcessor = () => ({
        processMedia: async (file, mimeType, { caption }) => {
          await null;
          const late = { ...last, answers: last.id, reply: returned('late') };
          if (caption === 'first') setTimeout(() => process.send(late), 50);
          else await new Promise((resolve) => setTimeout(resolve, 500));
          process.send(returned('forged'));
          return caption;
        },
      });`,
    );
    await child.load();
    for (const caption of ['first', 'second']) {
      expect(await child.perform(task(caption), new AbortController().signal)).toBe(caption);
    }
  });

  test('C4: inherits the environment, but none of Dragoman’s variables: they hold secrets', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv('DRAGOMAN_STORE', 'mongodb://dragoman:secret@mongo/dragoman');
    vi.stubEnv('SPEECH_API_KEY', 'the module’s own');
    const { child } = await childOfSource(
      `const names = Object.keys(process.env).filter((name) => /^(DRAGOMAN|SPEECH)_/.test(name));
       export const createProcessor = () => ({ processMedia: async () => names.join() });`,
    );
    await child.load();
    expect(await child.perform(task('names'), new AbortController().signal)).toBe('SPEECH_API_KEY');
  });

  test('leaves what it prints to the debug log, and to the error that its end becomes', async () => {
    const { child, log } = await childOfSource(
      `console.log('loading the model'); process.exit(3); export {};`,
    );
    await expect(child.load()).rejects.toMatchObject({ message: /exit code 3 loading the model$/ });
    const printed = log.lines.filter(({ message }) => message === 'a processor printed');
    expect(printed).toMatchObject([{ level: 'debug', fields: { text: 'loading the model\n' } }]);
    expect(log.lines.at(-1)).toMatchObject({ level: 'info', fields: { how: 'exit code 3' } });
  });
});
