import type { DragomanEvent, QueueCounts } from '../../actors/events.ts';
import { cutText } from '../../base/text.ts';
import type { CorrespondentKey } from '../../jobs/job.ts';
import { mediaKindOf } from '../../queue/media-kind.ts';
import { chatTitleIn, isPlaceholder, type Message } from '../../queue/message.ts';
import { rememberChatNames } from '../../store/chat-name.ts';
import { LIVE_LIMITS, type LiveChatView, type LiveView, type PlaceView } from './contract.ts';

/** Chats that are remembered, the most recently changed ones. */
const REMEMBERED_CHATS = 20_000;
/** Those of them whose messages are: they are much larger than a name. */
const CHATS_WITH_PLACES = 2_000;

const NOTHING: QueueCounts = { ready: 0, characters: 0, placeholders: 0, oldestPlaceholderTime: null };

/** A chat that changed lately. */
interface RecentChat {
  readonly key: CorrespondentKey;
  readonly chat: string;
  title: string | null;
  isGroup: boolean;
  changedAt: number;
  /** The board's, at its last change. */
  version: number;
  /** By id, in the order in which they came. */
  readonly places: Map<number, PlaceView>;
}

export interface BoardPage {
  readonly order: readonly string[];
  /** Those of them that changed after the version asked for. */
  readonly changed: readonly LiveChatView[];
  /** Chats that match. */
  readonly total: number;
  /** To be asked for next. */
  readonly version: number;
}

/**
 * What is known of all chats out of what happens to them; nothing is read for it.
 *   B1 Each event costs the same, however many chats there are.
 *   B2 Memory is bounded: names of `REMEMBERED_CHATS` chats at most, places of `CHATS_WITH_PLACES`, counts of the chats
 *      whose queue is not empty.
 *   B3 The totals are the sums over those counts.
 *   B4 Of a chat that was forgotten nothing is remembered.
 */
export class ChatBoard {
  readonly #now: () => number;
  /** Longest unchanged first. */
  readonly #recent = new Map<string, RecentChat>();
  /** Those of them that have places, in the same order. */
  readonly #placed = new Set<RecentChat>();
  /** Of each chat whose queue is not empty. */
  readonly #waiting = new Map<string, QueueCounts>();
  readonly #nameOf = rememberChatNames();
  #ready = 0;
  #placeholders = 0;
  #version = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  take(event: DragomanEvent): void {
    switch (event.kind) {
      case 'queue':
        return this.#count(event.chat, event.counts);
      case 'rehydrated':
        for (const message of event.messages) this.#place(event.chat, message, stateOf(message), false);
        return;
      case 'accepted':
        return this.#place(event.chat, event.message, stateOf(event.message), false);
      case 'fulfilled':
        return this.#place(event.chat, event.message, 'ready', event.failed);
      case 'ingested':
        for (const { id } of event.messages) this.#move(event.chat, id, 'ingested');
        return;
      case 'evicted':
        return this.#move(event.chat, event.id, 'evicted');
      case 'forgotten':
        return this.#forget(event.chat);
      case 'bot':
      case 'duplicate':
      case 'job_done':
    }
  }

  get now(): {
    readonly waitingChats: number;
    readonly ready: number;
    readonly placeholders: number;
    readonly oldestPlaceholderTime: number | null;
  } {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { oldestPlaceholderTime } of this.#waiting.values()) {
      if (oldestPlaceholderTime !== null && oldestPlaceholderTime < oldest) oldest = oldestPlaceholderTime;
    }
    return {
      waitingChats: this.#waiting.size,
      ready: this.#ready,
      placeholders: this.#placeholders,
      oldestPlaceholderTime: Number.isFinite(oldest) ? oldest : null,
    };
  }

  /** The most recently changed chats that match, and those of them that changed after `version`. */
  page({ botId, search, offset, limit }: LiveView, version: number): BoardPage {
    const words = search?.toLowerCase();
    const matching = [...this.#recent.values()].filter(
      ({ key, title }) =>
        (botId === undefined || key.botId === botId) &&
        (words === undefined || words === '' || title?.toLowerCase().includes(words) === true),
    );
    const end = Math.max(matching.length - offset, 0);
    const inView = matching.slice(Math.max(end - limit, 0), end).toReversed();
    return {
      order: inView.map(({ chat }) => chat),
      changed: inView.filter((each) => each.version > version).map((each) => this.#viewOf(each)),
      total: matching.length,
      version: this.#version,
    };
  }

  #count(key: CorrespondentKey, counts: QueueCounts): void {
    const chat = this.#nameOf(key);
    const before = this.#waiting.get(chat) ?? NOTHING;
    this.#ready += counts.ready - before.ready;
    this.#placeholders += counts.placeholders - before.placeholders;
    if (counts.ready + counts.placeholders === 0) this.#waiting.delete(chat);
    else this.#waiting.set(chat, counts);
    const recent = this.#recent.get(chat);
    if (recent !== undefined) recent.version = this.#version += 1;
  }

  #place(key: CorrespondentKey, message: Message, state: PlaceView['state'], failed: boolean): void {
    const recent = this.#touch(key);
    recent.isGroup = message.group !== null;
    recent.title = chatTitleIn(message) ?? recent.title;
    const before = recent.places.get(message.id);
    // Words may be in the history before anybody hears that they are ready.
    const isOver = before?.state === 'ingested' || before?.state === 'evicted';
    recent.places.set(message.id, placeOf(message, isOver ? before.state : state, failed, before));
    forgetOldest(recent.places);
  }

  #forget(key: CorrespondentKey): void {
    this.#count(key, NOTHING);
    const chat = this.#nameOf(key);
    const recent = this.#recent.get(chat);
    if (recent !== undefined) this.#placed.delete(recent);
    this.#recent.delete(chat);
  }

  #move(key: CorrespondentKey, id: number, state: PlaceView['state']): void {
    const recent = this.#recent.get(this.#nameOf(key));
    const place = recent?.places.get(id);
    if (recent === undefined || place === undefined) return;
    recent.places.set(id, { ...place, state });
    this.#touch(key);
  }

  #touch(key: CorrespondentKey): RecentChat {
    const chat = this.#nameOf(key);
    const known = this.#recent.get(chat);
    const recent = known ?? {
      key,
      chat,
      title: null,
      isGroup: false,
      changedAt: 0,
      version: 0,
      places: new Map<number, PlaceView>(),
    };
    recent.changedAt = this.#now();
    recent.version = this.#version += 1;
    this.#recent.delete(chat);
    this.#recent.set(chat, recent);
    this.#placed.delete(recent);
    this.#placed.add(recent);
    this.#forgetLongestUnchanged();
    return recent;
  }

  #forgetLongestUnchanged(): void {
    if (this.#placed.size > CHATS_WITH_PLACES) {
      const [placed] = this.#placed;
      placed?.places.clear();
      if (placed !== undefined) this.#placed.delete(placed);
    }
    if (this.#recent.size > REMEMBERED_CHATS) {
      const [remembered] = this.#recent.keys();
      if (remembered !== undefined) this.#recent.delete(remembered);
    }
  }

  #viewOf({ key, chat, title, isGroup, changedAt, places }: RecentChat): LiveChatView {
    const { ready, placeholders, oldestPlaceholderTime } = this.#waiting.get(chat) ?? NOTHING;
    return {
      chat,
      botId: key.botId,
      correspondentId: key.correspondentId,
      title,
      isGroup,
      changedAt,
      ready,
      placeholders,
      oldestPlaceholderTime,
      places: [...places.values()].toSorted((one, other) => one.id - other.id),
    };
  }
}

const stateOf = (message: Message): PlaceView['state'] => (isPlaceholder(message) ? 'placeholder' : 'ready');

function placeOf(
  message: Message,
  state: PlaceView['state'],
  failed: boolean,
  before: PlaceView | undefined,
): PlaceView {
  return {
    id: message.id,
    // A medium that became words does not say any more what it was.
    kind: before?.kind ?? (isPlaceholder(message) ? mediaKindOf(message.mimeType ?? '') : 'text'),
    state,
    failed,
    outgoing: message.direction === 'outgoing',
    sender: message.group === null ? null : message.sender.displayName,
    preview: cutText(message.content, LIVE_LIMITS.previewCharacters),
    acceptedTime: message.acceptedTime,
    readyTime: message.readyTime,
  };
}

/** Keeps placeholders as long as it can: they are what an operator waits for. */
function forgetOldest(places: Map<number, PlaceView>): void {
  if (places.size <= LIVE_LIMITS.places) return;
  for (const { id, state } of places.values()) {
    if (state === 'placeholder') continue;
    places.delete(id);
    return;
  }
  const [oldest] = places.keys();
  if (oldest !== undefined) places.delete(oldest);
}
