import { styleText } from 'node:util';
import type { DragomanEvent } from '../actors/events.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import { mediaKindOf } from '../queue/media-kind.ts';
import { isPlaceholder, type Message } from '../queue/message.ts';

type EntryState = 'placeholder' | 'ready' | 'ingested';

interface Entry {
  message: Message;
  state: EntryState;
  failed: boolean;
}

interface ChatLines {
  title: string;
  readonly entries: Map<number, Entry>;
}

const MARK: Record<EntryState, string> = { placeholder: '◌', ready: '●', ingested: '✓' };

/** What a person sees of the chats: each one's messages in their places, placeholders turning into words. */
export class ChatView {
  readonly #titles: ReadonlyMap<string, string>;
  readonly #chats = new Map<string, ChatLines>();

  /** `titles`: names of chats by id, where a message does not bring one. */
  constructor(titles: ReadonlyMap<string, string>) {
    this.#titles = titles;
  }

  /** Takes an event in. Returns the one line that tells it, or null when there is nothing to show. */
  take(event: DragomanEvent): string | null {
    switch (event.kind) {
      case 'accepted':
        return this.#put(
          event.chat,
          event.message,
          isPlaceholder(event.message) ? 'placeholder' : 'ready',
          false,
        );
      case 'fulfilled':
        return this.#put(event.chat, event.message, 'ready', event.failed);
      case 'ingested':
        for (const { id } of event.messages) this.#ingested(event.chat, id);
        return null;
      case 'bot':
      case 'duplicate':
      case 'evicted':
      case 'rehydrated':
      case 'forgotten':
      case 'queue':
      case 'job_done':
        return null;
    }
  }

  /** All chats, as many columns wide as the terminal is. */
  render(now: number, columns: number): string {
    return [...this.#chats.values()]
      .flatMap(({ title, entries }) => [
        styleText('bold', title),
        ...[...entries.values()]
          .toSorted((a, b) => a.message.id - b.message.id)
          .map((entry) => this.#line(entry, now, columns)),
        '',
      ])
      .join('\n');
  }

  #put(chat: CorrespondentKey, message: Message, state: EntryState, failed: boolean): string {
    const lines = this.#linesOf(chat, message);
    const before = lines.entries.get(message.id);
    // Words may be in the history before the view hears that they are ready.
    lines.entries.set(message.id, {
      message,
      state: before?.state === 'ingested' ? 'ingested' : state,
      failed,
    });
    return `${lines.title.padEnd(16)} ${String(message.id).padStart(3)}  ${MARK[state]} ${describe(message)}`;
  }

  #ingested(chat: CorrespondentKey, id: number): void {
    const entry = this.#chats.get(chat.correspondentId)?.entries.get(id);
    if (entry !== undefined) entry.state = 'ingested';
  }

  #linesOf(chat: CorrespondentKey, { group, sender }: Message): ChatLines {
    const known = this.#chats.get(chat.correspondentId);
    if (known !== undefined) return known;
    const own = group === null ? sender.displayName : group.name;
    const title = own ?? this.#titles.get(chat.correspondentId) ?? 'somebody';
    const lines = { title, entries: new Map<number, Entry>() };
    this.#chats.set(chat.correspondentId, lines);
    return lines;
  }

  #line({ message, state, failed }: Entry, now: number, columns: number): string {
    const age = state === 'placeholder' ? `  ${((now - message.acceptedTime) / 1_000).toFixed(1)} s` : '';
    const who = message.group === null ? '' : `${message.sender.displayName ?? 'somebody'}: `;
    const plain = `  ${String(message.id).padStart(3)} ${MARK[state]} ${who}${describe(message)}${age}`;
    const line = plain.length < columns ? plain : `${plain.slice(0, Math.max(columns - 2, 1))}…`;
    if (failed) return styleText('yellow', line);
    return state === 'placeholder' ? styleText('cyan', line) : line;
  }
}

function describe(message: Message): string {
  if (!isPlaceholder(message)) return message.content.replaceAll('\n', ' ');
  const caption = message.content === '' ? '' : ` ${message.content}`;
  return `(${mediaKindOf(message.mimeType ?? '')} …)${caption}`;
}
