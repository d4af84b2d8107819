import { Readable } from 'node:stream';
import type { EventBus } from '../../actors/events.ts';
import { DragomanError } from '../../base/errors.ts';
import type { CorrespondentKey } from '../../jobs/job.ts';

const MOST_FOLLOWERS = 32;
/** Told to a follower and not read by it yet. */
const MOST_WAITING_BYTES = 256 * 1024;

/** A chat in whose history there is something new. */
export interface News {
  readonly correspondentId: string;
  /** Of this piece of news alone; what was missed, and in which order things are, the history tells. */
  readonly messages: number;
}

/**
 * Tells programs which chats of a bot have something new in their history, as server-sent events
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *   N1 News is told after it can be read: whoever reads a chat's history then finds it.
 *   N2 It is a hint, kept nowhere: a follower that was away compares `nextIngestSeq` of the chats with what it has read.
 *   N3 A follower that does not read is let go, and may come again.
 */
export class Followers {
  readonly #streams = new Map<Readable, string>();
  readonly #stopListening: () => void;

  constructor(events: EventBus) {
    this.#stopListening = events.listen((event) => {
      if (event.kind === 'ingested') this.#tell(event.chat, event.messages.length);
    });
  }

  /** Ends when the reader goes. @throws `rate_limited` when there are too many. */
  follow(botId: string): Readable {
    if (this.#streams.size >= MOST_FOLLOWERS) {
      throw new DragomanError('rate_limited', `expected at most ${MOST_FOLLOWERS} followers`);
    }
    const stream = new Readable({ highWaterMark: MOST_WAITING_BYTES, read() {} });
    this.#streams.set(stream, botId);
    stream.once('close', () => this.#streams.delete(stream));
    // An intermediary passes the head on with the first byte.
    stream.push(': following\n\n');
    return stream;
  }

  /** Sends what keeps idle connections open. */
  keepAlive(): void {
    for (const stream of this.#streams.keys()) push(stream, ':\n\n');
  }

  close(): void {
    this.#stopListening();
    for (const stream of this.#streams.keys()) stream.push(null);
    this.#streams.clear();
  }

  #tell({ botId, correspondentId }: CorrespondentKey, messages: number): void {
    const news: News = { correspondentId, messages };
    const text = `event: ingested\ndata: ${JSON.stringify(news)}\n\n`;
    for (const [stream, followed] of this.#streams) if (followed === botId) push(stream, text);
  }
}

function push(stream: Readable, text: string): void {
  if (!stream.push(text)) stream.destroy();
}
