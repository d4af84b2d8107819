import { describe, expect, test } from 'vitest';
import { Mailbox } from '../../../../src/actors/kit/mailbox.ts';
import { DragomanError } from '../../../../src/base/errors.ts';
import { gate } from '../../../support/actor-kit.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const clock = new ManualClock();
const mailboxOf = (capacity = 100) => new Mailbox({ capacity, clock, owner: { path: '/a' } });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof DragomanError ? error.code : error),
  );

describe('Mailbox', () => {
  test('M1: a hundred concurrent asynchronous increments give a hundred', async () => {
    const mailbox = mailboxOf();
    let count = 0;
    await Promise.all(
      Array.from({ length: 100 }, () =>
        mailbox.post(async () => {
          const read = count;
          await Promise.resolve();
          count = read + 1;
        }),
      ),
    );
    expect(count).toBe(100);
  });

  test('M2: tasks start in post order, and what is posted first goes before all that wait', async () => {
    const mailbox = mailboxOf();
    const started: string[] = [];
    const first = gate();
    const all = [
      mailbox.post(() => (started.push('one'), first.passed)),
      mailbox.post(() => started.push('two')),
      mailbox.post(() => started.push('three')),
      mailbox.postFirst(() => started.push('supervisor')),
    ];
    first.open();
    await Promise.all(all);
    expect(started).toEqual(['one', 'supervisor', 'two', 'three']);
  });

  test('M2: a task posted first to an empty mailbox does not lose those posted after it', async () => {
    const mailbox = mailboxOf();
    const started: string[] = [];
    const first = gate();
    void mailbox.post(() => first.passed);
    const all = [mailbox.postFirst(() => started.push('urgent')), mailbox.post(() => started.push('next'))];
    first.open();
    await Promise.all(all);
    expect(started).toEqual(['urgent', 'next']);
  });

  test('M3: a task that throws, now or later, fails its own caller alone', async () => {
    const mailbox = mailboxOf();
    const outcomes = await Promise.all([
      codeOf(
        mailbox.post(() => {
          throw new DragomanError('not_found', 'at once');
        }),
      ),
      codeOf(mailbox.post(() => Promise.reject(new DragomanError('fenced', 'in time')))),
      codeOf(mailbox.post(() => 'fine')),
    ]);
    expect(outcomes).toEqual(['not_found', 'fenced', 'done']);
  });

  test('M4: drain finishes what runs and what waits, and refuses what comes after', async () => {
    const mailbox = mailboxOf();
    const done: string[] = [];
    const first = gate();
    void mailbox.post(() => first.passed.then(() => done.push('one')));
    void mailbox.post(() => done.push('two'));
    const drained = mailbox.drain().then(() => done.push('drained'));
    expect(await codeOf(mailbox.post(() => done.push('late')))).toBe('actor_stopped');
    expect(await codeOf(mailbox.postFirst(() => done.push('late')))).toBe('actor_stopped');
    first.open();
    await drained;
    expect(done).toEqual(['one', 'two', 'drained']);
    expect(mailbox).toMatchObject({ depth: 0, idle: true });
  });

  test('M4: an idle mailbox drains at once', async () => {
    await expect(mailboxOf().drain()).resolves.toBeUndefined();
  });

  test('M5: one more than the capacity is refused, and there is room again after the next start', async () => {
    const mailbox = mailboxOf(2);
    const first = gate();
    const running = mailbox.post(() => first.passed);
    const waiting = [mailbox.post(() => 'one'), mailbox.post(() => 'two')];
    expect(await codeOf(mailbox.post(() => 'three'))).toBe('mailbox_full');
    expect(mailbox.depth).toBe(2);
    first.open();
    await running;
    await Promise.all(waiting);
    expect(await mailbox.post(() => 'four')).toBe('four');
  });

  test('M6: a task whose caller withdrew does not run, and fails with the reason', async () => {
    const mailbox = mailboxOf();
    const caller = { withdrawal: null as DragomanError | null };
    const ran: string[] = [];
    const first = gate();
    void mailbox.post(() => first.passed);
    const withdrawn = codeOf(mailbox.post(() => ran.push('withdrawn'), caller));
    const next = mailbox.post(() => ran.push('next'));
    caller.withdrawal = new DragomanError('aborted', 'no longer wanted');
    first.open();
    await next;
    expect(await withdrawn).toBe('aborted');
    expect(ran).toEqual(['next']);
  });

  test('refuseWaiting fails what waits and lets the running task finish', async () => {
    const mailbox = mailboxOf();
    const first = gate();
    const running = mailbox.post(() => first.passed.then(() => 'finished'));
    const waiting = codeOf(mailbox.post(() => 'never'));
    mailbox.refuseWaiting();
    expect(await waiting).toBe('actor_stopped');
    first.open();
    expect(await running).toBe('finished');
  });

  test('cut fails the running caller too, though its task never ends', async () => {
    const mailbox = mailboxOf();
    const running = codeOf(mailbox.post(() => new Promise(() => {})));
    mailbox.cut();
    expect(await running).toBe('actor_stopped');
  });

  test('it tells how long the first has waited and how long the running one has run', async () => {
    const mailbox = mailboxOf();
    expect(mailbox).toMatchObject({ oldestWaitingMs: null, busyMs: null });
    const first = gate();
    const running = mailbox.post(() => first.passed);
    clock.advance(30);
    const waiting = mailbox.post(() => {});
    clock.advance(12);
    expect(mailbox).toMatchObject({ oldestWaitingMs: 12, busyMs: 42 });
    first.open();
    await Promise.all([running, waiting]);
    expect(mailbox).toMatchObject({ oldestWaitingMs: null, busyMs: null });
  });
});
