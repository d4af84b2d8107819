import { describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../src/base/log.ts';
import { Heartbeat } from '../../../src/processors/heartbeat.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { type Answer, ScriptedLedger } from '../../support/scripted-ledger.ts';

function beating(...answers: Answer[]) {
  const job = claimedJob();
  const clock = new ManualClock();
  const ledger = new ScriptedLedger(job).script('heartbeat', ...answers);
  const heartbeat = new Heartbeat(job, {
    store: ledger,
    clock,
    log: silentLogger,
    intervalMs: 10_000,
    leaseMs: 30_000,
  });
  return { clock, ledger, heartbeat };
}

const scheduled = (clock: ManualClock) => vi.waitFor(() => expect(clock.pendingTimers).toBe(1));

describe('a heartbeat', () => {
  test('H1: prolongs the lease, time and again', async () => {
    const { clock, ledger, heartbeat } = beating();
    clock.advance(10_000);
    expect(ledger.stored?.leaseExpiresAt).toBe(clock.now() + 30_000);
    await scheduled(clock);
    clock.advance(10_000);
    expect(ledger.stored?.leaseExpiresAt).toBe(clock.now() + 30_000);
    expect(ledger.callsOf('heartbeat')).toBe(2);
    heartbeat[Symbol.dispose]();
  });

  test('H1: does not go out while the last one is unanswered', () => {
    const { clock, ledger } = beating('never');
    clock.advance(60_000);
    expect(ledger.callsOf('heartbeat')).toBe(1);
  });

  test('H2: tells of a job that was taken over', async () => {
    const { clock, ledger, heartbeat } = beating();
    ledger.takeOver();
    clock.advance(10_000);
    await vi.waitFor(() => expect(heartbeat.lost.aborted).toBe(true));
    expect(clock.pendingTimers).toBe(0);
  });

  test('H2: tells of a store that another backend owns', async () => {
    const { clock, heartbeat } = beating('fenced');
    clock.advance(10_000);
    await vi.waitFor(() => expect(heartbeat.lost.aborted).toBe(true));
  });

  test('H3: goes on while the store is down', async () => {
    const { clock, ledger, heartbeat } = beating('unavailable', 'unavailable');
    for (let beats = 1; beats <= 3; beats += 1) {
      clock.advance(10_000);
      await scheduled(clock);
      expect(ledger.callsOf('heartbeat')).toBe(beats);
    }
    expect(heartbeat.lost.aborted).toBe(false);
    heartbeat[Symbol.dispose]();
  });

  test('H4: is silent once disposed of, even while one is under way', async () => {
    const { clock, ledger, heartbeat } = beating();
    ledger.takeOver();
    clock.advance(10_000);
    heartbeat[Symbol.dispose]();
    await new Promise(setImmediate);
    expect(heartbeat.lost.aborted).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });
});
