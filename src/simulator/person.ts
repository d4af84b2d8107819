import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import PQueue from 'p-queue';
import type { Clock } from '../base/clock.ts';
import { DragomanError, hasCode } from '../base/errors.ts';
import type { Account, LinkedDevice } from './account.ts';
import { accountsOf, addressAttributes, addressOf, type Chat, chatJid, isFromOwner } from './chat.ts';
import { type Composed, type Content, compose, findMedium, stanzaType, type Withheld } from './content.ts';
import type { EventLog, LoggedEvent, SentEvent } from './event-log.ts';
import { announceHistory, type HistoryOptions, type KeptMessage } from './history.ts';
import type { AddressingMode, Identity } from './identity.ts';
import type { Envelope } from './mailbox.ts';
import type { MediaHost } from './media-host.ts';
import type { ReuploadShelf } from './media-retry.ts';
import { bundleOfRetryReceipt } from './pre-keys.ts';
import type { SeededRandom } from './seeded-random.ts';
import { NONSENSE, type Nonsense, type Sealed, SignalParty } from './signal-party.ts';

/** What everybody at one simulated WhatsApp shares. */
export interface Surroundings {
  readonly clock: Clock;
  readonly events: EventLog;
  readonly mediaHost: MediaHost;
  readonly reuploads: ReuploadShelf;
}

export interface PersonProfile {
  readonly name: string;
  readonly identity: Identity;
  /** The name that the bot knows this person by in a chat of two. */
  readonly addressing: AddressingMode;
}

export interface SendOptions {
  /** Default: the next id of this person's seeded sequence. */
  readonly id?: string | undefined;
  /** When it was written, in ms since the epoch; default now. */
  readonly writtenAt?: number | undefined;
  /** True: its first copy does not decrypt, and the bot has to ask for another one. */
  readonly garbled?: boolean | undefined;
  /** True: its first copy decrypts, but to no message, and the bot has to ask for another one. */
  readonly nonsense?: boolean | undefined;
}

/** `seq` tells the order in which messages were sent, over all chats. */
export type SentMessage = LoggedEvent<SentEvent>;

/** How long a message waits for a bot that is not linked yet, or has not uploaded its keys. */
const REACH_DEADLINE_MS = 60_000;

/**
 * Somebody with a phone, and real end-to-end encryption between it and each linked device.
 *
 *   P1 One person's messages reach every device in the order in which `send` was called.
 *   P2 A device gets a group's sender key before, or with, the first message that needs it.
 *   P3 Whatever a device asks for again has the same id and the same content. It comes when the phone is online.
 */
export class Person {
  readonly name: string;
  readonly identity: Identity;
  readonly addressing: AddressingMode;
  readonly party = new SignalParty();
  readonly #surroundings: Surroundings;
  readonly #random: SeededRandom;
  readonly #outbox = new PQueue({ concurrency: 1 });
  #online = Promise.withResolvers<void>();
  readonly #senderKeyHolders = new Set<string>();

  constructor(profile: PersonProfile, surroundings: Surroundings, random: SeededRandom) {
    this.name = profile.name;
    this.identity = profile.identity;
    this.addressing = profile.addressing;
    this.#surroundings = surroundings;
    this.#random = random;
    this.goOnline();
  }

  /** From now on the phone sends nothing again. What it says all the same was at WhatsApp before. */
  goOffline(): void {
    this.#online = Promise.withResolvers();
  }

  /** Sends again what devices have asked for meanwhile. */
  goOnline(): void {
    this.#online.resolve();
  }

  /**
   * Writes to a chat; resolves when the message is at WhatsApp, which keeps it until each bot has received it.
   * Waits for the chat's first bot; rejects with `deadline_exceeded` when none is linked within a minute, and
   * with `aborted` when the simulator closes.
   */
  send(chat: Chat, content: Content, options: SendOptions = {}): Promise<SentMessage> {
    const id = options.id ?? this.#random.messageId();
    return this.#outbox.add(() => this.#send(chat, content, id, options));
  }

  async #send(
    chat: Chat,
    content: Content,
    id: string,
    { writtenAt, garbled = false, nonsense = false }: SendOptions,
  ): Promise<SentMessage> {
    const { clock, events, mediaHost, reuploads } = this.#surroundings;
    const composed = await compose(content, mediaHost, this.#random);
    const devices = await this.#devicesOf(chat);
    const at = writtenAt ?? clock.now();
    const letter: Letter = {
      chat,
      message: composed.message,
      withheld: composed.withheld,
      attrs: this.#attributes(chat, composed, id, at),
    };
    const envelopes = await this.#seal(letter, devices, {
      says: nonsense ? NONSENSE : letter.message,
      passes: garbled ? garble : (sealed) => sealed,
    });
    const medium = findMedium(composed.message);
    if (medium) reuploads.remember(id, medium);
    for (const [device, envelope] of envelopes) device.post(envelope);
    return events.append({
      type: 'sent',
      chat: chatJid(chat),
      group: chat.kind === 'group' ? chat.name : null,
      from: this.name,
      messageId: id,
      kind: composed.kind,
      words: composed.words,
      sha256: composed.sha256,
      writtenAt: at,
    });
  }

  /**
   * The phone tells the account's linked devices something that is not for people, be it history or messages that they
   * missed. Resolves to the stanza's id when WhatsApp has it.
   */
  tellDevices({ identity, reachableDevices }: Account, message: proto.IMessage): Promise<string> {
    const id = this.#random.messageId();
    const t = String(Math.floor(this.#surroundings.clock.now() / 1_000));
    const attrs = { from: identity.pn, id, t, type: 'text', category: 'peer' };
    return this.#outbox.add(async () => {
      for (const device of reachableDevices) {
        const seal = async (): Promise<BinaryNode> =>
          stanzaOf({ attrs, withheld: null }, [await this.#sealForDevice(device, message)]);
        device.post({ stanza: await seal(), reseal: seal });
      }
      return id;
    });
  }

  /** The phone sends the account's linked devices what it keeps of the time before. Resolves as `tellDevices` does. */
  async tellHistory(
    account: Account,
    kept: readonly KeptMessage[],
    options: HistoryOptions = {},
  ): Promise<string> {
    const phone = { ...this.#surroundings, random: this.#random };
    return this.tellDevices(account, await announceHistory(kept, this, phone, options));
  }

  /** Ends what its encryption keeps running. */
  close(): void {
    this.party.close();
  }

  async #devicesOf(chat: Chat): Promise<readonly LinkedDevice[]> {
    const accounts = accountsOf(chat);
    const reachable = () => accounts.flatMap((account) => account.reachableDevices);
    const phones = new Set(accounts.map(({ identity }) => identity.phone));
    const { events } = this.#surroundings;
    while (reachable().length === 0) {
      const options = { deadlineMs: REACH_DEADLINE_MS, afterSeq: events.lastSeq };
      await events
        .waitFor('keys_uploaded', ({ bot }) => phones.has(bot), options)
        .catch((cause: unknown) => {
          if (!hasCode(cause, 'deadline_exceeded')) throw cause;
          throw new DragomanError(
            'deadline_exceeded',
            `expected a bot to be linked, to write to, within ${REACH_DEADLINE_MS / 1_000} s: ` +
              'npm start -- --simulator URL links one',
            { cause },
          );
        });
    }
    return reachable();
  }

  #attributes(chat: Chat, { message }: Composed, id: string, at: number): BinaryNode['attrs'] {
    return {
      ...addressAttributes(chat, this),
      id,
      t: String(Math.floor(at / 1_000)),
      type: stanzaType(message),
      notify: this.name,
    };
  }

  async #seal(
    letter: Letter,
    devices: readonly LinkedDevice[],
    { says, passes }: FirstCopy,
  ): Promise<(readonly [LinkedDevice, Envelope])[]> {
    const sealFor = await this.#sealerOf(letter.chat, says);
    const envelopes: (readonly [LinkedDevice, Envelope])[] = [];
    for (const device of devices) {
      const sealed = letter.withheld === null ? (await sealFor(device)).map(passes) : [];
      const stanza = stanzaOf(letter, sealed);
      const reseal: Envelope['reseal'] = (receipt, attempt) => this.#reseal(letter, device, receipt, attempt);
      envelopes.push([device, { stanza, reseal }]);
    }
    return envelopes;
  }

  /** In a chat of two each device has its own ciphertext; a group has one for all, opened by a sender key. */
  async #sealerOf(
    chat: Chat,
    message: proto.IMessage | Nonsense,
  ): Promise<(device: LinkedDevice) => Promise<Sealed[]>> {
    if (chat.kind === 'direct') {
      return async (device) => [await this.#sealForDevice(device, this.#wrapped(chat, message))];
    }
    const self = addressOf(this.identity, chat.addressing);
    const { sealed, senderKey } = await this.party.sealForGroup(chat.jid, self, message);
    return async (device) => {
      const holder = `${chat.jid} ${device.lid}`;
      if (this.#senderKeyHolders.has(holder)) return [sealed];
      const key = await this.#sealForDevice(device, { senderKeyDistributionMessage: senderKey });
      this.#senderKeyHolders.add(holder);
      return [key, sealed];
    };
  }

  async #sealForDevice(device: LinkedDevice, message: proto.IMessage | Nonsense): Promise<Sealed> {
    if (!(await this.party.hasSession(device.lid))) {
      await this.party.startSession(device.lid, device.preKeys.take());
    }
    return this.party.seal(device.lid, message);
  }

  /** As phones answer a retry receipt: a fresh session, and in a group the sender key along with the message. */
  async #reseal(
    letter: Letter,
    device: LinkedDevice,
    receipt: BinaryNode,
    attempt: number,
  ): Promise<BinaryNode> {
    const { chat, message } = letter;
    await this.#online.promise;
    await this.party.startSession(device.lid, bundleOfRetryReceipt(receipt) ?? device.preKeys.take());
    const complete: proto.IMessage =
      chat.kind === 'direct'
        ? this.#wrapped(chat, message)
        : { ...message, senderKeyDistributionMessage: await this.#senderKeyOf(chat) };
    const sealed = await this.party.seal(device.lid, complete);
    return stanzaOf(letter, [sealed], { count: String(attempt) });
  }

  #senderKeyOf(group: Extract<Chat, { kind: 'group' }>) {
    return this.party.senderKey(group.jid, addressOf(this.identity, group.addressing));
  }

  #wrapped<M extends proto.IMessage | Nonsense>(chat: Chat, message: M): M | proto.IMessage {
    return message !== NONSENSE && isFromOwner(chat, this)
      ? { deviceSentMessage: { destinationJid: chatJid(chat), message } }
      : message;
  }
}

/** A message before it is sealed for anybody. */
interface Letter {
  readonly chat: Chat;
  readonly message: proto.IMessage;
  readonly withheld: Withheld | null;
  readonly attrs: BinaryNode['attrs'];
}

/** What befalls the copy of a message that is sent unasked. */
interface FirstCopy {
  readonly says: proto.IMessage | Nonsense;
  readonly passes: (sealed: Sealed) => Sealed;
}

const stanzaOf = (
  { attrs, withheld }: Pick<Letter, 'attrs' | 'withheld'>,
  sealed: readonly Sealed[],
  more: BinaryNode['attrs'] = {},
): BinaryNode => ({
  tag: 'message',
  attrs,
  content:
    withheld === null
      ? sealed.map(({ type, ciphertext }) => ({
          tag: 'enc',
          attrs: { v: '2', type, ...more },
          content: ciphertext,
        }))
      : [{ tag: 'unavailable', attrs: { type: withheld } }],
});

/** So far from its end every kind of ciphertext is covered by a MAC or a signature; elsewhere a change may go unnoticed. */
const PROTECTED_FROM_END = 10;

function garble({ type, ciphertext }: Sealed): Sealed {
  const garbled = Buffer.from(ciphertext);
  const at = garbled.length - PROTECTED_FROM_END;
  garbled.writeUInt8(garbled.readUInt8(at) ^ 1, at);
  return { type, ciphertext: garbled };
}
