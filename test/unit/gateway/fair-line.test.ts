import { expect, test } from 'vitest';
import { FairLine } from '../../../src/gateway/fair-line.ts';

const ANY = (): boolean => true;

function lineOf(...names: readonly string[]) {
  const line = new FairLine<{ botId: string; chat: string; name: string }>();
  for (const name of names) line.add({ botId: name.slice(0, 1), chat: name.slice(0, 2), name });
  return line;
}

function* turnsIn(line: ReturnType<typeof lineOf>, mayGo = ANY): Generator<string> {
  for (let next = line.take(mayGo); next !== null; next = line.take(mayGo)) yield next.name;
}

test('R1: bots take turns, then the chats of a bot, and a chat keeps its order', () => {
  const line = lineOf('a1 1st', 'a1 2nd', 'a1 3rd', 'a2 1st', 'b1 1st', 'b1 2nd', 'c1 1st');
  expect([...turnsIn(line)]).toEqual(['a1 1st', 'b1 1st', 'c1 1st', 'a2 1st', 'b1 2nd', 'a1 2nd', 'a1 3rd']);
  expect(line.size).toBe(0);
});

test('R2: a bot that may not go keeps its place, and is the next once it may', () => {
  const line = lineOf('a1', 'b1', 'b2', 'c1');
  expect([line.take((botId) => botId !== 'a')?.name, line.size]).toEqual(['b1', 3]);
  expect([line.has((botId) => botId === 'd'), line.take((botId) => botId === 'd')]).toEqual([false, null]);
  expect([...turnsIn(line)]).toEqual(['a1', 'c1', 'b2']);
});

test('whoever leaves the line has no turn', () => {
  const line = new FairLine<{ botId: string; chat: string }>();
  const one = { botId: 'a', chat: 'x' };
  line.add(one);
  line.remove(one);
  line.remove(one);
  expect([line.size, line.has(ANY), line.take(ANY)]).toEqual([0, false, null]);
});
