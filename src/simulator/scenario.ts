import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { pause } from '../base/deadlines.ts';
import type { Chat } from './chat.ts';
import { contentSchema } from './content.ts';
import type { Person, SentMessage } from './person.ts';

const says = z.intersection(
  z.object({
    /** The person's name. */
    from: z.string().min(1),
    /** The group's name; left out: the chat of two with the bot. */
    in: z.string().min(1).optional(),
    /** The phone number of the bot's account; left out: the first one. */
    bot: z.string().min(1).optional(),
  }),
  contentSchema,
);
const pauses = z.object({
  /** Whose pause it is; left out: everybody finishes what is above, then all wait. */
  from: z.string().min(1).optional(),
  pauseMs: z.number().int().nonnegative(),
});

export const scenarioStep = z.union([pauses, says]);

/**
 * One line of a script, e.g. `{from: 'Ana', text: 'Hello'}`, `{from: 'Ana', in: 'Family', image: 20_000, caption: 'Us'}`,
 * `{pauseMs: 500}`.
 */
export type ScenarioStep = z.infer<typeof scenarioStep>;
type SayStep = z.infer<typeof says>;
type PauseStep = z.infer<typeof pauses>;

/** Where a script is played. */
export interface Stage {
  readonly clock: Clock;
  person(name: string): Person;
  chatOf(step: SayStep): Chat;
}

/**
 * Plays a script: each person says their lines in order, all persons at once, up to a pause for everybody.
 * Resolves to what was sent, in the order in which WhatsApp got it, and delivers it. Rejects with the
 * signal's reason when that aborts.
 */
export async function playScenario(
  stage: Stage,
  steps: readonly ScenarioStep[],
  signal: AbortSignal,
): Promise<SentMessage[]> {
  const sent: SentMessage[] = [];
  for (const act of actsOf(steps)) {
    const parts = Map.groupBy(act.steps, (step) => step.from);
    await Promise.all([...parts.values()].map((part) => playPart(stage, part, sent, signal)));
    await pause(stage.clock, act.pauseMs, signal);
  }
  return sent.toSorted((left, right) => left.seq - right.seq);
}

type PersonalStep = SayStep | (PauseStep & { from: string });

interface Act {
  readonly steps: PersonalStep[];
  pauseMs: number;
}

/** Cuts a script at the pauses for everybody. */
function actsOf(steps: readonly ScenarioStep[]): Act[] {
  let act: Act = { steps: [], pauseMs: 0 };
  const acts = [act];
  for (const step of steps) {
    if (isPersonal(step)) {
      act.steps.push(step);
    } else {
      act.pauseMs = step.pauseMs;
      act = { steps: [], pauseMs: 0 };
      acts.push(act);
    }
  }
  return acts;
}

async function playPart(
  stage: Stage,
  steps: readonly PersonalStep[],
  sent: SentMessage[],
  signal: AbortSignal,
): Promise<void> {
  for (const step of steps) {
    if ('pauseMs' in step) await pause(stage.clock, step.pauseMs, signal);
    else sent.push(await stage.person(step.from).send(stage.chatOf(step), step));
  }
}

const isPersonal = (step: ScenarioStep): step is PersonalStep => step.from !== undefined;
