import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { DEFAULT_POOLS } from '../../../src/jobs/pools.ts';
import { type ConfigSources, loadConfig, parseConfig, storeLocation } from '../../../src/system/config.ts';
import { DEFAULT_LIMITS } from '../../../src/queue/limits.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const nothing: ConfigSources = { environment: {}, flags: {} };

async function fileWith(text: string): Promise<string> {
  const file = path.join(await scratchFolder(), 'dragoman.yaml');
  await writeFile(file, text);
  return file;
}

function problemsOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof DragomanError && error.code === 'config_invalid') return error.message;
    throw error;
  }
  throw new Error('expected config_invalid');
}

const problemsIn = (settings: unknown): string => problemsOf(() => parseConfig(settings));

describe('a configuration', () => {
  test('needs nothing: one bot, the default pools and limits, data beside the working directory', () => {
    const config = loadConfig(nothing);
    expect(config.bots).toMatchObject([{ id: 'main', gateway: 'local', limits: DEFAULT_LIMITS }]);
    expect(config.pools.map(({ name }) => name)).toEqual(DEFAULT_POOLS.map(({ name }) => name));
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 7_310 });
    expect(config.dataFolder).toBe(path.resolve('data'));
    expect(storeLocation(config)).toEqual({ kind: 'sqlite', file: path.resolve('data/dragoman.db') });
  });

  test('is read from YAML, whose relative paths start at the file', async () => {
    const file = await fileWith('dataFolder: here\nstore: sqlite:there.db\nbots:\n  - id: alpha\n');
    const config = loadConfig({ ...nothing, file });
    expect(config.baseFolder).toBe(path.dirname(file));
    expect(config.dataFolder).toBe(path.join(path.dirname(file), 'here'));
    expect(storeLocation(config)).toEqual({
      kind: 'sqlite',
      file: path.join(path.dirname(file), 'here', 'there.db'),
    });
    expect(config.bots.map(({ id }) => id)).toEqual(['alpha']);
  });

  test('names MongoDB by its connection string', () => {
    const url = 'mongodb://127.0.0.1:27017/dragoman?replicaSet=rs0';
    expect(storeLocation(parseConfig({ store: url }))).toEqual({ kind: 'mongodb', url });
  });

  test('is read from JSON, and an empty file counts as nothing set', async () => {
    const json = await fileWith('{"listen": {"port": 1}}');
    expect(loadConfig({ ...nothing, file: json }).listen.port).toBe(1);
    expect(loadConfig({ ...nothing, file: await fileWith('') }).listen.port).toBe(7_310);
  });

  test('flags override the environment, which overrides the file; what is set to nothing is not set', async () => {
    const file = await fileWith('dataFolder: x\nlisten: {host: 127.0.0.2, port: 1}\nlog: {level: warn}\n');
    const environment = {
      DRAGOMAN_CONFIG: file,
      DRAGOMAN_PORT: '2',
      DRAGOMAN_DATA: '/elsewhere',
      DRAGOMAN_LOG: '',
    };
    const config = loadConfig({ environment, flags: { port: 3, simulator: 'http://127.0.0.1:9' } });
    expect(config.listen).toEqual({ host: '127.0.0.2', port: 3 });
    expect(config.dataFolder).toBe('/elsewhere');
    expect(config.log.level).toBe('warn');
    expect(config.simulator).toBe('http://127.0.0.1:9');
    expect(loadConfig({ environment, flags: {} }).listen.port).toBe(2);
  });
});

describe('a configuration that cannot be used is one line that says what to do', () => {
  test.for([
    ['an unknown setting', { botz: [] }, 'botz'],
    ['an unknown setting inside', { bots: [{ id: 'a', limitz: {} }] }, 'bots.0: '],
    ['a bot id', { bots: [{ id: 'Not OK' }] }, 'bots.0.id: expected lower-case letters, digits and dashes'],
    ['no bots', { bots: [] }, 'bots: '],
    ['a limit', { bots: [{ id: 'a', limits: { maxMessages: 0 } }] }, 'bots.0.limits.maxMessages: '],
    ['a bot twice', { bots: [{ id: 'a' }, { id: 'a' }] }, 'bots: bot a is there twice'],
    ['a bot called as an actor', { bots: [{ id: 'workers' }] }, 'bots: expected another id than workers'],
    ['an unknown gateway', { bots: [{ id: 'a', gateway: 'g' }] }, 'bots: bot a names the unknown gateway g'],
    ['a short token', { gateways: [{ id: 'g', token: 'short' }] }, 'gateways.0.token: '],
    ['a gateway called local', { gateways: [gateway('local', 'a')] }, 'gateways: local is this process'],
    ['a gateway twice', { gateways: [gateway('g', 'a'), gateway('g', 'b')] }, 'gateways: gateway g is there'],
    ['one token for two', { gateways: [gateway('g', 'a'), gateway('h', 'a')] }, 'have the same token'],
    ['a port', { listen: { port: 70_000 } }, 'listen.port: '],
    ['a section that is none', { listen: 'here' }, 'listen: '],
    ['a lease', { leaseMs: 10 }, 'leaseMs: '],
    ['no catch-all', { pools: [pool('a', ['audio/ogg'])] }, 'pools: expected exactly one catch-all pool'],
    [
      'a type in two pools',
      { pools: [pool('a', ['audio/ogg']), pool('b', ['Audio/OGG; codecs=opus']), pool('c', [])] },
      'pools: "audio/ogg" is listed twice',
    ],
    ['the store', { store: 'postgres:x' }, 'store: expected sqlite:PATH'],
    ['the simulator', { simulator: 'not a url' }, 'simulator: '],
    ['not settings at all', 'hello', 'settings: '],
  ] as const)('%s', ([, settings, expected]) => {
    const message = problemsIn(settings);
    expect(message).toContain(expected);
    expect(message).not.toContain('\n');
  });

  test('every problem at once, each with its path', () => {
    const message = problemsIn({ leaseMs: 'x', listen: { port: -1 }, bots: [{ id: 'A' }], nonsense: 1 });
    for (const part of ['leaseMs: ', 'listen.port: ', 'bots.0.id: ', 'nonsense']) {
      expect(message).toContain(part);
    }
  });

  test('does not repeat a token', () => {
    const secret = 'secret-of-sixteen';
    const gateways = [
      { id: 'g', token: secret },
      { id: 'h', token: secret },
    ];
    expect(problemsIn({ gateways })).not.toContain(secret);
  });

  test('a file that is not there, is no YAML, or holds no settings is named', async () => {
    const missing = path.join(await scratchFolder(), 'missing.yaml');
    expect(problemsOf(() => loadConfig({ ...nothing, file: missing }))).toContain(missing);
    for (const text of ['a: [1', '- just\n- a list\n', 'a: 1\na: 2\n']) {
      const file = await fileWith(text);
      const message = problemsOf(() => loadConfig({ ...nothing, file }));
      expect(message).toContain(file);
      expect(message).not.toContain('\n');
    }
  });

  test('a port in the environment that is no number', () => {
    expect(problemsOf(() => loadConfig({ environment: { DRAGOMAN_PORT: 'abc' }, flags: {} }))).toContain(
      'listen.port: ',
    );
  });
});

function gateway(id: string, token: string) {
  return { id, token: token.repeat(16) };
}

function pool(name: string, mimeTypes: readonly string[]) {
  return { name, mimeTypes, workers: 1, timeoutMs: 1, processor: 'audio' };
}
