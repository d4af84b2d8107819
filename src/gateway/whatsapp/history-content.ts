import { proto, toNumber } from '@whiskeysockets/baileys';

/** Field numbers of WhatsApp's schema. */
const SYNC = { conversations: 2 } as const;
const CONVERSATION = { id: 1, messages: 2, name: 13 } as const;

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** One chat of a phone's history. */
export interface Conversation {
  readonly jid: string;
  /** What the phone calls it; empty when it says nothing. */
  readonly name: string;
  /** Encoded `proto.HistorySyncMsg`s, in the phone's order: mostly the latest first. */
  readonly messages: readonly Uint8Array[];
}

/**
 * The chats of an encoded `proto.HistorySync`, one after another and with their messages still encoded: decoded as a
 * whole, thousands of messages hold the event loop, and the memory for as long as it takes to tell of them. What is
 * malformed ends it.
 */
export function* conversationsIn(sync: Uint8Array): Generator<Conversation, void> {
  for (const { field, bytes } of fieldsIn(sync)) {
    if (field === SYNC.conversations) yield conversationIn(bytes);
  }
}

function conversationIn(encoded: Uint8Array): Conversation {
  let jid = '';
  let name = '';
  const messages: Uint8Array[] = [];
  for (const { field, bytes } of fieldsIn(encoded)) {
    if (field === CONVERSATION.id) jid = Buffer.from(bytes).toString();
    if (field === CONVERSATION.name) name = Buffer.from(bytes).toString();
    if (field === CONVERSATION.messages) messages.push(bytes);
  }
  return { jid, name, messages };
}

export interface KeptMessage {
  readonly info: proto.IWebMessageInfo;
  /** Epoch milliseconds. */
  readonly sentAt: number;
}

/** Null for what does not decode, and for what has no content, as notices of the phone have none. */
export function keptMessageIn(encoded: Uint8Array): KeptMessage | null {
  try {
    const info = proto.HistorySyncMsg.decode(encoded).message;
    return info?.message ? { info, sentAt: toNumber(info.messageTimestamp) * 1_000 } : null;
  } catch {
    return null;
  }
}

/** The fields of a message of protocol buffers that hold bytes (strings and messages among them). */
function* fieldsIn(message: Uint8Array): Generator<{ readonly field: number; readonly bytes: Uint8Array }> {
  const reader = new VarintReader(message);
  while (!reader.isAtEnd) {
    const tag = reader.next();
    const type = tag % 8;
    if (type === WIRE.varint) reader.next();
    else if (type === WIRE.fixed64) reader.skip(8);
    else if (type === WIRE.fixed32) reader.skip(4);
    else if (type === WIRE.bytes) {
      const bytes = reader.take(reader.next());
      if (bytes === null) return;
      yield { field: Math.floor(tag / 8), bytes };
    } else return;
  }
}

class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Seven bits to a byte, the lowest first; the highest bit says that more follow. */
  next(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** Null when there are not so many. */
  take(count: number): Uint8Array | null {
    const from = this.#at;
    this.#at += count;
    return this.#at <= this.#bytes.length ? this.#bytes.subarray(from, this.#at) : null;
  }
}
