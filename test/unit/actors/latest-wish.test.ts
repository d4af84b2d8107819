import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatestWish } from '../../../src/actors/latest-wish.ts';
import { gate } from '../../support/actor-kit.ts';

describe('a latest wish', () => {
  test('N2: of the wishes that come while one is being fulfilled only the last is kept', async () => {
    const first = gate();
    const fulfilled: string[] = [];
    const latest = new LatestWish<string>(async (wish) => {
      fulfilled.push(wish);
      if (wish === 'a') await first.passed;
    });
    for (const wish of ['a', 'b', 'c']) latest.want(wish);
    expect(latest.superseded).toBe(true);
    first.open();
    await latest.idle();
    expect(fulfilled).toEqual(['a', 'c']);
    expect(latest.superseded).toBe(false);
  });

  test('is idle when there was nothing to wish', async () => {
    await expect(new LatestWish(async () => {}).idle()).resolves.toBeUndefined();
  });

  test('N1, N2: however wishes and their fulfilment interleave, one runs at a time and the last is fulfilled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.nat(), { minLength: 1 }), async (s, wishes) => {
        let running = 0;
        const fulfilled: number[] = [];
        const latest = new LatestWish<number>(async (wish) => {
          running += 1;
          expect(running).toBe(1);
          await s.schedule(Promise.resolve());
          fulfilled.push(wish);
          running -= 1;
        });
        const asked = wishes.map((wish) => s.schedule(Promise.resolve()).then(() => latest.want(wish)));
        await s.waitIdle();
        await Promise.all(asked);
        await latest.idle();
        expect(fulfilled).toHaveLength(new Set(fulfilled.keys()).size);
        expect(wishes).toContain(fulfilled.at(-1));
        expect(latest.superseded).toBe(false);
      }),
    );
  });
});
