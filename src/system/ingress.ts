import PQueue from 'p-queue';
import { failsForGood, metBug } from '../actors/frame-link.ts';
import { describeError, DragomanError } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import { canonicalAddress } from '../protocol/address.ts';
import type {
  AnswerFrame,
  DurableFrame,
  GatewayFrame,
  InboundFrame,
  SendDeclinedFrame,
} from '../protocol/frames.ts';
import type { ChatStore } from '../store/chat-store.ts';
import { unknownBot } from './administration/known-names.ts';
import { type ErrorFrame, notItsOwn, startOf, stopOf } from './bot-frames.ts';
import { chatsMeantBy } from './chats-meant.ts';
import { FrameTries } from './frame-tries.ts';
import { GatewayQuestions, type Question } from './gateway-questions.ts';
import type { FrameVerdict, LinkHandler, OpenLink } from './links/gateway-link.ts';
import { MediaArrivals, type MediaArrivalsOptions } from './media-arrivals.ts';
import { Outbox, type SendRequest, type SendResult } from './outbox.ts';
import type { BotCommands, RunningBot } from './running-bot.ts';

export interface IngressOptions extends MediaArrivalsOptions {
  readonly store: MediaArrivalsOptions['store'] & Pick<ChatStore, 'chatsNamed'>;
  readonly bots: ReadonlyMap<string, RunningBot>;
  /** Bots that are none any more, each with the gateway that had it. */
  readonly removedBots: ReadonlyMap<string, string>;
  /** Told of each gateway that is connected from now on. */
  readonly gatewayCame: () => void;
}

const ACK: FrameVerdict = { kind: 'ack' };
const LIES: FrameVerdict = {
  kind: 'error',
  code: 'actor_failed',
  reason: 'it has met a bug several times, and lies for a while',
};

/**
 * What the gateways' frames do.
 *   G1 Frames of one bot reach its actor in the order in which they came.
 *   G2 `media.staged` and `media.corrupt` take effect after the `inbound` that announced their GUID.
 *   G3 A gateway speaks for its own bots and media alone; of two links of one gateway the newer one counts.
 *   G4 A gateway is told to release only a file that no job needs.
 *   G5 A frame that fails for good holds nothing else back: the gateway keeps it and sends it over its next link. Of
 *      its chat, what comes behind it does the same, unless the failure has passed.
 *   G6 A frame that meets a bug again and again holds nothing else back either: it is tried three times in its place.
 */
export class Ingress implements LinkHandler, BotCommands {
  readonly #options: IngressOptions;
  readonly #links = new Map<string, OpenLink>();
  readonly #outbox: Outbox;
  /** Texts go out in the order in which they were asked for. */
  readonly #naming = new PQueue({ concurrency: 1 });
  readonly #questions: GatewayQuestions;
  readonly #tries: FrameTries;
  readonly #media: MediaArrivals;

  constructor(options: IngressOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.clock, (...chats) => this.#isSameChat(...chats));
    this.#questions = new GatewayQuestions(options.clock);
    this.#tries = new FrameTries(options.clock);
    this.#media = new MediaArrivals(options);
  }

  opened(link: OpenLink, botIds: readonly string[]): void {
    const older = this.#links.get(link.gatewayId);
    if (older !== undefined) {
      this.closed(older);
      older.close('the gateway dialled again');
    }
    this.#links.set(link.gatewayId, link);
    for (const botId of botIds) this.#disown(link, botId);
    for (const bot of this.#botsOf(link.gatewayId)) link.send(bot.wish.stopped ? stopOf(bot) : startOf(bot));
    this.#outbox.opened(link, (botId) => this.#botOf(link, botId) !== null);
    this.#options.gatewayCame();
  }

  startBot(bot: RunningBot): void {
    this.#links.get(bot.settings.gateway)?.send(startOf(bot));
  }

  stopBot(bot: RunningBot, forget: boolean): void {
    this.#links.get(bot.settings.gateway)?.send({ ...stopOf(bot), ...(forget && { forget }) });
  }

  closed(link: OpenLink): void {
    this.#questions.closed(link);
    if (this.#links.get(link.gatewayId) !== link) return;
    this.#links.delete(link.gatewayId);
    for (const { ref } of this.#botsOf(link.gatewayId)) ref.tell('linkLost', undefined);
  }

  async status(
    link: OpenLink,
    { bot_id: botId, state, qr, detail }: Extract<GatewayFrame, { type: 'bot.status' }>,
  ): Promise<void> {
    const bot = this.#botOf(link, botId);
    if (bot === null) return this.#disown(link, botId);
    try {
      await bot.ref.ask('status', { state, qr: qr ?? null, detail: detail ?? null });
    } catch (error) {
      this.#options.log.warn(
        { bot_id: botId, reason: describeError(error) },
        'a bot did not hear its status',
      );
    }
  }

  answered(link: OpenLink, frame: AnswerFrame | SendDeclinedFrame): void {
    if (frame.type !== 'send.declined') return this.#questions.answered(link, frame);
    if (this.#botOf(link, frame.bot_id) !== null) this.#outbox.declined(frame);
  }

  async durable(link: OpenLink, frame: DurableFrame): Promise<FrameVerdict> {
    const { gatewayId } = link;
    const { seq, type } = frame;
    const turn = this.#tries.turnOf(gatewayId, seq);
    if (turn === 'lies') return LIES;
    const isLastTry = turn === 'last';
    try {
      const verdict = await this.#durable(link, frame, isLastTry);
      this.#tries.wentWell(gatewayId, seq);
      return verdict;
    } catch (error) {
      if (metBug(error)) this.#tries.failed(gatewayId, seq);
      if (!failsForGood(error, isLastTry)) throw error;
      const code = error instanceof DragomanError ? error.code : 'actor_failed';
      const reason = describeError(error);
      this.#options.log.error({ gateway_id: gatewayId, seq, type, code, reason }, 'a frame fails for good');
      return { kind: 'error', code, reason };
    }
  }

  async #durable(link: OpenLink, frame: DurableFrame, isLastTry: boolean): Promise<FrameVerdict> {
    switch (frame.type) {
      case 'inbound':
        return this.#inbound(link, frame, isLastTry);
      case 'media.staged':
      case 'media.corrupt':
        await this.#media.arrived(link, frame);
        return ACK;
      case 'sent':
      case 'send.failed':
        if (this.#botOf(link, frame.bot_id) === null) return this.#refusal(link, frame.bot_id);
        this.#outbox.answered(frame);
        return ACK;
    }
  }

  /** Has a text sent by the bot's gateway. Never rejects. */
  async send(request: SendRequest): Promise<SendResult> {
    const bot = this.#options.bots.get(request.botId);
    const { botId, to: written, requestId = '' } = request;
    if (bot === undefined) {
      const { message: reason } = unknownBot(botId, this.#options.bots.keys());
      return { kind: 'failed', requestId, code: 'unknown_bot', reason };
    }
    const to =
      canonicalAddress(written) === written
        ? written
        : await this.#naming.add(() => this.#nameOf(botId, written));
    return this.#outbox.send({ ...request, to }, this.#links.get(bot.settings.gateway) ?? null);
  }

  /** The gateways that are connected. */
  linkedGateways(): readonly string[] {
    return [...this.#links.keys()];
  }

  /** What a gateway answers; null: it is not connected, or does not say. */
  async ask<Type extends AnswerFrame['type']>(
    gatewayId: string,
    question: Question,
    expected: Type,
  ): Promise<Extract<AnswerFrame, { type: Type }> | null> {
    const link = this.#links.get(gatewayId);
    return link === undefined ? null : this.#questions.ask(link, question, expected);
  }

  /** Whether a gateway is connected. */
  isLinked(gatewayId: string): boolean {
    return this.#links.has(gatewayId);
  }

  /** Answers what no gateway has answered yet. */
  closeOutbox(): void {
    this.#outbox.close();
  }

  /** Tells a gateway that a file is not needed any more; one that is away finds out when it reconciles. */
  released(gatewayId: string, guid: Guid): void {
    this.#links.get(gatewayId)?.send({ type: 'media.released', guid });
  }

  async #nameOf(botId: string, written: string): Promise<string> {
    const { store, log } = this.#options;
    try {
      return (await chatsMeantBy(store, botId, written)).identifier;
    } catch (error) {
      log.error({ bot_id: botId, reason: describeError(error) }, 'which chat is meant cannot be read');
      return canonicalAddress(written);
    }
  }

  async #isSameChat(botId: string, one: string, other: string): Promise<boolean> {
    const { store, log } = this.#options;
    try {
      const [chats, others] = await Promise.all([
        store.chatsNamed(botId, one),
        store.chatsNamed(botId, other),
      ]);
      const known = chats.at(-1)?.correspondentId;
      return known !== undefined && known === others.at(-1)?.correspondentId;
    } catch (error) {
      log.error({ bot_id: botId, reason: describeError(error) }, 'whether two chats are one cannot be read');
      return false;
    }
  }

  async #inbound(link: OpenLink, frame: InboundFrame, isLastTry: boolean): Promise<FrameVerdict> {
    const bot = this.#botOf(link, frame.bot_id);
    if (bot === null) return this.#refusal(link, frame.bot_id);
    const accepting = bot.ref.ask('inbound', { frame, link, isLastTry });
    const guid = frame.message.media_processing_id;
    const receipt = await (guid === undefined ? accepting : this.#media.announced(guid, accepting));
    if (receipt === 'refused') {
      return { kind: 'nack', code: 'frame_invalid', reason: 'media_processing_id: it is another message’s' };
    }
    if (receipt !== 'accepted' && guid !== undefined) await this.#media.releaseUnlessNeeded(link, guid);
    return ACK;
  }

  #botOf(link: OpenLink, botId: string): RunningBot | null {
    const bot = this.#options.bots.get(botId);
    return bot?.settings.gateway === link.gatewayId ? bot : null;
  }

  /** Tells a gateway that a bot is not its own, if so: what was removed goes, what nobody knows waits. */
  #disown(link: OpenLink, botId: string): void {
    if (this.#botOf(link, botId) !== null) return;
    if (this.#wasRemovedFrom(link, botId)) link.send({ type: 'bot.stop', bot_id: botId, forget: true });
    else link.send(notItsOwn(botId));
  }

  /** What comes of a removed bot's frame: nobody will ever take it, unless a bot of its name is added. */
  #refusal(link: OpenLink, botId: string): FrameVerdict {
    if (!this.#wasRemovedFrom(link, botId)) return asVerdict(notItsOwn(botId));
    return { kind: 'nack', code: 'unknown_bot', reason: `bot ${botId} was removed` };
  }

  #wasRemovedFrom({ gatewayId }: OpenLink, botId: string): boolean {
    return this.#options.removedBots.get(botId) === gatewayId;
  }

  #botsOf(gatewayId: string): readonly RunningBot[] {
    return [...this.#options.bots.values()].filter(({ settings }) => settings.gateway === gatewayId);
  }
}

const asVerdict = ({ code, reason }: ErrorFrame): FrameVerdict => ({ kind: 'error', code, reason });
