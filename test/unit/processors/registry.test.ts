import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../../src/base/log.ts';
import { DEFAULT_POOLS, type PoolConfig } from '../../../src/jobs/pools.ts';
import { BaseMediaProcessor } from '../../../src/processors/base-media-processor.ts';
import { createPoolProcessor } from '../../../src/processors/registry.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const clock = new ManualClock();

const create = (
  processor: string,
  processorOptions: PoolConfig['processorOptions'] = {},
  baseFolder = '/nowhere',
  changes: Partial<PoolConfig> = {},
) =>
  createPoolProcessor(
    { name: 'mine', mimeTypes: [], workers: 1, timeoutMs: 1_000, processor, processorOptions, ...changes },
    { clock, log: silentLogger, baseFolder },
  );

async function createFrom(
  name: string,
  source: string,
  options: PoolConfig['processorOptions'] = {},
  changes: Partial<PoolConfig> = {},
) {
  const baseFolder = await scratchFolder();
  await writeFile(path.join(baseFolder, name), source);
  const processor = await create(`./${name}`, options, baseFolder, changes);
  onTestFinished(() => processor.close());
  return processor;
}

const file = { path: '/nowhere', bytes: null, sha256: null };
const attempt = async (processor: Awaited<ReturnType<typeof create>>, timeoutMs = 1_000) =>
  processor.process(claimedJob(), file, { clock, timeoutMs }, new AbortController().signal);

describe('a pool’s processor', () => {
  test.each(DEFAULT_POOLS)('of the default pool $name is built in', async (pool) => {
    const processor = await createPoolProcessor(pool, { clock, log: silentLogger, baseFolder: '/nowhere' });
    expect(processor).toBeInstanceOf(BaseMediaProcessor);
  });

  test('may be a module, which is given the pool’s options', async () => {
    const source = `export const createProcessor = async ({ options }) => ({
      greeting: options.greeting,
      async processMedia(file, mimeType) { return this.greeting + ' ' + mimeType; },
    });`;
    const processor = await createFrom('greets.mjs', source, { greeting: 'hello' });
    expect(await attempt(processor)).toEqual({
      kind: 'completed',
      result: { kind: 'words', words: 'hello image/jpeg' },
    });
  });

  test('that is a module runs in a process of its own', async () => {
    const source = `export const createProcessor = () => ({ processMedia: async () => String(process.pid) });`;
    const outcome = await attempt(await createFrom('pid.mjs', source));
    expect(outcome).toMatchObject({ result: { words: expect.stringMatching(/^\d+$/) } });
    expect(outcome).not.toMatchObject({ result: { words: String(process.pid) } });
  });

  test('that is a module has as many processes as its pool has workers, each with the memory it may take', async () => {
    const source = `import { readdirSync, writeFileSync } from 'node:fs';
      import { setTimeout as pause } from 'node:timers/promises';
      const limit = process.execArgv.find((arg) => arg.startsWith('--max-old-space-size'));
      export const createProcessor = ({ options: { folder } }) => ({
        async processMedia(file, mimeType, context, signal) {
          writeFileSync(folder + '/' + process.pid, '');
          while (readdirSync(folder).length < 2) await pause(10, undefined, { signal });
          return process.pid + ' ' + limit;
        },
      });`;
    const folder = await scratchFolder();
    const two = { workers: 2, maxMemoryMb: 321 };
    const processor = await createFrom('two.mjs', source, { folder }, two);
    const twice = async () => {
      const outcomes = await Promise.all([attempt(processor, 20_000), attempt(processor, 20_000)]);
      return outcomes.map((outcome) => (outcome.kind === 'completed' ? outcome.result.words : outcome.kind));
    };
    const first = await twice();
    expect(new Set(first).size).toBe(2);
    for (const words of first) expect(words).toMatch(/^\d+ --max-old-space-size=321$/);
    expect((await twice()).toSorted()).toEqual(first.toSorted());
  });

  test('may be a module whose processMedia is not even asynchronous', async () => {
    const source = `export const createProcessor = () => ({ processMedia: () => 'at once' });`;
    expect(await attempt(await createFrom('at-once.mjs', source))).toMatchObject({
      result: { words: 'at once' },
    });
  });
});

const refused = (problem: RegExp) => ({
  code: 'config_invalid',
  message: expect.stringMatching(new RegExp(`^pool "mine": processor: .*${problem.source}`, 's')),
});

describe('a configuration is refused, naming the pool, when the processor', () => {
  test('has a name that nothing has', async () => {
    await expect(create('whisper')).rejects.toMatchObject(refused(/expected one of image, .*got "whisper"/));
  });

  test('is a module that is not there', async () => {
    await expect(create('./missing.mjs')).rejects.toMatchObject(refused(/missing\.mjs: expected a module/));
  });

  test('is a module with a syntax error', async () => {
    await expect(createFrom('broken.mjs', 'export const = 1')).rejects.toMatchObject(
      refused(/broken\.mjs: expected a module/),
    );
  });

  test('is a module without createProcessor', async () => {
    await expect(createFrom('empty.mjs', 'export {}')).rejects.toMatchObject(
      refused(/exported function createProcessor/),
    );
  });

  test('is a module that makes something else', async () => {
    await expect(
      createFrom('nothing.mjs', 'export const createProcessor = () => ({})'),
    ).rejects.toMatchObject(refused(/a function processMedia/));
  });

  test('throws while it is made', async () => {
    const source = `export const createProcessor = () => { throw new Error('no API key') };`;
    await expect(createFrom('keyless.mjs', source)).rejects.toMatchObject(refused(/no API key/));
  });

  test('throws what is no error while it is made', async () => {
    const source = `export const createProcessor = () => { throw undefined };`;
    await expect(createFrom('mute.mjs', source)).rejects.toMatchObject(
      refused(/threw a value of type undefined/),
    );
  });

  test('does not know its options', async () => {
    await expect(create('image', { delay: 5 })).rejects.toMatchObject(refused(/delay/));
    await expect(create('image', { delayMs: -1 })).rejects.toMatchObject(refused(/delayMs/));
    await expect(create('image', { word: 'x' })).rejects.toMatchObject(
      refused(/processorOptions: Unrecognized key: "word"$/),
    );
  });
});
