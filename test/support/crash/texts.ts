import { z } from 'zod';
import type { Message } from '../../../src/queue/message.ts';
import type { Simulator } from '../../../src/simulator/simulator.ts';
import type { SeededChoices } from '../simulation/seeded-choices.ts';
import { API } from './bot-program.ts';

/** What is known of a text that a bot was asked to send; null: whoever asked heard nothing. */
type Answer = 'sent' | 'unsent' | 'doubtful' | null;

interface Asked {
  readonly requestId: string;
  readonly to: string;
  readonly text: string;
  answer: Answer;
}

const READERS = ['Ana', 'Bruno'] as const;

const problem = z.object({ detail: z.string() });

/** Texts that somebody has the bot send while it dies. */
export class Texts {
  readonly #simulator: Simulator;
  readonly #choices: SeededChoices;
  readonly #asked: Asked[] = [];
  readonly #inHistory: Pick<Message, 'content' | 'providerMessageId'>[] = [];

  constructor(simulator: Simulator, choices: SeededChoices) {
    this.#simulator = simulator;
    this.#choices = choices;
  }

  /** Asks for another one. */
  send(url: string, signal: AbortSignal): Promise<void> {
    const nth = this.#asked.length + 1;
    const to = this.#simulator.person(this.#choices.one(...READERS)).identity.lid;
    const asked: Asked = { requestId: `request-${nth}`, to, text: `answer ${nth}`, answer: null };
    this.#asked.push(asked);
    return this.#ask(asked, url, signal);
  }

  /** Asks again for what nobody has heard of. */
  async askAgain(url: string, signal: AbortSignal): Promise<void> {
    for (const asked of this.#asked) if (asked.answer === null) await this.#ask(asked, url, signal);
  }

  /** One that stands in the history. */
  seen(message: Message): void {
    this.#inHistory.push(message);
  }

  /** What readers, history and answers do not agree about. */
  faults(): readonly string[] {
    const read = this.#simulator.events.of('bot_message').map(({ text }) => text);
    const inHistory = this.#inHistory.map(({ content }) => content);
    const unasked = inHistory.filter((content) => !this.#asked.some(({ text }) => text === content));
    return [
      ...unasked.map((content) => `nobody had ${content} sent`),
      ...this.#asked.flatMap(({ text, answer }) => {
        const [toReader, toHistory] = [times(read, text), times(inHistory, text)];
        return isSound(answer, toReader, toHistory)
          ? []
          : [
              `${text}, ${answer ?? 'unanswered'}: read ${toReader} times, ${toHistory} times in the history; ` +
                `WhatsApp: ${this.#whatWhatsAppSaw(text)}`,
            ];
      }),
    ];
  }

  #whatWhatsAppSaw(text: string): string {
    const ids = this.#inHistory
      .filter(({ content }) => content === text)
      .map((each) => each.providerMessageId);
    const seen = this.#simulator.events
      .since(0)
      .filter((event) => 'messageId' in event && ids.includes(event.messageId));
    return JSON.stringify(seen);
  }

  async #ask(asked: Asked, url: string, signal: AbortSignal): Promise<void> {
    const { requestId, to, text } = asked;
    const response = await fetch(`${url}${API}/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ requestId, to, text }),
      signal,
    });
    const body: unknown = await response.json();
    if (response.ok) asked.answer = 'sent';
    else asked.answer = problem.parse(body).detail.includes('may have been sent') ? 'doubtful' : 'unsent';
  }
}

const times = (texts: readonly (string | null)[], text: string): number =>
  texts.filter((each) => each === text).length;

function isSound(answer: Answer, toReader: number, toHistory: number): boolean {
  switch (answer) {
    case 'sent':
      return toReader === 1 && toHistory === 1;
    case 'unsent':
      return toReader === 0 && toHistory === 0;
    case 'doubtful':
      return toReader <= 1 && toHistory <= toReader;
    case null:
      return false;
  }
}
