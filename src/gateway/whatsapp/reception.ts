import type { BinaryNode, proto } from '@whiskeysockets/baileys';
import { describeError } from '../../base/errors.ts';
import { traceOf } from '../../base/trace.ts';
import type { Logger } from '../../base/log.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { isMessage, type ReceivedMessage, type ReceivedStanza } from '../received.ts';
import type { AuthState } from './auth-state.ts';
import { withoutAddresses } from './baileys-log.ts';
import { boundedName } from './bounds.ts';
import type { Account, StanzaAttributes } from './identity.ts';
import { interpret, interpretMessage } from './interpret.ts';
import { attributesOf } from './kept-message.ts';
import type { Journaling } from './journaling-signal.ts';
import { textInPlaceOf, UNDECRYPTABLE_TEXT, withoutContent } from './missing-content.ts';
import { withOtherAddress } from './other-address.ts';
import { resentStanzas } from './resent.ts';
import type { SessionMemory } from './session-memory.ts';
import { Stanzas } from './stanzas.ts';

const REMEMBERED_QUESTIONS = 10_000;

export interface ReceptionOptions {
  readonly botId: string;
  readonly auth: AuthState;
  readonly memory: SessionMemory;
  readonly log: Logger;
  /** As the account is now: pairing makes it known. */
  readonly account: () => Account;
  /** Asks WhatsApp what a group is called. */
  readonly askGroupName: (jid: string) => Promise<string>;
  /** New messages are durable. */
  readonly received: () => void;
}

/**
 * What one connection makes of the stanzas that come over it.
 *   P1 A stanza that comes without content is remembered durably before Baileys sees it, hence before its receipt.
 *      One whose content decrypts to no message is as good as that: Baileys asks for another copy of it.
 *   P2 Nothing waits for a group's name: until WhatsApp has told it, messages go without. It is asked for once.
 */
export class Reception implements Journaling {
  readonly stanzas = new Stanzas();
  readonly #options: ReceptionOptions;
  readonly #askedNames = new RecentMap<string, true>(REMEMBERED_QUESTIONS);

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /** Takes note of a `<message>` stanza, before anybody else. Rejects, having ended the connection, when the storage fails. */
  async arrived(stanza: BinaryNode): Promise<void> {
    const asSent = { ...stanza.attrs };
    if (this.stanzas.note(stanza, asSent)) return;
    const text = textInPlaceOf(stanza);
    if (text === null) return;
    const attributes = await this.#addressed(asSent);
    this.#options.memory.awaited.set(attributes['id'] ?? '', attributes);
    await this.#expect(attributes, text);
  }

  received(messages: readonly ReceivedMessage[]): void {
    const { botId, log, received } = this.#options;
    for (const { key, media } of messages) {
      log.info({ trace: traceOf(botId, key.id), media: media?.kind ?? null }, 'message journalled');
    }
    received();
  }

  async interpret(asSent: StanzaAttributes, plaintext: Uint8Array): Promise<readonly ReceivedStanza[]> {
    const account = this.#options.account();
    const attributes = await this.#addressed(asSent);
    const interpretation = interpret(attributes, plaintext, account);
    if (interpretation.kind === 'message') return [this.#welcomed(interpretation.received)];
    if (interpretation.why === 'malformed') {
      this.#options.log.warn({}, 'a message decrypts to nothing that can be read; another copy is asked for');
      await this.#expect(attributes, UNDECRYPTABLE_TEXT);
      return [];
    }
    this.#options.log.debug({ why: interpretation.why }, 'stanza ignored');
    if (interpretation.kind === 'silent') return [interpretation.received];
    return resentStanzas(attributes, plaintext, account, this.#options.memory.awaited).map((stanza) =>
      isMessage(stanza) ? this.#welcomed(stanza) : stanza,
    );
  }

  /** What a message that the phone keeps of former days brings, as if it had come while the bot was away. */
  async interpretKept(info: proto.IWebMessageInfo): Promise<readonly ReceivedStanza[]> {
    const account = this.#options.account();
    const attributes = await this.#addressed({ ...attributesOf(info, account), offline: '0' });
    const interpretation = interpretMessage(attributes, info.message ?? {}, account);
    if (interpretation.kind === 'message') return [this.#welcomed(interpretation.received)];
    return interpretation.kind === 'silent' ? [interpretation.received] : [];
  }

  async expectContent(asSent: StanzaAttributes): Promise<void> {
    try {
      await this.#expect(await this.#addressed(asSent), UNDECRYPTABLE_TEXT);
    } catch {
      // A failure has ended the connection; there is nobody else to tell.
    }
  }

  /** WhatsApp says, asked or not, what a group is called now. */
  learnGroupName(jid: string, subject: string): void {
    const name = boundedName(subject);
    if (name !== null) this.#options.memory.groupNames.set(jid, name);
  }

  #addressed(attributes: StanzaAttributes): Promise<StanzaAttributes> {
    return withOtherAddress(attributes, this.#options.account(), this.#options.auth.keys);
  }

  async #expect(attributes: StanzaAttributes, text: string): Promise<void> {
    const message = withoutContent(attributes, text, this.#options.account());
    if (message === null) return;
    await this.#options.auth.expectContent({ ...message, wire: this.#withGroupName(message.wire) });
  }

  #welcomed(message: ReceivedMessage): ReceivedMessage {
    return { ...message, wire: this.#withGroupName(message.wire) };
  }

  #withGroupName<W extends Pick<ReceivedMessage['wire'], 'group'>>(wire: W): W {
    const { group } = wire;
    if (group === undefined) return wire;
    const name = this.#options.memory.groupNames.get(group.id);
    if (name !== undefined) return { ...wire, group: { ...group, name } };
    void this.#askName(group.id);
    return wire;
  }

  async #askName(jid: string): Promise<void> {
    if (this.#askedNames.get(jid)) return;
    this.#askedNames.set(jid, true);
    try {
      this.learnGroupName(jid, await this.#options.askGroupName(jid));
    } catch (error) {
      const reason = withoutAddresses(describeError(error));
      this.#options.log.debug({ reason }, 'a group goes without a name until WhatsApp tells it');
    }
  }
}
