import { describe, expect, test } from 'vitest';
import { DEFAULT_POOLS, type PoolConfig, poolProblems, poolRouter } from '../../../src/jobs/pools.ts';

const pool = (overrides: Partial<PoolConfig>): PoolConfig => ({
  name: 'a',
  mimeTypes: [],
  workers: 1,
  timeoutMs: 1_000,
  processor: 'image',
  ...overrides,
});

describe('the default pools', () => {
  const route = poolRouter(DEFAULT_POOLS);

  test.each([
    ['audio/ogg; codecs=opus', 'audio'],
    ['AUDIO/MPEG', 'audio'],
    ['video/quicktime', 'video'],
    ['image/heic', 'image'],
    ['application/pdf', 'document'],
    ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'document'],
    ['application/vnd.oasis.opendocument.presentation', 'document'],
    ['image/webp', 'sticker'],
    ['media_corrupt_image', 'corrupt'],
    ['media_corrupt_sticker', 'corrupt'],
    ['application/zip', 'unsupported'],
    ['', 'unsupported'],
  ])('%s goes to %s', (mimeType, name) => {
    expect(route(mimeType).name).toBe(name);
  });

  test('have the workers and deadlines of the specification', () => {
    expect(DEFAULT_POOLS.map(({ name, workers, timeoutMs }) => [name, workers, timeoutMs])).toEqual([
      ['audio', 2, 300_000],
      ['video', 1, 600_000],
      ['image', 3, 120_000],
      ['document', 2, 120_000],
      ['sticker', 2, 60_000],
      ['corrupt', 1, 10_000],
      ['unsupported', 1, 10_000],
    ]);
  });
});

describe('a set of pools', () => {
  test('is told all of its problems at once', () => {
    const problems = poolProblems([
      pool({ name: 'a', mimeTypes: ['image/png'], workers: 0 }),
      pool({ name: 'a', mimeTypes: ['Image/PNG; q=1', ''], timeoutMs: 0.5, maxMemoryMb: 0 }),
    ]);
    expect(problems).toEqual([
      'expected exactly one catch-all pool (no MIME types), got 0',
      'pool "a": expected workers of at least 1, got 0',
      'expected unique pool names, got "a" twice',
      'pool "a": expected a timeoutMs of at least 1, got 0.5',
      'pool "a": expected a maxMemoryMb of at least 1, got 0',
      '"image/png" is listed twice: by "a" and by "a"',
      'pool "a": expected MIME types such as image/png, one by one, got ""',
    ]);
  });

  test('with two catch-alls or none is refused', () => {
    expect(poolProblems([pool({}), pool({ name: 'b' })])).toHaveLength(1);
    expect(poolProblems([])).toHaveLength(1);
    expect(poolProblems([pool({})])).toEqual([]);
  });

  test.each(['image/*', '*/*', '*', 'jpeg', 'image', 'image/png, image/jpeg', 'media_corrupt_music'])(
    'that lists %s, which no medium is, is refused',
    (type) => {
      expect(poolProblems([pool({}), pool({ name: 'b', mimeTypes: [type] })])).toEqual([
        `pool "b": expected MIME types such as image/png, one by one, got "${type}"`,
      ]);
    },
  );

  test.each(['speech/fast', 'two\nlines', 'red\u001B[31m', 'turned\u202Eround', 'x'.repeat(65)])(
    'with a pool called %j is refused',
    (name) => {
      expect(poolProblems([pool({ name })])).toEqual([
        `expected pool names of at most 64 characters, without "/" and control characters, got ${JSON.stringify(name)}`,
      ]);
    },
  );

  test('with pools that are called by words of any language is accepted', () => {
    const names = ['speech fast', 'Sprache-ü', '音声', 'x'.repeat(64), '__proto__'];
    const pools = names.map((name, n) => pool({ name, mimeTypes: n === 0 ? [] : [`image/x-${n}`] }));
    expect(poolProblems(pools)).toEqual([]);
  });

  test('with a nameless pool is refused', () => {
    expect(poolProblems([pool({ name: ' ' })])).toEqual([
      'expected every pool to have a name, got an empty one',
    ]);
  });

  test('that is refused makes no router', () => {
    expect(() => poolRouter([pool({ mimeTypes: ['image/png'] })])).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    );
  });

  test('routes a type that its pool spells with parameters or capitals', () => {
    const route = poolRouter([pool({}), pool({ name: 'b', mimeTypes: ['Audio/OGG; codecs=opus'] })]);
    expect(route('audio/ogg').name).toBe('b');
  });
});
