import type { Receipt } from '../actors/chat-protocol.ts';
import type { MimeTypeOf } from '../actors/inbound.ts';
import type { Clock } from '../base/clock.ts';
import type { Guid } from '../base/ids.ts';
import type { Logger } from '../base/log.ts';
import { keepsFile } from '../jobs/evidence.ts';
import { needsFile } from '../jobs/janitor-rules.ts';
import type { RouteToPool } from '../jobs/pools.ts';
import type { MediaCorruptFrame, MediaStagedFrame } from '../protocol/frames.ts';
import { corruptMimeType } from '../queue/media-kind.ts';
import type { JobStore } from '../store/job-store.ts';
import type { StagedMedia } from '../store/message-store.ts';
import type { WorkStore } from '../store/work-store.ts';
import type { OpenLink } from './links/gateway-link.ts';

export interface MediaArrivalsOptions {
  readonly store: Pick<JobStore, 'stage'> & Pick<WorkStore, 'jobByGuid'>;
  readonly routeToPool: RouteToPool;
  readonly mimeTypeOf: MimeTypeOf;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What becomes of the files that gateways announce, fetch, and let go of. See G2…G4 at `Ingress`.
 */
export class MediaArrivals {
  readonly #options: MediaArrivalsOptions;
  /** Announcements that are not on the disk, by GUID; one that failed stays until it comes again. */
  readonly #announcing = new Map<Guid, Promise<Receipt>>();

  constructor(options: MediaArrivalsOptions) {
    this.#options = options;
  }

  /** Resolves as `accepting` does, the acceptance of the message that announces `guid`. */
  async announced(guid: Guid, accepting: Promise<Receipt>): Promise<Receipt> {
    this.#announcing.set(guid, accepting);
    const receipt = await accepting;
    // It may have been announced once more, over a newer link.
    if (this.#announcing.get(guid) === accepting) this.#announcing.delete(guid);
    return receipt;
  }

  /**
   * The second copy of a message may come with a file of its own; the first copy's file must stay. Of a medium that is
   * one too many, the download stops.
   */
  async releaseUnlessNeeded(link: OpenLink, guid: Guid): Promise<void> {
    const job = await this.#options.store.jobByGuid(guid);
    if (job === null || !(needsFile(job) || keepsFile(job.error)))
      link.send({ type: 'media.released', guid });
  }

  /** The file is there, or is known never to come. */
  async arrived(link: OpenLink, frame: MediaStagedFrame | MediaCorruptFrame): Promise<void> {
    const { store, clock, log } = this.#options;
    const { guid } = frame;
    await this.#announcing.get(guid);
    const job = await store.jobByGuid(guid);
    const isOurs = job?.media.gatewayId === link.gatewayId;
    const media = isOurs ? await this.#describe(link, frame) : null;
    const outcome = media === null ? 'unknown' : await store.stage(guid, media, clock.now());
    if (media === null || outcome === 'unknown') link.send({ type: 'media.released', guid });
    log.info(
      { guid, bot_id: job?.correspondent.botId ?? null, type: frame.type, pool: media?.pool ?? null },
      `medium ${outcome}`,
    );
  }

  async #describe(
    { gatewayId }: OpenLink,
    frame: MediaStagedFrame | MediaCorruptFrame,
  ): Promise<StagedMedia> {
    const { routeToPool, mimeTypeOf } = this.#options;
    if (frame.type === 'media.corrupt') {
      const mimeType = corruptMimeType(frame.media_kind);
      const { quota_exceeded: quotaExceeded, reason: corruptReason } = frame;
      const media = { bytes: null, sha256: null, quotaExceeded, corruptReason, gatewayId };
      return { mimeType, pool: routeToPool(mimeType).name, media };
    }
    const mimeType = await mimeTypeOf(frame.guid, frame.mime_type, gatewayId);
    const { bytes, sha256 } = frame;
    const media = { bytes, sha256, quotaExceeded: false, corruptReason: null, gatewayId };
    return { mimeType, pool: routeToPool(mimeType).name, media };
  }
}
