import {
  DisconnectReason,
  type proto,
  type WAMessage,
  type WAMessageKey,
  type WASocket,
} from '@whiskeysockets/baileys';
import type { Clock } from '../../base/clock.ts';
import { deadline, untilAborted } from '../../base/deadlines.ts';
import { describeError } from '../../base/errors.ts';
import type { RecentMap } from '../../base/recent-map.ts';
import type { Answer, Delivery, OutgoingText, Undelivered } from '../session.ts';

/** WhatsApp answers within a second or two; so long after the text is on the wire nobody waits any more. */
const ANSWER_DEADLINE_MS = 20_000;

/** What Baileys fails with for want of time, whatever it was at. */
const TIMED_OUT: number = DisconnectReason.timedOut;

/** What a text goes out by. */
export interface Dispatch {
  /** Its signal aborts when it ends. */
  readonly connection: { readonly socket: WASocket; readonly signal: AbortSignal };
  readonly clock: Clock;
  /** Texts sent, by message id. */
  readonly sent: RecentMap<string, proto.IMessage>;
  /** Who waits for WhatsApp's answer, by message id. */
  readonly awaiting: Map<string, (answer: Answer) => void>;
}

/**
 * Sends a text, and waits for what WhatsApp's server makes of it: Baileys itself is content when the text is on the wire,
 * where it may still get lost, and the server may refuse it. Never rejects.
 */
export async function deliverText(
  message: OutgoingText,
  keyOfQuoted: WAMessageKey | null,
  dispatch: Dispatch,
  signal: AbortSignal,
): Promise<Delivery> {
  const { connection, clock, awaiting } = dispatch;
  const answer = Promise.withResolvers<Delivery>();
  awaiting.set(message.providerMessageId, answer.resolve);
  try {
    const written = write(message, keyOfQuoted, dispatch);
    const early = await untilAborted(Promise.race([answer.promise, written]), signal);
    if (early !== null) return early;
    using limit = deadline(clock, ANSWER_DEADLINE_MS, "WhatsApp's answer");
    return await untilAborted(answer.promise, AbortSignal.any([signal, connection.signal, limit.signal]));
  } catch (error) {
    return { kind: 'unknown', reason: describeError(error) };
  } finally {
    awaiting.delete(message.providerMessageId);
  }
}

/** Null when the text is on the wire. Never rejects; a connection that ends makes it settle. */
async function write(
  message: OutgoingText,
  keyOfQuoted: WAMessageKey | null,
  { connection, sent }: Dispatch,
): Promise<Undelivered | null> {
  try {
    const written = await sendOver(connection.socket, message, keyOfQuoted);
    if (written?.message) sent.set(message.providerMessageId, written.message);
    return null;
  } catch (error) {
    const reason = typeof error === 'number' ? 'the connection to WhatsApp ended' : describeError(error);
    return { kind: isFromBefore(error) ? 'unsent' : 'unknown', reason };
  }
}

function sendOver(
  socket: WASocket,
  { providerMessageId: messageId, to, text, quoted }: OutgoingText,
  keyOfQuoted: WAMessageKey | null,
): Promise<WAMessage | undefined> {
  const content = { text, linkPreview: null };
  if (quoted === null || keyOfQuoted === null) return socket.sendMessage(to, content, { messageId });
  const message = { conversation: quoted.text };
  return socket.sendMessage(to, content, { messageId, quoted: { key: keyOfQuoted, message } });
}

/**
 * Whether Baileys failed before it wrote the text: what it asks the server beforehand fails with an error of Baileys, or
 * with the code of a socket that closed; the writing itself with the socket's errors, or for want of time.
 */
function isFromBefore(error: unknown): boolean {
  if (typeof error === 'number') return true;
  const { output }: { readonly output?: { readonly statusCode?: number } } = error ?? {};
  return output !== undefined && output.statusCode !== TIMED_OUT;
}
