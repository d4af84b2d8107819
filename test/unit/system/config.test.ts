import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { DragomanError } from '../../../src/base/errors.ts';
import { DEFAULT_POOLS } from '../../../src/jobs/pools.ts';
import {
  type ConfigSources,
  loadConfig,
  parseConfig,
  SETTINGS,
  storeLocation,
} from '../../../src/system/config.ts';
import { settingsOfEnvironment } from '../../../src/system/config/environment.ts';
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
      DRAGOMAN_LISTEN_PORT: '2',
      DRAGOMAN_DATA_FOLDER: '/elsewhere',
      DRAGOMAN_LOG_LEVEL: '',
    };
    const config = loadConfig({ environment, flags: { port: 3, simulator: 'http://127.0.0.1:9' } });
    expect(config.listen).toEqual({ host: '127.0.0.2', port: 3 });
    expect(config.dataFolder).toBe('/elsewhere');
    expect(config.log.level).toBe('warn');
    expect(config.simulator).toBe('http://127.0.0.1:9');
    expect(loadConfig({ environment, flags: {} }).listen.port).toBe(2);
  });
});

describe('a configuration that cannot be used says what to do', () => {
  test.for([
    ['an unknown setting', { botz: [] }, 'botz'],
    ['an unknown setting inside', { bots: [{ id: 'a', limitz: {} }] }, 'bots.0.limitz: '],
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
    ['workers of SQLite', { processedBy: 'workers' }, 'processedBy: workers need store: mongodb://'],
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

  test('several problems have a line each', () => {
    const lines = problemsIn({ leaseMs: 'x', listen: { port: -1 }, nonsense: 1 }).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe('configuration:');
  });

  test.for([
    ['a setting that is misspelt', { bot: [] }, 'bot: there is no such setting: did you mean bots?'],
    [
      'one of an entry in a list',
      { bots: [{ id: 'a', group: 'none' }] },
      'bots.0.group: there is no such setting: did you mean groups?',
    ],
    [
      'one in another case',
      { bots: [{ id: 'a', limits: { maxcharacters: 3 } }] },
      'bots.0.limits.maxcharacters: there is no such setting: did you mean maxCharacters?',
    ],
    [
      'one in the wrong place',
      { port: 1 },
      'port: there is no such setting: did you mean listen.port or http.port?',
    ],
    ['one that is like no other', { webhook: 'x' }, 'webhook: there is no such setting'],
    [
      'digits that YAML takes for a number',
      { bots: [{ id: 'a', pairingPhone: 4_915_112_345_678 }] },
      'bots.0.pairingPhone: expected text, got a number: put it into quotes',
    ],
    ['one that is missing', { bots: [{}] }, 'bots.0.id: expected text, got nothing'],
    ['none at all', { bots: [] }, 'bots: expected one entry or more'],
    ['a list that is none', { bots: { id: 'a' } }, 'bots: expected a list, got settings by name'],
    ['a number that is too small', { maxAttempts: 0 }, 'maxAttempts: expected 1 or more, got 0'],
    [
      'a number that is too large',
      { http: { port: 99_999 } },
      'http.port: expected 65535 at most, got 99999',
    ],
    ['a number that is not whole', { maxAttempts: 1.5 }, 'maxAttempts: expected a whole number, got 1.5'],
    [
      'a number that must be more than nothing',
      { bots: [{ id: 'a', mediaStorageQuotaGb: 0 }] },
      'bots.0.mediaStorageQuotaGb: expected more than 0, got 0',
    ],
    ['a token that is too short', { http: { token: 'short' } }, 'http.token: expected 16 characters or more'],
    ['a choice that is none', { processedBy: 'me' }, 'processedBy: expected backend or workers, got me'],
    [
      "a shell's short form of the home folder",
      { dataFolder: '~/dragoman' },
      'dataFolder: expected a path without ~: write your home folder out',
    ],
    [
      'the same of a store',
      { store: 'sqlite:~/dragoman.db' },
      'store: expected a path without ~: write your home folder out',
    ],
    [
      'a folder whose name has a ~ in it',
      { dataFolder: 'x~/~y', maxAttempts: 0 },
      'maxAttempts: expected 1 or more, got 0',
    ],
    [
      "a backend's address without its path",
      { uplink: { gatewayId: 'north', token: 'x'.repeat(16), backends: ['ws://127.0.0.1:7310'] } },
      'uplink.backends.0: expected ws://HOST:PORT/gateway: the path is missing',
    ],
    [
      "a backend's address that is none",
      { uplink: { gatewayId: 'north', token: 'x'.repeat(16), backends: ['http://x/gateway'] } },
      'uplink.backends.0: expected ws://HOST:PORT/gateway',
    ],
    [
      'a choice by true',
      { bots: [{ id: 'a', history: true }] },
      'bots.0.history: expected ignored or taken, got true',
    ],
  ] as const)('%s', ([, settings, expected]) => {
    expect(problemsIn(settings)).toBe(`configuration: ${expected}`);
  });

  test('what settings get wrong together is told beside a problem elsewhere', () => {
    const bots = [{ id: 'a' }, { id: 'a', gateway: 'nobody' }];
    const message = problemsIn({ leaseMs: 'x', bots, pools: [pool('only', ['audio/ogg'])], gateways: [] });
    for (const part of ['leaseMs: ', 'bot a is there twice', 'unknown gateway nobody', 'catch-all']) {
      expect(message).toContain(part);
    }
  });

  test('HTTP for other machines without a token', () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.7', '127.evil.example']) {
      expect(problemsIn({ http: { host } })).toContain('http: expected http.token');
    }
    for (const http of [
      { host: '::1' },
      { host: '0.0.0.0', token: 'x'.repeat(16) },
      { host: '::', enabled: false },
    ]) {
      expect(parseConfig({ http }).http).toMatchObject(http);
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
    const message = problemsOf(() => loadConfig({ environment: { DRAGOMAN_LISTEN_PORT: 'abc' }, flags: {} }));
    expect(message).toMatch(/listen\.port: .* \(from DRAGOMAN_LISTEN_PORT\)/);
  });
});

const fromVariables = (environment: Record<string, string>) => loadConfig({ environment, flags: {} });

describe('the environment', () => {
  test('sets what is in a list by its number, and whole lists as YAML', () => {
    const config = fromVariables({
      DRAGOMAN_BOTS_1_LIMITS_MAX_MESSAGES: '7',
      DRAGOMAN_BOTS: '[{id: alpha}, {id: beta}]',
      DRAGOMAN_BOTS_0_GROUPS: 'none',
      DRAGOMAN_GATEWAY_MAX_FILE_BYTES: '1024',
    });
    expect(config.bots).toMatchObject([
      { id: 'alpha', groups: 'none' },
      { id: 'beta', limits: { maxMessages: 7 } },
    ]);
    expect(config.gateway.maxFileBytes).toBe(1_024);
  });

  test('gives texts as they are, even those that look like something else', () => {
    expect(fromVariables({ DRAGOMAN_BOTS_0_ID: '12345' }).bots[0]?.id).toBe('12345');
  });

  test('cannot leave a hole in a list', () => {
    expect(problemsOf(() => fromVariables({ DRAGOMAN_BOTS: '[]', DRAGOMAN_BOTS_3_ID: 'd' }))).toContain(
      'bots: ',
    );
  });

  test('names the variable whose value is no YAML, and does not repeat the value', () => {
    const message = problemsOf(() =>
      fromVariables({ DRAGOMAN_GATEWAYS: '[{token: hush-hush', DRAGOMAN_LEASE_MS: 'x' }),
    );
    expect(message).toContain('gateways: the value of DRAGOMAN_GATEWAYS is not valid YAML');
    expect(message).toContain('leaseMs: ');
    expect(message).not.toContain('hush');
  });

  test('what names no setting is ignored, and known as such', () => {
    const environment = { DRAGOMAN_PROT: '1', DRAGOMAN_BOTS_X_ID: 'a', DRAGOMAN_CONFIG: '', PATH: '/' };
    expect(fromVariables(environment).listen.port).toBe(7_310);
    expect(settingsOfEnvironment(environment, SETTINGS).unknown).toEqual([
      'DRAGOMAN_PROT',
      'DRAGOMAN_BOTS_X_ID',
    ]);
  });
});

describe('a secret', () => {
  const TOKEN = 'a-token-of-sixteen-or-more';

  test('comes from a file beside the configuration, without its line break', async () => {
    const file = await fileWith('gateways: [{id: g, tokenFile: g.token}]\n');
    await writeFile(path.join(path.dirname(file), 'g.token'), `${TOKEN}\n`);
    expect(loadConfig({ ...nothing, file }).gateways).toEqual([{ id: 'g', token: TOKEN }]);
  });

  test('comes from a file that a variable names, relative to the working directory', async () => {
    const store = await fileWith('mongodb://u:p@h/d\n');
    const environment = { DRAGOMAN_STORE_FILE: path.relative(process.cwd(), store) };
    expect(loadConfig({ environment, flags: {} }).store).toBe('mongodb://u:p@h/d');
  });

  test('given by the environment in one way replaces the other way of the file', async () => {
    const file = await fileWith('gateways: [{id: g, tokenFile: nowhere}]\n');
    const environment = { DRAGOMAN_GATEWAYS_0_TOKEN: TOKEN };
    expect(loadConfig({ file, environment, flags: {} }).gateways).toEqual([{ id: 'g', token: TOKEN }]);
  });

  test('given by the environment in both ways is refused, in whichever order the variables are', async () => {
    const DRAGOMAN_HTTP_TOKEN_FILE = await fileWith(TOKEN);
    const file = await fileWith('http: {tokenFile: nowhere}\n');
    for (const environment of [
      { DRAGOMAN_HTTP_TOKEN: TOKEN, DRAGOMAN_HTTP_TOKEN_FILE },
      { DRAGOMAN_HTTP_TOKEN_FILE, DRAGOMAN_HTTP_TOKEN: TOKEN },
    ]) {
      const message = problemsOf(() => loadConfig({ file, environment, flags: {} }));
      expect(message).toContain('http.token: give it or tokenFile, not both');
    }
    const DRAGOMAN_GATEWAYS = `[{id: g, token: ${'b'.repeat(16)}}]`;
    const environment = { DRAGOMAN_GATEWAYS, DRAGOMAN_GATEWAYS_0_TOKEN_FILE: DRAGOMAN_HTTP_TOKEN_FILE };
    expect(loadConfig({ environment, flags: {} }).gateways).toEqual([{ id: 'g', token: TOKEN }]);
  });

  test.for([
    ['in both ways', `token: ${TOKEN}, tokenFile: x`, 'gateways.0.token: give it or tokenFile, not both'],
    ['in a file that is not there', 'tokenFile: nowhere', 'gateways.0.tokenFile: cannot read '],
    ['in an empty file', 'tokenFile: /dev/null', 'gateways.0.tokenFile: expected a secret in /dev/null'],
    ['in no file at all', 'tokenFile: [1]', 'gateways.0.tokenFile: expected the name of a file'],
  ] as const)('%s is refused, with everything else that is wrong', async ([, entry, expected]) => {
    const file = await fileWith(`gateways: [{id: g, ${entry}}]\nleaseMs: x\n`);
    const message = problemsOf(() => loadConfig({ ...nothing, file }));
    expect(message).toContain(expected);
    expect(message).toContain('leaseMs: ');
    expect(message).not.toContain(TOKEN);
  });
});

test('docs/configuration.md is what the schema says', () => {
  const script = path.resolve('scripts/configuration-reference.ts');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

function gateway(id: string, token: string) {
  return { id, token: token.repeat(16) };
}

function pool(name: string, mimeTypes: readonly string[]) {
  return { name, mimeTypes, workers: 1, timeoutMs: 1, processor: 'audio' };
}
