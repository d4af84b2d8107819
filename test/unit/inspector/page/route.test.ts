import { expect, test } from 'vitest';
import { chatHash, routeOf } from '../../../../src/inspector/page/route.js';

test.for([
  ['', { page: 'overview' }],
  ['#/', { page: 'overview' }],
  ['#/chats', { page: 'chats' }],
  ['#/jobs', { page: 'jobs', collection: 'active' }],
  ['#/jobs/failed', { page: 'jobs', collection: 'failed' }],
  ['#/jobs/nonsense', { page: 'unknown' }],
  ['#/chats/shop', { page: 'bot', botId: 'shop' }],
  ['#/chats/', { page: 'unknown' }],
  ['#/chats/shop/ann/-1', { page: 'unknown' }],
  ['#/chats/shop/%E0%A4%A', { page: 'unknown' }],
  ['#/elsewhere', { page: 'unknown' }],
] as const)('%s names %o', ([hash, route]) => {
  expect(routeOf(hash)).toEqual(route);
});

test.for(['4915@s.whatsapp.net', 'a/b#c?d', 'ä 🙂'])(
  'the chat %s is found again by its hash',
  (identifier) => {
    const address = { botId: 'shop', identifier };
    expect(routeOf(chatHash(address))).toEqual({ page: 'chat', ...address, messageId: null });
    expect(routeOf(chatHash(address, 7))).toEqual({ page: 'chat', ...address, messageId: 7 });
  },
);
