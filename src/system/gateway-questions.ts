import type { Clock } from '../base/clock.ts';
import { within } from '../base/deadlines.ts';
import { hasCode } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { MediaHeldFrame } from '../protocol/frames.ts';
import type { OpenLink } from './gateway-link.ts';

/** What a gateway answers. */
export interface HeldMedia {
  /** Those of the files asked for that it still needs. */
  readonly held: ReadonlySet<Guid>;
  /** Frames of its journal that wait for an ack. */
  readonly unacked: number;
}

interface Question {
  readonly link: OpenLink;
  readonly answer: (answer: HeldMedia | null) => void;
}

const ANSWER_DEADLINE_MS = 10_000;

/**
 * Asks gateways which files they still need.
 *   H1 An answer belongs to its question: by the id that it repeats; one without an id, to the only question that the
 *      link has ever left open.
 *   H2 Every question ends: answered, or null after its deadline or with its link.
 */
export class GatewayQuestions {
  readonly #clock: Clock;
  readonly #open = new Map<string, Question>();
  /** Links that did not answer in time: what comes of them late and without an id answers nothing. */
  readonly #late = new WeakSet<OpenLink>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null: the gateway did not answer, and nothing is known. */
  async ask(link: OpenLink, guids: readonly Guid[]): Promise<HeldMedia | null> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const { promise, resolve } = Promise.withResolvers<HeldMedia | null>();
    this.#open.set(id, { link, answer: resolve });
    try {
      link.send({ type: 'media.holds', guids: [...guids], request_id: id });
      return await within(this.#clock, ANSWER_DEADLINE_MS, 'media.held', promise);
    } catch (error) {
      if (!hasCode(error, 'deadline_exceeded')) throw error;
      this.#late.add(link);
      return null;
    } finally {
      this.#open.delete(id);
    }
  }

  answered(link: OpenLink, { guids, unacked = 0, request_id: id }: MediaHeldFrame): void {
    const question = id === undefined ? this.#onlyOne(link) : this.#open.get(id);
    if (question?.link === link) question.answer({ held: new Set(guids), unacked });
  }

  closed(link: OpenLink): void {
    for (const question of this.#open.values()) if (question.link === link) question.answer(null);
  }

  #onlyOne(link: OpenLink): Question | undefined {
    const [question, ...others] = [...this.#open.values()].filter((each) => each.link === link);
    return others.length === 0 && !this.#late.has(link) ? question : undefined;
  }
}
