import { z } from 'zod';
import { historyView } from '../../../src/system/administration/views.ts';

/** An entry of the history as far as a bot's program must have been told the truth about it. */
export interface Delivered {
  readonly ingestSeq: number;
  readonly id: number;
  readonly content: string;
}

const chatsPage = z.object({
  items: z.array(z.object({ correspondentId: z.string(), nextIngestSeq: z.number() })),
});
const news = z.object({ correspondentId: z.string() });
const MOST_CHATS = 200;
const PAGE = 100;

export const API = '/api/v1/bots/main';

/**
 * A bot's program as docs/offline-bot.md has it: it remembers, over all lives of Dragoman, how far it has read each chat, follows
 * the news, and looks at what it has missed whenever it comes back.
 */
export class BotProgram {
  readonly #read = new Map<string, Delivered[]>();
  readonly #known = new Set<string | null>();

  /** Whether it was given this message. */
  knows(providerMessageId: string): boolean {
    return this.#known.has(providerMessageId);
  }

  /** What it was given of a chat, in the order in which it was. */
  deliveriesOf(correspondentId: string): readonly Delivered[] {
    return this.#read.get(correspondentId) ?? [];
  }

  /** Follows the Dragoman at `url` until that is gone, or `signal` aborts. */
  async follow(url: string, signal: AbortSignal): Promise<void> {
    const response = await fetch(`${url}${API}/follow`, { signal });
    // Before what it has missed: in between nothing may happen unseen.
    const events = eventsIn(response);
    const { items } = chatsPage.parse(await getJson(`${url}${API}/chats?limit=${MOST_CHATS}`, signal));
    for (const { correspondentId, nextIngestSeq } of items) {
      if (nextIngestSeq > this.#lastSeqOf(correspondentId) + 1)
        await this.#readOn(url, correspondentId, signal);
    }
    for await (const data of events) await this.#readOn(url, news.parse(data).correspondentId, signal);
  }

  #lastSeqOf(chat: string): number {
    return this.deliveriesOf(chat).at(-1)?.ingestSeq ?? 0;
  }

  async #readOn(url: string, chat: string, signal: AbortSignal): Promise<void> {
    const history = `${url}${API}/chats/${encodeURIComponent(chat)}/history`;
    for (let more = true; more;) {
      const page = await getJson(`${history}?after=${this.#lastSeqOf(chat)}&limit=${PAGE}`, signal);
      const entries = z.array(historyView).parse(page);
      const delivered = entries.map(({ ingestSeq, message: { id, content } }) => ({
        ingestSeq,
        id,
        content,
      }));
      for (const { message } of entries) this.#known.add(message.providerMessageId);
      this.#read.set(chat, [...this.deliveriesOf(chat), ...delivered]);
      more = entries.length === PAGE;
    }
  }
}

export async function getJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal });
  // A chat that was forgotten since it was told of.
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

/** The data of server-sent events, as they come. */
async function* eventsIn({ body }: Response): AsyncGenerator {
  if (body === null) throw new Error('expected a stream of events');
  let rest = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data !== undefined) yield JSON.parse(data);
    }
  }
}
