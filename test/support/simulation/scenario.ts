import { DEFAULT_LIMITS, type QueueLimits } from '../../../src/queue/limits.ts';
import type { Store } from '../../../src/store/store.ts';
import type { SeededChoices } from './seeded-choices.ts';

/** How a medium ends, if nothing but itself stands in its way. */
type MediumFate = 'words' | 'corrupt' | 'fails' | 'retried' | 'slow';

/** A message that somebody writes. Times are virtual milliseconds. */
export interface ScriptedMessage {
  /** Rises in the order of writing; the message's provider id is made of it. */
  readonly number: number;
  readonly at: number;
  readonly botId: string;
  readonly chat: string;
  /** Text or caption. */
  readonly content: string;
  readonly medium: {
    readonly fate: MediumFate;
    readonly downloadMs: number;
    readonly workMs: number;
    /** Announced only when the file is there. */
    readonly announcedLate: boolean;
  } | null;
  /** When the provider delivers it once more; null: never. */
  readonly againAt: number | null;
}

export type Mishap = { readonly at: number } & (
  | { readonly kind: 'kill' | 'stop'; readonly downMs: number; readonly jumpMs: number }
  /** The next time that the store has carried this operation out, before anybody hears of it. */
  | {
      readonly kind: 'kill after';
      readonly operation: keyof Store;
      readonly downMs: number;
      readonly jumpMs: number;
    }
  | { readonly kind: 'gateway crash' | 'cut'; readonly downMs: number }
  | {
      readonly kind: 'flap';
      readonly botId: string;
      readonly downMs: number;
      readonly state: 'closed' | 'logged_out';
    }
  | { readonly kind: (typeof WEATHERS)[number]; readonly forMs: number }
  | { readonly kind: 'lost entry' }
);

export interface Scenario {
  readonly bots: readonly string[];
  readonly limits: QueueLimits;
  readonly ordering: 'skip-pop' | 'strict';
  readonly strictHoldMs: number;
  /** Workers that put their results on the jobs, as those of other processes do. */
  readonly workersApart: boolean;
  readonly disconnectGraceMs: number;
  readonly passivateAfterMs: number;
  readonly maxLiveChats: number;
  readonly workers: number;
  readonly leaseMs: number;
  /** How often a call of the store fails by itself, of one. */
  readonly faultRate: number;
  readonly messages: readonly ScriptedMessage[];
  readonly mishaps: readonly Mishap[];
  readonly endsAt: number;
}

export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEATHERS = ['slow store', 'store away', 'history away', 'unheard commits', 'deaf heartbeats'] as const;
const MISHAPS = [
  ...([
    'kill',
    'kill',
    'kill after',
    'kill after',
    'stop',
    'stop',
    'cut',
    'cut',
    'flap',
    'gateway crash',
  ] as const),
  ...WEATHERS,
  'deaf heartbeats',
  'lost entry',
] as const;
const OPERATIONS = [
  ...(['accept', 'accept', 'settle', 'ingest', 'stage', 'claim', 'complete'] as const),
  ...(['completeAndSettle', 'completeAndSettle'] as const),
  ...(['postpone', 'reviveJobs', 'sweepToHolding', 'holdJobs', 'promoteJobs', 'reinstate'] as const),
] as const;
/** At leisure, busy, and all at once. */
const SPANS_MS = [30_000, 30_000, 6_000, 6_000, 200] as const;
const FATES: readonly [MediumFate, ...MediumFate[]] = ['corrupt', 'fails', 'retried', 'slow'];

/** What happens in the conversation of one seed. `emphasis`: the mishap that happens more often than others. */
export function scenarioOf(choices: SeededChoices, emphasis?: Mishap['kind']): Scenario {
  const bots = choices.chance(0.3) ? ['alpha', 'beta'] : ['alpha'];
  const spanMs = choices.one(...SPANS_MS);
  const chats = Array.from({ length: choices.between(1, 3) }, (_, n) => `chat-${n}`);
  const messages = messagesOf(choices, bots, chats, spanMs);
  const isTight = choices.chance(0.3);
  const scenario: Omit<Scenario, 'endsAt'> = {
    bots,
    limits: {
      ...DEFAULT_LIMITS,
      ...(isTight && { maxMessages: choices.between(1, 3), maxCharacters: choices.between(30, 200) }),
      ...(choices.chance(0.1) && { maxPlaceholders: choices.between(0, 2) }),
    },
    ordering: choices.chance(0.2) ? 'strict' : 'skip-pop',
    strictHoldMs: choices.between(1_000, 20_000),
    workersApart: choices.chance(0.5),
    disconnectGraceMs: choices.between(0, 4_000),
    passivateAfterMs: choices.between(500, 5_000),
    maxLiveChats: choices.between(1, 4),
    workers: choices.between(1, 2),
    leaseMs: choices.between(1_000, 4_000),
    faultRate: choices.chance(0.5) ? 0 : choices.fraction() * 0.1,
    messages,
    mishaps: mishapsOf(choices, { bots, messages, spanMs, emphasis }),
  };
  return { ...scenario, endsAt: lastInstantOf(scenario) };
}

/** When every message has come as often as it comes, and every mishap has struck. */
const lastInstantOf = ({ messages, mishaps }: Pick<Scenario, 'messages' | 'mishaps'>): number =>
  Math.max(...messages.map(({ at, againAt }) => againAt ?? at), ...mishaps.map(({ at }) => at));

function messagesOf(
  choices: SeededChoices,
  bots: readonly string[],
  chats: readonly string[],
  spanMs: number,
): ScriptedMessage[] {
  const times = Array.from({ length: choices.between(4, 10) }, () => choices.between(0, spanMs));
  return times
    .toSorted((one, other) => one - other)
    .map((time, index) => {
      const number = index + 1;
      // No two at once: which comes first is what the numbers say.
      const at = time + index;
      const isMedium = choices.chance(0.45);
      const announcedLate = choices.chance(0.1);
      const fates: typeof FATES = announcedLate ? ['fails', 'retried', 'slow'] : FATES;
      return {
        number,
        at,
        botId: bots[choices.between(0, bots.length - 1)] ?? 'alpha',
        chat: chats[choices.between(0, chats.length - 1)] ?? 'chat-0',
        content: `${isMedium ? 'caption' : 'text'} ${number}${'.'.repeat(choices.between(0, 12))}`,
        medium: isMedium
          ? {
              fate: choices.chance(0.6) ? 'words' : choices.one(...fates),
              downloadMs: choices.between(1, 4_000),
              workMs: choices.chance(0.3) ? choices.between(3_000, 12_000) : choices.between(1, 1_500),
              announcedLate,
            }
          : null,
        againAt: choices.chance(0.1) ? at + choices.between(1, 8_000) : null,
      };
    });
}

interface MishapGround {
  readonly bots: readonly string[];
  readonly messages: readonly ScriptedMessage[];
  readonly spanMs: number;
  readonly emphasis: Mishap['kind'] | undefined;
}

function mishapsOf(choices: SeededChoices, { bots, messages, spanMs, emphasis }: MishapGround): Mishap[] {
  // A day one way and back again is a clock that steps; two days one way is time that passes, and messages do age.
  let jumps = choices.chance(0.3) ? 1 : 0;
  const jumpMs = (): number => {
    if (jumps === 0) return 0;
    jumps -= 1;
    return choices.one(-DAY_MS, -HOUR_MS, HOUR_MS, DAY_MS);
  };
  const downMs = (): number => (choices.chance(0.7) ? choices.between(1, 500) : choices.between(500, 8_000));
  /** Right when a message comes in, or a little before. */
  const busyMoment = (at: number): number => {
    const next = messages.find((message) => message.at >= at);
    return next === undefined ? at : Math.max(0, next.at - choices.between(0, 8));
  };
  const one = (): Mishap => {
    const at = choices.between(0, spanMs);
    const kind = emphasis !== undefined && choices.chance(0.6) ? emphasis : choices.one(...MISHAPS);
    switch (kind) {
      case 'kill':
        return { kind, at, downMs: downMs(), jumpMs: jumpMs() };
      case 'kill after': {
        const operation = choices.one(...OPERATIONS);
        return { kind, at: Math.floor(at / 2), operation, downMs: downMs(), jumpMs: jumpMs() };
      }
      case 'stop':
        return { kind, at: busyMoment(at), downMs: downMs(), jumpMs: jumpMs() };
      case 'gateway crash':
      case 'cut':
        return { kind, at, downMs: downMs() };
      case 'flap': {
        const botId = bots[choices.between(0, bots.length - 1)] ?? 'alpha';
        return { kind, at, botId, downMs: downMs(), state: choices.chance(0.2) ? 'logged_out' : 'closed' };
      }
      case 'slow store':
      case 'store away':
      case 'unheard commits':
        return { kind, at, forMs: choices.between(50, 6_000) };
      case 'history away':
      case 'deaf heartbeats':
        return { kind, at: Math.floor(at / 2), forMs: choices.between(2_000, 15_000) };
      case 'lost entry':
        return { kind, at };
    }
  };
  return Array.from({ length: choices.between(0, 5) }, one);
}
