import type { ActorRef, AskOptions, Payload, ProtocolOf, Reply, Topic } from './actor.ts';
import { Call } from './call.ts';
import type { Envelope, Outcome } from './message.ts';
import type { Runtime } from './runtime.ts';

/** The actor that a ref leads to. */
export interface Addressee {
  readonly name: string;
  readonly path: string;
  /** Sends to it, in the order of the calls. */
  deliver(envelope: Envelope): void;
}

/** The ref of an actor in this process. */
export class LocalRef<P extends ProtocolOf<P>> implements ActorRef<P> {
  readonly #addressee: Addressee;
  readonly #runtime: Runtime;

  constructor(addressee: Addressee, runtime: Runtime) {
    this.#addressee = addressee;
    this.#runtime = runtime;
  }

  get name(): string {
    return this.#addressee.name;
  }

  get path(): string {
    return this.#addressee.path;
  }

  ask<T extends Topic<P>>(topic: T, payload: Payload<P, T>, options: AskOptions = {}): Promise<Reply<P, T>> {
    const { clock, askDeadlineMs } = this.#runtime;
    const { deadlineMs = askDeadlineMs, signal } = options;
    const call = new Call(clock, deadlineMs, signal, { addressee: this.#addressee, topic });
    if (call.withdrawal === null) this.#addressee.deliver({ topic, payload, caller: call });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler of this topic made it
    return call.reply as Promise<Reply<P, T>>;
  }

  tell<T extends Topic<P>>(topic: T, payload: Payload<P, T>): void {
    const settle = (outcome: Outcome) => {
      if (outcome.kind === 'failure') this.#runtime.tellFailed(this.path, topic, outcome.error);
    };
    this.#addressee.deliver({ topic, payload, caller: { withdrawal: null, settle } });
  }
}
