import { expect, test } from 'vitest';
import { Lanes } from '../../../src/base/lanes.ts';

/** Work that is recorded when it starts and ends when told. */
class Works {
  readonly lanes = new Lanes();
  readonly started: string[] = [];
  readonly #ends = new Map<string, PromiseWithResolvers<string>>();

  give(name: string, ...lanes: readonly string[]): Promise<string> {
    const end = Promise.withResolvers<string>();
    this.#ends.set(name, end);
    return this.lanes.run(lanes, () => {
      this.started.push(name);
      return end.promise;
    });
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.resolve(name);
    await settled();
  }

  async fail(name: string): Promise<void> {
    this.#ends.get(name)?.reject(new Error(name));
    await settled();
  }
}

/** After every promise job that is due. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('L1: work of one lane runs one at a time, in the order given, beside that of other lanes', async () => {
  const works = new Works();
  const all = [works.give('a1', 'a'), works.give('a2', 'a'), works.give('b1', 'b'), works.give('a3', 'a')];
  await settled();
  expect(works.started).toEqual(['a1', 'b1']);
  await works.end('a1');
  expect(works.started).toEqual(['a1', 'b1', 'a2']);
  for (const name of ['a2', 'a3', 'b1']) await works.end(name);
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'b1', 'a3']);
});

test('L1: work of two lanes waits for both, and both wait for it', async () => {
  const works = new Works();
  const all = [works.give('a', 'a'), works.give('b', 'b'), works.give('ab', 'a', 'b'), works.give('b2', 'b')];
  await works.end('a');
  expect(works.started).toEqual(['a', 'b']);
  await works.end('b');
  expect(works.started).toEqual(['a', 'b', 'ab']);
  await works.end('ab');
  expect(works.started).toEqual(['a', 'b', 'ab', 'b2']);
  await works.end('b2');
  await Promise.all(all);
});

test('L2: work that takes the same lanes in another order does not wait for itself', async () => {
  const works = new Works();
  const all = [works.give('ab', 'a', 'b'), works.give('ba', 'b', 'a')];
  await works.end('ab');
  await works.end('ba');
  expect(await Promise.all(all)).toEqual(['ab', 'ba']);
});

test("L3: a failure is its caller's, and the lane goes on", async () => {
  const works = new Works();
  const failed = works.give('a1', 'a').catch((error: unknown) => error);
  const next = works.give('a2', 'a');
  await works.fail('a1');
  await works.end('a2');
  expect(await failed).toEqual(new Error('a1'));
  expect(await next).toBe('a2');
});
