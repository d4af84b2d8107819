import type { BotProtocol } from '../actors/bot.ts';
import type { ActorRef } from '../actors/kit/actor.ts';
import type { Clock } from '../base/clock.ts';
import { hasCode } from '../base/errors.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { decideMimeType, MEDIA_HEAD_BYTES } from '../jobs/media-type.ts';
import type { RouteToPool } from '../jobs/pools.ts';
import type {
  BackendFrameBody,
  DurableFrame,
  InboundFrame,
  MediaCorruptFrame,
  MediaStagedFrame,
} from '../protocol/frames.ts';
import { corruptMimeType } from '../queue/media-kind.ts';
import type { StagingFolder } from '../staging/staging-folder.ts';
import type { StagedMedia, Store } from '../store/store.ts';
import type { BotSettings } from './config.ts';
import type { FrameVerdict, GatewayLink, LinkHandler } from './gateway-link.ts';

export interface IngressOptions {
  readonly store: Store;
  readonly staging: StagingFolder;
  readonly bots: ReadonlyMap<string, { readonly settings: BotSettings; readonly ref: ActorRef<BotProtocol> }>;
  readonly routeToPool: RouteToPool;
  readonly wakePool: (pool: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

const ACK: FrameVerdict = { kind: 'ack' };

/**
 * What the gateways' frames do.
 *   G1 Frames of one bot reach its actor in the order in which they came.
 *   G2 `media.staged` and `media.corrupt` take effect after the `inbound` that announced their GUID.
 *   G3 A gateway speaks for its own bots alone; of two links of one gateway the newer one counts.
 */
export class Ingress implements LinkHandler {
  readonly #options: IngressOptions;
  readonly #links = new Map<string, GatewayLink>();
  /** Announcements on their way to the disk, by GUID. */
  readonly #announcing = new Map<Guid, Promise<unknown>>();

  constructor(options: IngressOptions) {
    this.#options = options;
  }

  opened(link: GatewayLink, botIds: readonly string[]): void {
    this.#links.get(link.gatewayId)?.close(1000, 'the gateway dialled again');
    this.#links.set(link.gatewayId, link);
    for (const botId of botIds) {
      if (!this.#owns(link, botId))
        link.send({ type: 'error', code: 'unknown_bot', reason: unknownBot(botId) });
    }
    for (const { settings } of this.#options.bots.values()) {
      if (settings.gateway !== link.gatewayId) continue;
      const config = { media_storage_quota_gb: settings.mediaStorageQuotaGb, groups: settings.groups };
      link.send({ type: 'bot.start', bot_id: settings.id, config });
    }
  }

  closed(link: GatewayLink): void {
    if (this.#links.get(link.gatewayId) !== link) return;
    this.#links.delete(link.gatewayId);
    for (const { settings, ref } of this.#options.bots.values()) {
      if (settings.gateway === link.gatewayId) ref.tell('linkLost', undefined);
    }
  }

  status: LinkHandler['status'] = (link, { bot_id, state, qr, detail }) => {
    const bot = this.#owns(link, bot_id);
    if (bot === undefined) {
      return link.send({ type: 'error', code: 'unknown_bot', reason: unknownBot(bot_id) });
    }
    bot.ref.tell('status', { state, qr: qr ?? null, detail: detail ?? null });
  };

  held(link: GatewayLink, guids: readonly string[]): void {
    this.#options.log.debug({ gateway_id: link.gatewayId, guids: guids.length }, 'media held by the gateway');
  }

  async durable(link: GatewayLink, frame: DurableFrame): Promise<FrameVerdict> {
    switch (frame.type) {
      case 'inbound':
        return this.#inbound(link, frame);
      case 'media.staged':
      case 'media.corrupt':
        return this.#staged(link, frame);
      case 'sent':
      case 'send.failed':
        return ACK;
    }
  }

  /** Tells a gateway that a file is not needed any more; one that is away finds out when it reconciles. */
  released(gatewayId: string, guid: Guid): void {
    this.send(gatewayId, { type: 'media.released', guid });
  }

  send(gatewayId: string, frame: BackendFrameBody): boolean {
    const link = this.#links.get(gatewayId);
    link?.send(frame);
    return link !== undefined;
  }

  async #inbound(link: GatewayLink, frame: InboundFrame): Promise<FrameVerdict> {
    const bot = this.#owns(link, frame.bot_id);
    if (bot === undefined) return { kind: 'error', code: 'unknown_bot', reason: unknownBot(frame.bot_id) };
    const accepted = bot.ref.ask('inbound', { frame, link });
    const guid = frame.message.media_processing_id;
    if (guid !== undefined) this.#announcing.set(guid, accepted);
    try {
      await accepted;
      return ACK;
    } finally {
      if (guid !== undefined) this.#announcing.delete(guid);
    }
  }

  async #staged(link: GatewayLink, frame: MediaStagedFrame | MediaCorruptFrame): Promise<FrameVerdict> {
    const { store, wakePool, clock } = this.#options;
    await this.#announcing.get(frame.guid);
    const media = await this.#describe(link, frame);
    const outcome = await store.stage(frame.guid, media, clock.now());
    if (outcome === 'pending') wakePool(media.pool);
    if (outcome === 'unknown') link.send({ type: 'media.released', guid: frame.guid });
    return ACK;
  }

  async #describe(link: GatewayLink, frame: MediaStagedFrame | MediaCorruptFrame): Promise<StagedMedia> {
    const { routeToPool } = this.#options;
    const { gatewayId } = link;
    if (frame.type === 'media.corrupt') {
      const mimeType = corruptMimeType(frame.media_kind);
      const { quota_exceeded: quotaExceeded, reason: corruptReason } = frame;
      const media = { bytes: null, sha256: null, quotaExceeded, corruptReason, gatewayId };
      return { mimeType, pool: routeToPool(mimeType).name, media };
    }
    const mimeType = decideMimeType(frame.mime_type, await this.#head(frame.guid));
    const { bytes, sha256 } = frame;
    const media = { bytes, sha256, quotaExceeded: false, corruptReason: null, gatewayId };
    return { mimeType, pool: routeToPool(mimeType).name, media };
  }

  /** A file that is not there is the processor's to report: the sender's word stands. */
  async #head(guid: Guid): Promise<Uint8Array> {
    try {
      return await this.#options.staging.readHead(guid, MEDIA_HEAD_BYTES);
    } catch (error) {
      if (!hasCode(error, 'not_found')) throw error;
      this.#options.log.warn(
        { guid },
        'a staged file is not in the staging folder: is the same folder mounted?',
      );
      return new Uint8Array();
    }
  }

  #owns(link: GatewayLink, botId: string) {
    const bot = this.#options.bots.get(botId);
    return bot?.settings.gateway === link.gatewayId ? bot : undefined;
  }
}

const unknownBot = (botId: string): string =>
  `bot ${botId} is not this gateway's: name the gateway in the backend's configuration`;
