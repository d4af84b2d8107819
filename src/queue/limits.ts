/** A queue's limits. All at least 1, `maxPlaceholders` at least 0. */
export interface QueueLimits {
  /** Ready messages. */
  readonly maxMessages: number;
  /** Sum of the ready messages' `messageSize`, UTF-16 units. */
  readonly maxCharacters: number;
  /** Age of a ready message, counted from its `readyTime`, in days. */
  readonly maxDays: number;
  /** Longest text; longer ones are cut. */
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
