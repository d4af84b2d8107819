import { type BinaryNode, S_WHATSAPP_NET } from '@whiskeysockets/baileys';
import type { Clock, Timer } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { Account, LinkedDevice } from './account.ts';
import type { Connection } from './connection.ts';
import type { EventLog } from './event-log.ts';
import { type Companion, pairDeviceRequest, PairingByCode, pairSuccess } from './pairing.ts';
import type { Surroundings } from './person.ts';
import { queryResult } from './queries.ts';

const PAIR_SUCCESS_ID = 'pair-success';
const PAIRING_DEADLINE_MS = 15_000;
const RESTART_REQUIRED: BinaryNode = { tag: 'stream:error', attrs: { code: '515' } };

interface Linking {
  readonly account: Account;
  readonly done: PromiseWithResolvers<LinkedDevice>;
  readonly deadline: Timer;
}

/**
 * A connection of a bot that has no account yet: shows QR codes, or a pairing code, until a phone links it.
 * Then the bot is told to connect anew.
 */
export class UnpairedSession {
  readonly #connection: Connection;
  readonly #noiseKey: Uint8Array;
  readonly #clock: Clock;
  readonly #events: EventLog;
  #byCode: PairingByCode | null = null;
  #linking: Linking | null = null;

  constructor(connection: Connection, noiseKey: Uint8Array, { clock, events }: Surroundings) {
    this.#connection = connection;
    this.#noiseKey = noiseKey;
    this.#clock = clock;
    this.#events = events;
    connection.send(pairDeviceRequest('pair-device'));
  }

  /** Whether the QR code with this key in it is shown by this connection. */
  showsKey(noiseKey: string): boolean {
    return Buffer.from(this.#noiseKey).toString('base64') === noiseKey;
  }

  /** Whether this connection waits for its code to be typed on that phone. */
  awaitsCodeOf(phone: string): boolean {
    return this.#byCode?.phone === phone;
  }

  /** Links the bot to `account`, whose owner scanned its QR code. */
  link(account: Account, companion: Companion): Promise<LinkedDevice> {
    const linked = this.#begin(account);
    this.#announce(account, companion);
    return linked;
  }

  /** Links the bot to `account`, whose owner typed `code`; `token_wrong` when it is not the bot's. */
  async linkByCode(account: Account, code: string): Promise<LinkedDevice> {
    const hello = await this.#byCode?.hello(code, account.owner.party.identityKey);
    const linked = this.#begin(account);
    if (hello) this.#connection.send(hello);
    return linked;
  }

  received(stanza: BinaryNode): void {
    if (stanza.tag !== 'iq') return;
    if (stanza.attrs['type'] === 'result') {
      if (stanza.attrs['id'] === PAIR_SUCCESS_ID) this.#complete();
      return;
    }
    this.#connection.send(queryResult(stanza));
    const begun = PairingByCode.begin(stanza);
    if (begun) {
      this.#byCode = begun;
      this.#events.append({ type: 'pairing_code', bot: begun.phone });
    } else {
      this.#finishByCode(stanza);
    }
  }

  closed(): void {
    this.#fail(new DragomanError('link_closed', 'expected the bot to stay until it is linked'));
  }

  #begin(account: Account): Promise<LinkedDevice> {
    if (this.#linking) throw new DragomanError('already_in_use', 'expected a bot that is not being linked');
    const deadline = this.#clock.schedule(PAIRING_DEADLINE_MS, () => {
      this.#fail(new DragomanError('deadline_exceeded', `expected pairing within ${PAIRING_DEADLINE_MS} ms`));
    });
    const done = Promise.withResolvers<LinkedDevice>();
    this.#linking = { account, done, deadline };
    return done.promise;
  }

  #announce(account: Account, companion: Companion): void {
    const { identity, owner, nextDevice } = account;
    const { identityKey } = owner.party;
    const details = { identity, identityKey, device: nextDevice, linkedAt: this.#clock.now() };
    this.#connection.send(pairSuccess(PAIR_SUCCESS_ID, companion, details));
  }

  #finishByCode(stanza: BinaryNode): void {
    const account = this.#linking?.account;
    if (!account) return;
    try {
      const companion = this.#byCode?.finish(stanza, account.owner.party.identityKey);
      if (companion) this.#announce(account, companion);
    } catch (error) {
      this.#fail(error);
    }
  }

  #complete(): void {
    if (!this.#linking) return;
    const { account, done, deadline } = this.#linking;
    this.#linking = null;
    deadline.cancel();
    done.resolve(account.link(this.#noiseKey));
    this.#connection.send(RESTART_REQUIRED);
    this.#connection.close();
  }

  #fail(error: unknown): void {
    this.#linking?.deadline.cancel();
    this.#linking?.done.reject(error);
    this.#linking = null;
  }
}

/** The refusal of a login: 401 for a device that is not linked, 403, 405, … by choice. */
export const loginFailure = (code: number): BinaryNode => ({
  tag: 'failure',
  attrs: { reason: String(code), location: S_WHATSAPP_NET.slice(1) },
});
