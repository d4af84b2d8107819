import {
  type BinaryNode,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  isJidGroup,
  S_WHATSAPP_NET,
} from '@whiskeysockets/baileys';
import PQueue from 'p-queue';
import type { Timer } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import { type ActiveSession, conflict, type LateAnswer, type LinkedDevice } from './account.ts';
import { type Parcel, parcelsOf, readParcel } from './bot-messages.ts';
import { addressOf } from './chat.ts';
import type { Connection } from './connection.ts';
import type { Directory } from './directory.ts';
import { referenceOf } from './mailbox.ts';
import { answerReuploadRequest } from './media-retry.ts';
import { OfflineBacklog } from './offline-backlog.ts';
import type { Surroundings } from './person.ts';
import { answerQuery } from './queries.ts';

/** With fewer one-time pre-keys than this a device is asked for more. */
const FEW_PRE_KEYS = 5;

export interface SessionContext extends Surroundings {
  readonly directory: Directory;
  readonly log: Logger;
}

/**
 * One login of a linked device.
 *
 *   S1 All that the mailbox holds at the login goes out, marked `offline`, before `<ib><offline count>`.
 *   S2 That marker follows when each of these is answered (or the bot fell silent): it has given its receipts
 *      while its events are still held back, as it happens with a large backlog.
 *   S3 After the end of the session nothing that it received changes the mailbox.
 *   S4 What WhatsApp has acknowledged reaches its readers, whether the bot is still there or not.
 */
export class DeviceSession implements ActiveSession {
  readonly connection: Connection;
  readonly #device: LinkedDevice;
  readonly #context: SessionContext;
  readonly #reading = new PQueue({ concurrency: 1 });
  readonly #delayed = new Set<Timer>();
  #phase: 'login' | 'active' | 'ended' = 'login';
  #backlog: OfflineBacklog | null = null;

  constructor(connection: Connection, device: LinkedDevice, context: SessionContext) {
    this.connection = connection;
    this.#device = device;
    this.#context = context;
    const before = device.session;
    before?.connection.send(conflict('replaced'));
    before?.connection.close();
    device.session = this;
    connection.send({
      tag: 'success',
      attrs: { t: String(seconds(context.clock.now())), lid: device.lid, props: '1', location: 'simulator' },
    });
  }

  /** Sends a message on, unless the backlog, of which it is then a part, has not gone out yet. */
  deliver(stanza: BinaryNode): void {
    if (this.#phase === 'active') this.#sendMessage(stanza, false);
  }

  answer(stanza: BinaryNode, by: LateAnswer): void {
    if (by === 'receipt') this.#sendReceipt(stanza, null);
    else this.#acknowledge(stanza, 'message', by === 'refusal' ? { error: '479' } : {});
  }

  received(stanza: BinaryNode): void {
    switch (stanza.tag) {
      case 'iq':
        if (stanza.attrs['type'] !== 'result') void this.#answerQuery(stanza);
        return;
      case 'receipt':
        this.#acknowledge(stanza, 'receipt');
        this.#after(this.#device.account.receiptDelayMs, () => this.#receipt(stanza));
        return;
      case 'ack':
        if (stanza.attrs['class'] === 'message') this.#refused(stanza);
        return;
      case 'chatstate':
        this.#typing(stanza);
        return;
      case 'message':
        this.#takeBotMessage(stanza);
        return;
    }
  }

  closed(): void {
    this.#phase = 'ended';
    this.#backlog?.close();
    for (const timer of this.#delayed) timer.cancel();
    if (this.#device.session === this) this.#device.session = null;
    this.#context.events.append({ type: 'disconnect', ...this.#who });
  }

  get #who() {
    return { bot: this.#device.account.identity.phone, device: this.#device.jid };
  }

  get #isOver(): boolean {
    return this.#phase === 'ended';
  }

  async #answerQuery(iq: BinaryNode): Promise<void> {
    const { directory, events, log } = this.#context;
    try {
      this.connection.send(await answerQuery(iq, { device: this.#device, directory, events }));
      // Bots ask for their messages by becoming active, once their keys are uploaded.
      if (getBinaryNodeChild(iq, 'active') && this.#phase === 'login') this.#deliverBacklog();
    } catch (err) {
      log.warn({ err, xmlns: iq.attrs['xmlns'] }, 'a query of a bot could not be answered');
      this.connection.drop();
    }
  }

  #deliverBacklog(): void {
    this.#phase = 'active';
    const stanzas = this.#device.mailbox.redeliver();
    this.#context.events.append({ type: 'login', ...this.#who, backlog: stanzas.length });
    for (const stanza of stanzas) this.#sendMessage(stanza, true);
    this.#backlog = new OfflineBacklog(stanzas, this.#context.clock, () => this.#markEnd(stanzas.length));
    this.#backlog.endIfAnswered();
  }

  #markEnd(count: number): void {
    this.connection.send({
      tag: 'ib',
      attrs: { from: S_WHATSAPP_NET },
      content: [{ tag: 'offline', attrs: { count: String(count) } }],
    });
  }

  #sendMessage(stanza: BinaryNode, offline: boolean): void {
    const { chat, id } = referenceOf(stanza);
    this.#context.events.append({ type: 'delivered', ...this.#who, chat, messageId: id, offline });
    this.connection.send(offline ? { ...stanza, attrs: { ...stanza.attrs, offline: '0' } } : stanza);
    this.#askForPreKeys();
  }

  #askForPreKeys(): void {
    const { count } = this.#device.preKeys;
    if (count >= FEW_PRE_KEYS) return;
    this.connection.send({
      tag: 'notification',
      attrs: { from: S_WHATSAPP_NET, type: 'encrypt', id: 'few-pre-keys' },
      content: [{ tag: 'count', attrs: { value: String(count) } }],
    });
  }

  /** Not at all when the session ends first. */
  #after(delayMs: number, take: () => void): void {
    if (delayMs === 0) {
      take();
      return;
    }
    const timer = this.#context.clock.schedule(delayMs, () => {
      this.#delayed.delete(timer);
      take();
    });
    this.#delayed.add(timer);
  }

  #receipt(receipt: BinaryNode): void {
    const { attrs } = receipt;
    if (attrs['type'] === 'server-error') {
      this.#reupload(receipt);
      return;
    }
    if (attrs['type'] === 'retry') {
      void this.#retry(receipt);
      return;
    }
    const { chat, participant, id: firstId } = referenceOf(receipt);
    const more = getBinaryNodeChildren(getBinaryNodeChild(receipt, 'list'), 'item');
    for (const id of [firstId, ...more.map((item) => item.attrs['id'] ?? '')]) {
      this.#device.mailbox.receive({ chat, participant, id });
      const kind = attrs['type'] ?? 'delivered';
      this.#context.events.append({ type: 'receipt', ...this.#who, chat, messageId: id, kind });
      this.#backlog?.answered({ chat, participant, id });
    }
  }

  async #retry(receipt: BinaryNode): Promise<void> {
    const { mailbox } = this.#device;
    const reference = referenceOf(receipt);
    const decision = mailbox.retry(reference);
    this.#backlog?.answered(reference);
    if (decision.kind === 'unknown') return;
    const { events, log } = this.#context;
    const { attempt } = decision;
    const about = { ...this.#who, chat: reference.chat, messageId: reference.id };
    events.append({ type: 'retry', ...about, attempt, granted: decision.kind === 'granted' });
    if (decision.kind === 'exhausted') return;
    try {
      const stanza = await decision.envelope.reseal(receipt, attempt);
      if (!this.#isOver && mailbox.replace(stanza)) this.#sendMessage(stanza, false);
    } catch (err) {
      log.warn({ err }, 'a message could not be encrypted anew');
    }
  }

  #typing(chatstate: BinaryNode): void {
    const [state] = Array.isArray(chatstate.content) ? chatstate.content : [];
    const { bot } = this.#who;
    const chat = chatstate.attrs['to'] ?? '';
    this.#context.events.append({ type: 'typing', bot, chat, state: state?.tag ?? '' });
  }

  #refused(ack: BinaryNode): void {
    const reference = referenceOf(ack);
    const { chat, id } = reference;
    if (this.#device.mailbox.refuse(reference)) {
      const code = ack.attrs['error'] ?? null;
      this.#context.events.append({ type: 'refused', ...this.#who, chat, messageId: id, code });
    }
    this.#backlog?.answered(reference);
  }

  #reupload(request: BinaryNode): void {
    const { account } = this.#device;
    const { events, reuploads } = this.#context;
    const about = {
      type: 'reupload',
      bot: account.identity.phone,
      messageId: request.attrs['id'] ?? '',
    } as const;
    const answer = account.phoneOnline ? answerReuploadRequest(request, account, reuploads) : null;
    events.append({ ...about, outcome: answer?.outcome ?? 'unanswered' });
    if (answer) this.#after(account.reuploadDelayMs, () => this.connection.send(answer.notification));
  }

  #takeBotMessage(stanza: BinaryNode): void {
    if (stanza.attrs['category'] === 'peer') {
      this.#acknowledge(stanza, 'message');
      this.#context.events.append({ type: 'phone_asked', ...this.#who });
      return;
    }
    const fault = this.#device.account.outgoingFault;
    if (fault === null) this.#acknowledge(stanza, 'message');
    if (fault === 'unanswered') this.#device.unanswered.push(stanza);
    if (fault === null || fault === 'unanswered') {
      void this.#reading.add(() => this.#readBotMessage(stanza));
      return;
    }
    const code = fault === 'lost' ? null : fault;
    if (code !== null) this.#acknowledge(stanza, 'message', { error: String(code) });
    const { to: chat = '', id: messageId = '' } = stanza.attrs;
    this.#context.events.append({ type: 'not_taken', ...this.#who, chat, messageId, code });
  }

  async #readBotMessage(stanza: BinaryNode): Promise<void> {
    for (const parcel of parcelsOf(stanza, this.#device, this.#context.directory)) {
      await this.#readParcel(stanza, parcel);
    }
  }

  async #readParcel(stanza: BinaryNode, parcel: Parcel): Promise<void> {
    const { attrs } = stanza;
    const chat = attrs['to'] ?? '';
    const messageId = attrs['id'] ?? '';
    const read = await readParcel(parcel, this.#device, chat);
    const { reader } = parcel;
    const { events } = this.#context;
    events.append({ type: 'bot_message', ...this.#who, chat, messageId, reader: reader.name, ...read });
    if (!read.decrypted || this.#device.unanswered.includes(stanza)) return;
    const group = isJidGroup(chat) ? this.#context.directory.groupOf(chat) : null;
    this.#sendReceipt(stanza, group ? addressOf(reader.identity, group.addressing) : null);
  }

  #sendReceipt({ attrs }: BinaryNode, participant: string | null): void {
    this.connection.send({
      tag: 'receipt',
      attrs: {
        id: attrs['id'] ?? '',
        from: attrs['to'] ?? '',
        t: String(seconds(this.#context.clock.now())),
        ...(participant && { participant }),
      },
    });
  }

  /** Tells the bot that its stanza is at WhatsApp, or what is wrong with it. */
  #acknowledge(
    { attrs }: BinaryNode,
    kind: 'message' | 'receipt',
    outcome: { readonly error?: string } = {},
  ): void {
    this.connection.send({
      tag: 'ack',
      attrs: {
        class: kind,
        id: attrs['id'] ?? '',
        from: attrs['to'] ?? S_WHATSAPP_NET,
        t: String(seconds(this.#context.clock.now())),
        ...(attrs['type'] && { type: attrs['type'] }),
        ...(attrs['participant'] && { participant: attrs['participant'] }),
        ...outcome,
      },
    });
  }
}

const seconds = (ms: number): number => Math.floor(ms / 1_000);
