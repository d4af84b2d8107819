import { DisconnectReason } from '@whiskeysockets/baileys';
import { backOffMs, jittered } from '../../base/back-off.ts';

/** Why a connection ended. */
export type Disconnect =
  | 'restart_required'
  | 'lost'
  | 'unreachable'
  | 'silent'
  | 'stuck'
  | 'storage_failed'
  | 'nobody_scanned'
  | 'replaced'
  | 'logged_out'
  | 'refused'
  | 'outdated'
  | 'mismatched';

/**
 * What to do about it.
 *   `at-once`: a new socket now.  `back-off`: a new socket after a while that grows.
 *   `forget`: the credentials are worth nothing; clear them and ask for a new pairing.
 *   `wait`: nothing until the session is started again.  `alert`: the same, and somebody should look at it.
 */
export type Reaction = 'at-once' | 'back-off' | 'forget' | 'wait' | 'alert';

interface Consequence {
  readonly reaction: Reaction;
  /** What happened, for a person. */
  readonly detail: string;
}

export const CONSEQUENCES: Readonly<Record<Disconnect, Consequence>> = {
  restart_required: { reaction: 'at-once', detail: 'WhatsApp asked for a new connection' },
  lost: { reaction: 'back-off', detail: 'The connection to WhatsApp was lost' },
  unreachable: { reaction: 'back-off', detail: 'WhatsApp cannot be reached: is there a network?' },
  silent: { reaction: 'back-off', detail: 'WhatsApp went silent' },
  stuck: { reaction: 'back-off', detail: 'A message could not be handled in time' },
  storage_failed: { reaction: 'back-off', detail: "The gateway's own storage failed" },
  nobody_scanned: {
    reaction: 'back-off',
    detail: 'Nobody linked the account in time; it is asked again soon',
  },
  replaced: {
    reaction: 'wait',
    detail: 'Another program took over this linked device: stop that one, then restart Dragoman',
  },
  logged_out: { reaction: 'forget', detail: 'The account unlinked this device' },
  refused: {
    reaction: 'alert',
    detail: 'WhatsApp refuses this account: look at the phone, then restart Dragoman',
  },
  outdated: { reaction: 'alert', detail: 'WhatsApp refuses this version of the client: update Dragoman' },
  mismatched: {
    reaction: 'alert',
    detail: 'The account does not take linked devices: update WhatsApp on the phone, then restart Dragoman',
  },
};

const BY_STATUS: Readonly<Record<number, Disconnect>> = {
  [DisconnectReason.restartRequired]: 'restart_required',
  [DisconnectReason.connectionReplaced]: 'replaced',
  [DisconnectReason.loggedOut]: 'logged_out',
  [DisconnectReason.forbidden]: 'refused',
  405: 'outdated',
  [DisconnectReason.multideviceMismatch]: 'mismatched',
};

/** What Baileys ends a connection with: a Boom. */
interface EndError {
  readonly message?: string;
  readonly output?: { readonly statusCode?: number };
}

/**
 * Reads Baileys' reason. Only what WhatsApp says over the encrypted link counts as its word: a proxy that answers the
 * upgrade with 401 must not cost the credentials.
 */
export function disconnectOf(error: unknown): Disconnect {
  const { message = '', output }: EndError = error ?? {};
  if (message.startsWith('WebSocket Error')) return 'unreachable';
  if (message.startsWith('QR refs')) return 'nobody_scanned';
  return BY_STATUS[output?.statusCode ?? 0] ?? 'lost';
}

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 5 * 60_000;

/** A connection that was open this long counts as a success: the next failure starts from the shortest delay. */
export const STEADY_AFTER_MS = 60_000;

/** Restarts in a row without a steady connection in between, after which even those are slowed down. */
const PROMPT_RESTARTS = 3;

/**
 * How long to wait before the next socket, in milliseconds. `failures`: connections since the last steady one, this
 * one included. `random`: in [0, 1).
 */
export function delayBefore(reaction: 'at-once' | 'back-off', failures: number, random: number): number {
  if (reaction === 'at-once' && failures <= PROMPT_RESTARTS) return 0;
  return Math.round(jittered(backOffMs(FIRST_DELAY_MS, failures - 1, LONGEST_DELAY_MS), random));
}
