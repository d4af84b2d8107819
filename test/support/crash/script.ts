import type { SeededChoices } from '../simulation/seeded-choices.ts';
import { FAILS, FAILS_FIRST } from './moody-documents.ts';

/** What somebody says. */
export interface Line {
  /** A person's name, or a group's. */
  readonly chat: string;
  readonly from: string;
  /** From 1, in its chat. */
  readonly place: number;
  /** `Ana 12`: its chat and its place there. */
  readonly label: string;
  readonly kind: 'text' | 'image' | 'video' | 'voice' | 'document' | 'sticker';
  /** How many bytes at least. */
  readonly bytes: number;
  /** The place of the line of its chat that it answers. */
  readonly quotes: number | null;
  /** Of a document. */
  readonly fileName: string;
}

export interface Burst {
  readonly lines: readonly Line[];
  readonly pauseMs: number;
}

export const GROUP = { name: 'Trip', members: ['Ana', 'Bruno'] } as const;
/** The one whose chat an operator forgets. */
export const FORGETTABLE = 'Zoe';
const PERSONS = ['Ana', 'Bruno', FORGETTABLE] as const;
export const CHATS = [...PERSONS, GROUP.name] as const;
const MEDIA = ['image', 'video', 'voice', 'document', 'sticker'] as const;

const MOST_LINES = 5;
const MOST_BYTES = 6_000;
const LONGEST_PAUSE_MS = 500;

/**
 * A conversation without end that depends on its choices alone: who writes where, texts, answers and media of every kind, one at a
 * time or several at once. `troubled`: some documents fail.
 */
export class Script {
  readonly #choices: SeededChoices;
  readonly #isTroubled: boolean;
  readonly #counts = new Map<string, number>();

  constructor(choices: SeededChoices, isTroubled: boolean) {
    this.#choices = choices;
    this.#isTroubled = isTroubled;
  }

  burst(): Burst {
    const lines = Array.from({ length: this.#choices.between(1, MOST_LINES) }, () => this.#line());
    return { lines, pauseMs: this.#choices.between(0, LONGEST_PAUSE_MS) };
  }

  /** A last word in each chat. */
  farewell(): readonly Line[] {
    return CHATS.map((chat) => this.#lineIn(chat, 'text'));
  }

  #line(): Line {
    const kind = this.#choices.chance(0.5) ? 'text' : this.#choices.one(...MEDIA);
    return this.#lineIn(this.#choices.one(...CHATS), kind);
  }

  #lineIn(chat: (typeof CHATS)[number], kind: Line['kind']): Line {
    const choices = this.#choices;
    const place = (this.#counts.get(chat) ?? 0) + 1;
    this.#counts.set(chat, place);
    const isAnswer = kind === 'text' && place > 1 && choices.chance(0.3);
    return {
      chat,
      from: chat === GROUP.name ? choices.one(...GROUP.members) : chat,
      place,
      label: `${chat} ${place}`,
      kind,
      bytes: choices.between(0, MOST_BYTES),
      quotes: isAnswer ? choices.between(1, place - 1) : null,
      fileName: this.#isTroubled ? choices.one('plan.pdf', FAILS, FAILS_FIRST) : 'plan.pdf',
    };
  }
}
