import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Later } from './later.ts';

/**
 * What an actor understands: an interface of handler signatures, one payload each.
 * `interface BotProtocol { inbound(frame: InboundFrame): Promise<'accepted'>; passivate(name: string): void }`
 */
export type ProtocolOf<P> = { [T in keyof P]: (payload: never) => unknown };
export type Topic<P> = keyof P & string;
/** `undefined` for a handler that takes nothing. */
export type Payload<P, T extends keyof P> = P[T] extends () => unknown
  ? undefined
  : P[T] extends (payload: infer Sent) => unknown
    ? Sent
    : never;
export type Reply<P, T extends keyof P> = P[T] extends (payload: never) => infer Returned
  ? Awaited<Returned>
  : never;

export interface AskOptions {
  /** From the ask to its reply; the system's `askDeadlineMs` by default. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Names a live actor, whatever its protocol. */
export interface AnyActorRef {
  /** Unique among its siblings. */
  readonly name: string;
  /** The names from the top: `/bots/alpha`. */
  readonly path: string;
}

/**
 * An address to send to. Messages from one sender arrive in the order they were sent, asks and tells alike.
 * A ref outlives restarts of its actor; once the actor stopped, every message fails with `actor_stopped`.
 */
export interface ActorRef<P extends ProtocolOf<P>> extends AnyActorRef {
  /**
   * Sends a message and waits for its reply. A message whose caller gave up before the handler started is skipped;
   * one that has started is finished, unheard.
   * @throws the handler's `DragomanError`, or `actor_failed` (the handler had a bug and its actor was restarted),
   *   `mailbox_full`, `actor_stopped`, `deadline_exceeded`, `aborted`.
   */
  ask<T extends Topic<P>>(topic: T, payload: Payload<P, T>, options?: AskOptions): Promise<Reply<P, T>>;
  /** Sends a message without waiting. A failure is logged and counted (`ActorSystem.failedTells`). */
  tell<T extends Topic<P>>(topic: T, payload: Payload<P, T>): void;
}

/** What a handler may return: its reply, now or in time. */
type HandlerResult<R> = R | Later<R> | Promise<R | Later<R>>;

/** Own properties of a plain object: anything else is not reachable by a message. */
export type Handlers<P> = {
  readonly [T in Topic<P>]: (payload: Payload<P, T>) => HandlerResult<Reply<P, T>>;
};

/** What a behaviour tells the inspector besides its mailbox. Never message content. */
export type Detail = Readonly<Record<string, unknown>>;

/** One life of an actor. A restart makes a new one, so whatever must survive is not kept here. */
export interface Behaviour<P> {
  readonly handlers: Handlers<P>;
  /** Runs before the first message. */
  started?(): void | Promise<void>;
  /** Runs after the last message, when the actor stops or is restarted. Closes what this life opened. */
  stopped?(): void | Promise<void>;
  /** Asked whenever the tree is inspected: cheap. */
  inspect?(): Detail;
}

/** OTP's words: more than `intensity` restarts within `periodMs` are not cured by another. */
export interface RestartLimit {
  readonly intensity: number;
  readonly periodMs: number;
}

/** How an actor of a kind is run. */
export interface ActorSettings {
  /** What it is, for inspector and log: `correspondent`. */
  readonly kind: string;
  /** Level of the lines about start, passivation and stop: `debug` for kinds with many actors. Default `info`. */
  readonly lifecycleLevel?: 'info' | 'debug';
  /** Messages that may wait; one more fails with `mailbox_full`. Default 1_000. */
  readonly mailboxCapacity?: number;
  /** Default 5 restarts within 60_000 ms. */
  readonly restartLimit?: RestartLimit;
  /** How long a stop waits for messages in hand, and again for `stopped`, before it cuts. Default: the system's. */
  readonly graceMs?: number;
  /** Kinds of children in the order they stop. Kinds not named stop before, all at once. */
  readonly stopOrder?: readonly string[];
}

export interface ActorDefinition<P extends ProtocolOf<P>, Args> extends ActorSettings {
  create(context: ActorContext<P>, args: Args): Behaviour<P>;
}

/** `drain`: finish what is in hand and what waits. `now`: finish what is in hand. Both end when the grace is over. */
export type StopMode = 'drain' | 'now';

/** What an actor's life is given. It ends with that life: a context kept beyond a restart cannot spawn. */
export interface ActorContext<P extends ProtocolOf<P>> {
  readonly self: ActorRef<P>;
  readonly path: string;
  /** Carries the actor's path. */
  readonly log: Logger;
  readonly clock: Clock;
  /** Aborted when this life ends: at a restart, at a stop `now`, or when a stop's grace is over. */
  readonly signal: AbortSignal;
  /**
   * Makes a child and resolves to its ref before the child's `started` is done; messages wait for it.
   * Keep an actor's live children under a few thousand: one that stops while its parent lives on costs time in
   * proportion to its siblings, so a restart among 1,000 children takes 0.1 s and among 20,000 it takes 10 s.
   * @param name unique among the live children. It appears in log lines: never a phone number.
   * @throws `actor_stopped` when this life is ending, `invariant_broken` when the name is taken.
   */
  spawn<C extends ProtocolOf<C>, Args>(
    definition: ActorDefinition<C, Args>,
    name: string,
    args: Args,
  ): Promise<ActorRef<C>>;
  /** Stops a child; resolves when it is gone. Does nothing for a child that is gone. */
  stop(child: AnyActorRef, mode?: StopMode): Promise<void>;
  /** Stops a child that has nothing to do. False: it has, or has children, and lives on. */
  passivate(child: AnyActorRef): Promise<boolean>;
}

/** An actor as the inspector sees it. Ages in milliseconds; counts since the actor was spawned. */
export interface ActorSnapshot {
  readonly path: string;
  readonly name: string;
  readonly kind: string;
  /** Messages that wait. */
  readonly depth: number;
  /** Replies promised with `later` that are not there yet. */
  readonly outstanding: number;
  readonly handled: number;
  readonly failed: number;
  readonly restarts: number;
  /** Null when nothing waits. */
  readonly oldestWaitingMs: number | null;
  /** How long the handler in hand has been running; null when none is. */
  readonly busyMs: number | null;
  readonly children: readonly ActorSnapshot[];
  readonly detail?: Detail;
}
