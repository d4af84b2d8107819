import fc, { type Scheduler } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ActorDefinition } from '../../src/actors/kit/actor.ts';
import { later } from '../../src/actors/kit/later.ts';
import { Mailbox } from '../../src/actors/kit/mailbox.ts';
import { ActorSystem } from '../../src/actors/kit/system.ts';
import { DragomanError } from '../../src/base/errors.ts';
import { silentLogger } from '../../src/base/log.ts';
import { ManualClock } from '../support/manual-clock.ts';

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error instanceof DragomanError ? error.code : 'unknown error'),
  );

/** Notes which tasks start, and that never two run. */
class Track {
  readonly started: number[] = [];
  overlaps = 0;
  running = 0;

  async run(id: number, work: () => Promise<unknown>): Promise<void> {
    this.started.push(id);
    this.overlaps += this.running;
    this.running += 1;
    await work();
    this.running -= 1;
  }
}

describe('Mailbox', () => {
  const tasks = fc.array(fc.constantFrom('post', 'fail', 'drain'), { minLength: 1, maxLength: 20 });

  test('M1 M2 M3 M4: whatever the interleaving of posts, ends and drain', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), tasks, async (scheduler, steps) => {
        const mailbox = new Mailbox({ capacity: 100, clock: new ManualClock(), owner: { path: '/a' } });
        const track = new Track();
        const outcomes: Promise<string>[] = [];
        let closed = false;
        let brokenAfterDrain = 0;
        const expected: string[] = [];
        const drains: Promise<void>[] = [];
        const doStep = (step: string, id: number) => {
          if (step === 'drain') {
            closed = true;
            drains.push(mailbox.drain().then(() => void (brokenAfterDrain += track.running + mailbox.depth)));
            return;
          }
          expected.push(closed ? 'actor_stopped' : step === 'fail' ? 'processing_failed' : 'done');
          const run = () =>
            track.run(id, async () => {
              await scheduler.schedule(Promise.resolve(), `end of ${id}`);
              if (step === 'fail') {
                track.running -= 1;
                throw new DragomanError('processing_failed', 'on purpose');
              }
            });
          outcomes.push(codeOf(mailbox.post(run)));
        };
        const script = scheduler.scheduleSequence(
          steps.map((step, id) => ({ label: step, builder: async () => doStep(step, id) })),
        );
        await scheduler.waitFor(script.task);
        const ended = Promise.all([...outcomes, ...drains]);
        await scheduler.waitFor(ended);
        expect(await Promise.all(outcomes)).toEqual(expected);
        expect(track.started).toEqual(track.started.toSorted((one, other) => one - other));
        expect([track.overlaps, brokenAfterDrain]).toEqual([0, 0]);
      }),
    );
  });
});

type Work = 'reply' | 'refuse' | 'bug' | 'promise' | 'broken promise';
type Step =
  | { readonly kind: 'ask'; readonly work: Work; readonly abort: boolean }
  | { readonly kind: 'deadline' }
  | { readonly kind: 'abort' }
  | { readonly kind: 'stop'; readonly mode: 'drain' | 'now' };

interface Job {
  readonly id: number;
  readonly work: Work;
}

interface Subject {
  run(job: Job): Promise<number>;
}

const DEADLINE_MS = 1_000;
const LONGER_THAN_ANY_RUN_MS = 1_000_000;

/** Its replies tell which life made them, counted from 0. */
const subject = (scheduler: Scheduler, track: Track): ActorDefinition<Subject, undefined> => {
  let lives = 0;
  return {
    kind: 'subject',
    restartLimit: { intensity: 100, periodMs: LONGER_THAN_ANY_RUN_MS },
    create() {
      const life = lives;
      lives += 1;
      return {
        started: () => scheduler.schedule(Promise.resolve(), `start of life ${life}`),
        handlers: {
          run: async ({ id, work }) => {
            await track.run(id, () => scheduler.schedule(Promise.resolve(), `end of ${id}`));
            switch (work) {
              case 'reply':
                return life;
              case 'refuse':
                throw new DragomanError('processing_failed', 'on purpose');
              case 'bug':
                throw new TypeError('on purpose');
              case 'promise':
                return later(scheduler.schedule(Promise.resolve(life), `promise of ${id}`));
              case 'broken promise': {
                const refusal = new DragomanError('link_closed', 'on purpose');
                return later(scheduler.schedule(Promise.reject(refusal), `promise of ${id}`));
              }
            }
          },
        },
      };
    },
  };
};

const HANDLED: Record<Work, string> = {
  reply: 'done',
  refuse: 'processing_failed',
  bug: 'actor_failed',
  promise: 'done',
  'broken promise': 'link_closed',
};

const ask = fc.record({
  kind: fc.constant('ask' as const),
  work: fc.constantFrom<Work>('reply', 'refuse', 'bug', 'promise', 'broken promise'),
  abort: fc.boolean(),
});
const steps = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    { arbitrary: ask, weight: 8 },
    { arbitrary: fc.constant({ kind: 'deadline' }), weight: 1 },
    { arbitrary: fc.constant({ kind: 'abort' }), weight: 1 },
    {
      arbitrary: fc.record({ kind: fc.constant('stop' as const), mode: fc.constantFrom('drain', 'now') }),
      weight: 1,
    },
  ),
  { minLength: 1, maxLength: 14 },
);

interface Asked {
  readonly job: Job;
  readonly reply: Promise<number>;
  readonly code: Promise<string>;
  /** What the outcome may be besides the handler's: only what a later step can bring about. */
  readonly withdrawals: readonly string[];
}

interface Played {
  readonly track: Track;
  readonly asked: readonly Asked[];
  /** Jobs that had not started when their caller withdrew. */
  readonly withdrawn: ReadonlySet<number>;
  readonly clock: ManualClock;
}

const withdrawalsAfter = (script: readonly Step[], id: number, abortable: boolean): string[] =>
  script.slice(id).flatMap(({ kind }) => {
    if (kind === 'deadline') return ['deadline_exceeded'];
    return kind === 'abort' && abortable ? ['aborted'] : [];
  });

/** Sends, withdraws and stops as the steps say, while the scheduler decides when handlers and lives go on. */
async function play(scheduler: Scheduler, script: readonly Step[]): Promise<Played> {
  const track = new Track();
  const clock = new ManualClock();
  const asked: Asked[] = [];
  const withdrawn = new Set<number>();
  const unanswered = new Map<number, { readonly abortable: boolean }>();
  const stops: Promise<void>[] = [];
  let wish = new AbortController();
  const system = await ActorSystem.start({
    clock,
    log: silentLogger,
    graceMs: LONGER_THAN_ANY_RUN_MS,
    startDeadlineMs: LONGER_THAN_ANY_RUN_MS,
    onEscalation: (error) => {
      throw error;
    },
  });
  const ref = await system.spawn(subject(scheduler, track), 'subject', undefined);

  const doStep = (step: Step, id: number): void => {
    switch (step.kind) {
      case 'ask': {
        const job = { id, work: step.work };
        const signal = step.abort ? { signal: wish.signal } : {};
        const reply = ref.ask('run', job, { deadlineMs: DEADLINE_MS, ...signal });
        unanswered.set(id, { abortable: step.abort });
        const code = codeOf(reply).finally(() => unanswered.delete(id));
        asked.push({ job, reply, code, withdrawals: withdrawalsAfter(script, id, step.abort) });
        break;
      }
      case 'deadline':
      case 'abort':
        for (const [asking, { abortable }] of unanswered) {
          const gaveUp = step.kind === 'deadline' || abortable;
          if (gaveUp && !track.started.includes(asking)) withdrawn.add(asking);
        }
        if (step.kind === 'deadline') clock.advance(DEADLINE_MS);
        else wish.abort();
        if (step.kind === 'abort') wish = new AbortController();
        break;
      case 'stop':
        stops.push(system.stopActor(ref, step.mode));
        break;
    }
  };
  const { task } = scheduler.scheduleSequence(
    script.map((step, id) => ({ label: step.kind, builder: async () => doStep(step, id) })),
  );
  await scheduler.waitFor(task);
  await scheduler.waitFor(Promise.all(asked.map(({ code }) => code)));
  await scheduler.waitFor(Promise.all([...stops, system.stop()]));
  return { track, asked, withdrawn, clock };
}

describe('an actor over comedy', () => {
  test('E1 E2 E3 M1 M2 M6: whatever the interleaving of asks, bugs, deadlines, aborts and stops', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), steps, async (scheduler, script) => {
        const { track, asked, withdrawn, clock } = await play(scheduler, script);
        const stops = script.some(({ kind }) => kind === 'stop');

        expect(track.overlaps).toBe(0);
        expect(track.started).toEqual(track.started.toSorted((one, other) => one - other));
        expect(track.started.filter((id) => withdrawn.has(id))).toEqual([]);
        expect(clock.pendingTimers).toBe(0);
        const bugs = asked.filter(({ job }) => job.work === 'bug').map(({ job }) => job.id);
        for (const { job, reply, code, withdrawals } of asked) {
          const outcome = await code;
          const handled = track.started.includes(job.id) ? [HANDLED[job.work]] : [];
          const refused = stops && handled.length === 0 ? ['actor_stopped'] : [];
          expect([...handled, ...refused, ...withdrawals]).toContain(outcome);
          if (outcome !== 'done') continue;
          const livesBefore = bugs.filter((bug) => bug < job.id && track.started.includes(bug));
          expect(await reply).toBe(livesBefore.length);
        }
      }),
      { numRuns: 150 },
    );
  });
});
