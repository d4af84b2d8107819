import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { EventLog } from '../../../src/simulator/event-log.ts';
import { scenarioStep } from '../../../src/simulator/scenario.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';

test('a script waits for its bot, and ends when the simulator closes', async () => {
  const simulator = await startSimulator();
  const playing = simulator.play([{ from: 'Ana', text: 'Is anybody there?' }]);
  const [outcome] = await Promise.allSettled([playing, simulator.close()]);
  expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
});

test('a pause for everybody ends when the simulator closes', async () => {
  const simulator = await startSimulator();
  const playing = simulator.play([{ pauseMs: 60_000 }]);
  const [outcome] = await Promise.allSettled([playing, simulator.close()]);
  expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'aborted' } });
});

test('a group that nobody made is not found', async () => {
  const simulator = await startSimulator();
  const playing = simulator.play([{ from: 'Ana', in: 'Nowhere', text: 'x' }]);
  await expect(playing).rejects.toMatchObject({ code: 'not_found' });
  await simulator.close();
});

test('a port that is taken is refused', async () => {
  const simulator = await startSimulator();
  const port = Number(new URL(simulator.endpoint.mediaOrigin).port);
  await expect(startSimulator({ port })).rejects.toMatchObject({ code: 'already_in_use' });
  await simulator.close();
});

test('a step is a pause or something said', () => {
  expect(scenarioStep.parse({ from: 'Ana', text: 'Hi' })).toEqual({ from: 'Ana', text: 'Hi' });
  expect(scenarioStep.parse({ pauseMs: 5 })).toEqual({ pauseMs: 5 });
  expect(scenarioStep.safeParse({ text: 'by nobody' }).success).toBe(false);
});

test('L1, L2: the log keeps order, and waiting sees what is already there', async () => {
  const log = new EventLog(systemClock());
  log.append({ type: 'pairing_code', bot: '1' });
  const later = log.waitFor('pairing_code', ({ bot }) => bot === '2');
  log.append({ type: 'pairing_code', bot: '2' });
  expect((await log.waitFor('pairing_code')).bot).toBe('1');
  expect((await later).seq).toBe(2);
  expect(log.since(1).map(({ seq }) => seq)).toEqual([2]);
  await expect(log.waitFor('login', () => true, { deadlineMs: 1 })).rejects.toMatchObject({
    code: 'deadline_exceeded',
  });
});
