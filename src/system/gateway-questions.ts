import type { Clock } from '../base/clock.ts';
import { within } from '../base/deadlines.ts';
import { hasCode } from '../base/errors.ts';
import type { AnswerFrame, QuestionFrame, WithoutVersion } from '../protocol/frames.ts';
import type { OpenLink } from './links/gateway-link.ts';

/** A question before it has its id. */
export type Question = QuestionFrame extends infer Q
  ? Q extends Q
    ? Omit<WithoutVersion<Q>, 'request_id'>
    : never
  : never;

interface OpenQuestion {
  readonly link: OpenLink;
  readonly answer: (answer: AnswerFrame | null) => void;
}

const ANSWER_DEADLINE_MS = 10_000;

/**
 * Asks gateways what only they know.
 *   H1 An answer belongs to its question: by the id that it repeats; one without an id, to the only question that the
 *      link has ever left open.
 *   H2 Every question ends: answered, or null after its deadline or with its link.
 */
export class GatewayQuestions {
  readonly #clock: Clock;
  readonly #open = new Map<string, OpenQuestion>();
  /** Links that did not answer in time: what comes of them late and without an id answers nothing. */
  readonly #late = new WeakSet<OpenLink>();
  #lastId = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null: the gateway did not answer, or not what was asked, and nothing is known. */
  async ask<Type extends AnswerFrame['type']>(
    link: OpenLink,
    question: Question,
    expected: Type,
  ): Promise<Extract<AnswerFrame, { type: Type }> | null> {
    this.#lastId += 1;
    const id = String(this.#lastId);
    const { promise, resolve } = Promise.withResolvers<AnswerFrame | null>();
    this.#open.set(id, { link, answer: resolve });
    try {
      link.send({ ...question, request_id: id });
      const answer = await within(this.#clock, ANSWER_DEADLINE_MS, expected, promise);
      return answer !== null && isOfType(answer, expected) ? answer : null;
    } catch (error) {
      if (!hasCode(error, 'deadline_exceeded')) throw error;
      this.#late.add(link);
      return null;
    } finally {
      this.#open.delete(id);
    }
  }

  answered(link: OpenLink, answer: AnswerFrame): void {
    const { request_id: id } = answer;
    const question = id === undefined ? this.#onlyOne(link) : this.#open.get(id);
    if (question?.link === link) question.answer(answer);
  }

  closed(link: OpenLink): void {
    for (const question of this.#open.values()) if (question.link === link) question.answer(null);
  }

  #onlyOne(link: OpenLink): OpenQuestion | undefined {
    const [question, ...others] = [...this.#open.values()].filter((each) => each.link === link);
    return others.length === 0 && !this.#late.has(link) ? question : undefined;
  }
}

const isOfType = <Type extends AnswerFrame['type']>(
  answer: AnswerFrame,
  type: Type,
): answer is Extract<AnswerFrame, { type: Type }> => answer.type === type;
