import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import type { Connection } from './connection.ts';
import type { HistoryOptions, KeptMessage } from './history.ts';
import { deviceJid, type Identity } from './identity.ts';
import { type Envelope, Mailbox } from './mailbox.ts';
import type { Person } from './person.ts';
import { PreKeyPool } from './pre-keys.ts';

/** A linked device's connection after its login. */
export interface ActiveSession {
  readonly connection: Connection;
  deliver(stanza: BinaryNode): void;
  /** Tells the bot what became of a text that it sent. */
  answer(stanza: BinaryNode, by: LateAnswer): void;
}

/** WhatsApp's server has the text, refuses it, or a reader has it. */
export const LATE_ANSWERS = ['ack', 'refusal', 'receipt'] as const;
export type LateAnswer = (typeof LATE_ANSWERS)[number];

/** A bot, as WhatsApp knows it: a device that an account's owner linked. */
export class LinkedDevice {
  readonly account: Account;
  /** 1, 2, … within the account; never given twice. */
  readonly number: number;
  readonly jid: string;
  readonly lid: string;
  /** What the device proves itself with at each login. */
  readonly noiseKey: Uint8Array;
  readonly preKeys = new PreKeyPool();
  readonly mailbox = new Mailbox();
  /** Texts of the bot that went `unanswered`. */
  readonly unanswered: BinaryNode[] = [];
  session: ActiveSession | null = null;

  constructor(account: Account, number: number, noiseKey: Uint8Array) {
    this.account = account;
    this.number = number;
    this.noiseKey = noiseKey;
    this.jid = deviceJid(account.identity.pn, number);
    this.lid = deviceJid(account.identity.lid, number);
  }

  /** Keeps a message until the device's receipt, and delivers it now if the device is there. */
  post(envelope: Envelope): void {
    this.mailbox.post(envelope);
    this.session?.deliver(envelope.stanza);
  }
}

/** How a phone answers when a bot asks it to upload a medium again. */
export const REUPLOAD_OUTCOMES = ['success', 'not_found', 'decryption_error', 'general_error'] as const;
export type ReuploadOutcome = (typeof REUPLOAD_OUTCOMES)[number];

/**
 * How WhatsApp takes what a bot sends. `lost`: it never arrives, and nobody says so. `unanswered`: it reaches its
 * readers, and the bot is not told. A number: it is refused with this code.
 */
export type OutgoingFault = 'lost' | 'unanswered' | number;

/** One WhatsApp account that bots are linked to, and what a test may do to their connections. */
export class Account {
  readonly identity: Identity;
  /** The owner, who types on the account's own phone: what they send, the bot sees as sent by itself. */
  readonly owner: Person;
  readonly devices = new Map<number, LinkedDevice>();
  /** An offline phone answers no request to upload a medium again. */
  phoneOnline = true;
  reuploadOutcome: ReuploadOutcome = 'success';
  /** So long after it was asked the phone has uploaded a medium again, or says that it cannot. */
  reuploadDelayMs = 0;
  /** Receipts count only after so long; those under way when the connection ends are lost. */
  receiptDelayMs = 0;
  /** With a code (403, 405, …) every login fails with it. */
  loginFailure: number | null = null;
  /** Null: what bots send arrives, and is acknowledged. */
  outgoingFault: OutgoingFault | null = null;
  #lastDevice = 0;

  constructor(identity: Identity, owner: Person) {
    this.identity = identity;
    this.owner = owner;
  }

  link(noiseKey: Uint8Array): LinkedDevice {
    const device = new LinkedDevice(this, ++this.#lastDevice, noiseKey);
    this.devices.set(device.number, device);
    return device;
  }

  /** The number that the next linked device gets. */
  get nextDevice(): number {
    return this.#lastDevice + 1;
  }

  /** Linked devices that have uploaded keys: those that a message can be encrypted for. */
  get reachableDevices(): readonly LinkedDevice[] {
    return [...this.devices.values()].filter((device) => device.preKeys.isFilled);
  }

  /** The phone tells its linked devices something that is not for people; see `Person.tellDevices`. */
  tellDevices(message: proto.IMessage): Promise<string> {
    return this.owner.tellDevices(this, message);
  }

  /** The phone sends its linked devices what it keeps of the time before; see `Person.tellHistory`. */
  tellHistory(kept: readonly KeptMessage[], options: HistoryOptions = {}): Promise<string> {
    return this.owner.tellHistory(this, kept, options);
  }

  /** Cuts the connections; the bots may come back at once. */
  drop(): void {
    for (const { connection } of this.#sessions()) connection.drop();
  }

  /** From now on the connections are silent, and still look open. */
  freeze(): void {
    for (const { connection } of this.#sessions()) connection.freeze();
  }

  /** Ends the connections with a stream error: 503 (service unavailable), 515 (restart required), … */
  endStream(code: number): void {
    this.#end({ tag: 'stream:error', attrs: { code: String(code) } });
  }

  /** Ends the connections as if the same device had logged in elsewhere (440). */
  replace(): void {
    this.#end(conflict('replaced'));
  }

  /** The owner removes the linked devices (401): they must be paired anew. */
  logOut(): void {
    this.#end({ ...conflict('device_removed'), attrs: { code: '401' } });
    this.devices.clear();
  }

  /** Answers the texts that went `unanswered`. */
  answerLate(by: LateAnswer): void {
    for (const { session, unanswered } of this.devices.values()) {
      if (session !== null) for (const stanza of unanswered.splice(0)) session.answer(stanza, by);
    }
  }

  #end(error: BinaryNode): void {
    for (const { connection } of this.#sessions()) {
      connection.send(error);
      connection.close();
    }
  }

  #sessions(): ActiveSession[] {
    return [...this.devices.values()].flatMap(({ session }) => session ?? []);
  }
}

/** The stream error of a connection that another one takes the place of, or whose device was removed. */
export const conflict = (type: 'replaced' | 'device_removed'): BinaryNode => ({
  tag: 'stream:error',
  attrs: {},
  content: [{ tag: 'conflict', attrs: { type } }],
});
