import { DAY_MS } from '../base/units.ts';
/** A queue's limits. All at least 1, `maxPlaceholders` at least 0; whole numbers but for `maxDays`. */
export interface QueueLimits {
  /** Ready messages. */
  readonly maxMessages: number;
  /** Sum of the ready messages' `messageSize`, UTF-16 units. */
  readonly maxCharacters: number;
  /** Age of a ready message, counted from its `readyTime`, in days. */
  readonly maxDays: number;
  /** Longest text, or caption of a placeholder; longer ones are cut. */
  readonly maxCharactersSingleMessage: number;
  /** Longest text made of media (words and caption together); the words are cut. */
  readonly maxCharactersMediaResult: number;
  /** Placeholders at a time; a medium beyond that is accepted as a text that says so. */
  readonly maxPlaceholders: number;
}

export const DEFAULT_LIMITS: QueueLimits = {
  maxMessages: 200,
  maxCharacters: 20_000,
  maxDays: 2,
  maxCharactersSingleMessage: 700,
  maxCharactersMediaResult: 4_000,
  maxPlaceholders: 100,
};

/** `skip-pop`: a text may overtake media. `strict`: nothing overtakes a placeholder younger than `strictHoldMs`. */
export type Ordering =
  { readonly kind: 'skip-pop' } | { readonly kind: 'strict'; readonly strictHoldMs: number };

export const SKIP_POP: Ordering = { kind: 'skip-pop' };
export const DEFAULT_STRICT_HOLD_MS = 300_000;

/** What a queue would refuse about these limits, one sentence each; none when they are good. */
export function limitsProblems(limits: QueueLimits): readonly string[] {
  const problems: string[] = [];
  const expectAtLeast = (
    name: keyof QueueLimits,
    least: number,
    isNumber: (value: number) => boolean,
  ): void => {
    const value = limits[name];
    if (!isNumber(value) || value < least)
      problems.push(`expected ${name} of at least ${least}, got ${value}`);
  };
  expectAtLeast('maxMessages', 1, Number.isSafeInteger);
  expectAtLeast('maxCharacters', 1, Number.isSafeInteger);
  expectAtLeast('maxDays', 1, Number.isFinite);
  expectAtLeast('maxCharactersSingleMessage', 1, Number.isSafeInteger);
  expectAtLeast('maxCharactersMediaResult', 1, Number.isSafeInteger);
  expectAtLeast('maxPlaceholders', 0, Number.isSafeInteger);
  return problems;
}

/** The greatest age at which a ready message is still within the limits. */
export const maxAgeMs = (limits: QueueLimits): number => Math.floor(limits.maxDays * DAY_MS);

/** What a text or caption is cut to. A text longer than `maxCharacters` could never be within the limits. */
export const maxTextSize = (limits: QueueLimits): number =>
  Math.min(limits.maxCharactersSingleMessage, limits.maxCharacters);

/** What words and caption together are cut to. */
export const maxMediaTextSize = (limits: QueueLimits): number =>
  Math.min(limits.maxCharactersMediaResult, limits.maxCharacters);
