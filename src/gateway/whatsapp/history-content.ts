import { proto, toNumber } from '@whiskeysockets/baileys';
import protobuf from 'protobufjs/minimal.js';

/** Field numbers of WhatsApp's schema. */
const SYNC = { conversations: 2 } as const;
const CONVERSATION = { id: 1, messages: 2, name: 13 } as const;

/** The wire type (protobuf.dev/programming-guides/encoding) of what holds bytes. */
const LENGTH_DELIMITED = 2;

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
  for (const { number, bytes } of fieldsIn(sync)) {
    if (number === SYNC.conversations && bytes !== null) yield conversationIn(bytes);
  }
}

function conversationIn(encoded: Uint8Array): Conversation {
  let jid = '';
  let name = '';
  const messages: Uint8Array[] = [];
  for (const { number, bytes } of fieldsIn(encoded)) {
    if (bytes === null) continue;
    if (number === CONVERSATION.id) jid = Buffer.from(bytes).toString();
    if (number === CONVERSATION.name) name = Buffer.from(bytes).toString();
    if (number === CONVERSATION.messages) messages.push(bytes);
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

interface Field {
  readonly number: number;
  /** Null for what holds none, such as a number. */
  readonly bytes: Uint8Array | null;
}

function* fieldsIn(message: Uint8Array): Generator<Field> {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const field = nextField(reader);
    if (field === null) return;
    yield field;
  }
}

/** Null for what is malformed. */
function nextField(reader: protobuf.Reader): Field | null {
  try {
    const tag = reader.uint32();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (type === LENGTH_DELIMITED) return { number, bytes: reader.bytes() };
    reader.skipType(type);
    return { number, bytes: null };
  } catch {
    return null;
  }
}
