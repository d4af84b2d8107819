import { expect, expectTypeOf, test } from 'vitest';
import type {
  ActorDefinition,
  ActorRef,
  Handlers,
  Payload,
  Reply,
  Topic,
} from '../../../../src/actors/kit/actor.ts';
import type { ActorSystem } from '../../../../src/actors/kit/system.ts';
import { later } from '../../../../src/actors/kit/later.ts';

interface Shop {
  order(item: { readonly name: string; readonly count: number }): Promise<number>;
  close(): void;
}

test('topics, payloads and replies follow from the protocol', () => {
  expectTypeOf<Topic<Shop>>().toEqualTypeOf<'order' | 'close'>();
  expectTypeOf<Payload<Shop, 'order'>>().toEqualTypeOf<{ readonly name: string; readonly count: number }>();
  expectTypeOf<Payload<Shop, 'close'>>().toEqualTypeOf<undefined>();
  expectTypeOf<Reply<Shop, 'order'>>().toEqualTypeOf<number>();
  expectTypeOf<Reply<Shop, 'close'>>().toEqualTypeOf<void>();
});

const corner: ActorDefinition<Shop, { readonly street: string }> = {
  kind: 'shop',
  create: () => ({ handlers: { order: ({ count }) => count, close: () => {} } }),
};

/** Never called: the compiler is the test. */
async function misuse(system: ActorSystem): Promise<void> {
  // @ts-expect-error -- a number is no street
  await system.spawn(corner, 'corner', { street: 1 });
  const shop = await system.spawn(corner, 'corner', { street: 'Main' });
  expectTypeOf(shop).toEqualTypeOf<ActorRef<Shop>>();
  expectTypeOf(shop.ask('order', { name: 'tea', count: 2 })).toEqualTypeOf<Promise<number>>();
  expectTypeOf(shop.tell('close', undefined)).toEqualTypeOf<void>();
  // @ts-expect-error -- no such topic
  await shop.ask('refund', { name: 'tea', count: 2 });
  // @ts-expect-error -- the payload lacks its count
  await shop.ask('order', { name: 'tea' });
  // @ts-expect-error -- a tell's payload is checked as well
  shop.tell('order', 'tea');
}

test('the compiler refuses a wrong topic, payload, argument and use of a reply', () => {
  expect(misuse).toBeTypeOf('function');
});

test('the compiler refuses a behaviour that lacks a handler or replies with something else', () => {
  const complete: Handlers<Shop> = { order: async ({ count }) => count, close: () => {} };
  const routed: Handlers<Shop> = { order: ({ count }) => later(Promise.resolve(count)), close: () => {} };
  // @ts-expect-error -- close is missing
  const incomplete: Handlers<Shop> = { order: async () => 1 };
  // @ts-expect-error -- an order is answered with a number
  const wrong: Handlers<Shop> = { order: async () => 'one', close: () => {} };
  // @ts-expect-error -- so it is when answered later
  const late: Handlers<Shop> = { order: () => later(Promise.resolve('one')), close: () => {} };
  expect([complete, routed, incomplete, wrong, late]).toHaveLength(5);
});
