import { expect, test } from 'vitest';
import { EventBus } from '../../../src/actors/events.ts';
import { Followers } from '../../../src/inspector/live/followers.ts';
import { BOT } from '../../support/inbound-frames.ts';
import { fulfilled, keyOf, NOW, placeholderMessage } from '../../support/store-records.ts';

function bench() {
  const events = new EventBus();
  const followers = new Followers(events);
  const ingest = (botId: string, correspondentId: string): void =>
    events.emit({
      kind: 'ingested',
      chat: keyOf(correspondentId, botId),
      at: NOW,
      messages: [fulfilled(placeholderMessage(1))],
    });
  return { followers, ingest };
}

test('each follower hears of its own bot alone', () => {
  const { followers, ingest } = bench();
  const stream = followers.follow(BOT);
  ingest('another', 'ann');
  ingest(BOT, 'bob');
  expect(String(stream.read())).toBe(
    ': following\n\nevent: ingested\ndata: {"correspondentId":"bob","messages":1}\n\n',
  );
});

test('N3: a follower that does not read is let go; the others are not', () => {
  const { followers, ingest } = bench();
  const [slow, quick] = [followers.follow(BOT), followers.follow(BOT)];
  quick.on('data', () => {});
  for (let nth = 0; nth < 10_000; nth += 1) {
    ingest(BOT, `chat ${nth}`);
    quick.read();
  }
  expect(slow.destroyed).toBe(true);
  expect(quick.destroyed).toBe(false);
});

test('there are not too many, and who leaves makes room', async () => {
  const { followers } = bench();
  const streams = Array.from({ length: 32 }, () => followers.follow(BOT));
  expect(() => followers.follow(BOT)).toThrow(expect.objectContaining({ code: 'rate_limited' }));
  const [first] = streams;
  const gone = new Promise((resolve) => first?.once('close', resolve));
  first?.destroy();
  await gone;
  followers.follow(BOT);
});
