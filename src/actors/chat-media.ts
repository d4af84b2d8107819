import type { Guid } from '../base/ids.ts';
import type { CorrespondentKey } from '../jobs/job.ts';
import { isPlaceholder, type Placeholder } from '../queue/message.ts';
import type { ClaimedSettleOutcome } from '../store/message-store.ts';
import type { Outcome, RetryOutcome } from './chat-protocol.ts';
import { type ChatQueue, evictedIdsOf } from './chat-queue.ts';
import type { ChatServices } from './chat-services.ts';
import { correctedBy, retryDraft } from './retried.ts';

/** What becomes of one chat's placeholders: they are settled, given another try, put back when the journal lost them. */
export class ChatMedia {
  readonly #key: CorrespondentKey;
  readonly #services: ChatServices;
  readonly #queue: ChatQueue;

  constructor(key: CorrespondentKey, services: ChatServices, queue: ChatQueue) {
    this.#key = key;
    this.#services = services;
    this.#queue = queue;
  }

  async settle(outcome: Outcome): Promise<ClaimedSettleOutcome> {
    try {
      return await this.#settle(outcome);
    } catch (error) {
      // Its job went with the chat.
      if (this.#queue.isGone) return 'gone';
      throw error;
    }
  }

  async #settle(result: Outcome): Promise<ClaimedSettleOutcome> {
    const { guid, place, words, error, times, claim } = result;
    const { store } = this.#services;
    const { queue, plan } = await this.#queue.plan((present, now) =>
      present.planFulfil(guid, words, now, times ?? null),
    );
    if (plan === null) return claim === undefined ? this.#settleMissing(result) : 'gone';
    // It was settled before, and its job, which failed, is being retried: that try has an outcome of its own.
    if (place !== undefined && plan.placeholder.id !== place) return 'gone';
    const { message } = plan;
    const settlement = {
      correspondent: this.#key,
      guid,
      message,
      evictedIds: evictedIdsOf(plan),
      error,
    };
    const outcome = await this.#queue.durably(() =>
      claim === undefined
        ? store.settle(settlement)
        : store.completeAndSettle({
            ...settlement,
            claimToken: claim.token,
            words,
            completedAt: claim.completedAt,
          }),
    );
    if (outcome === 'gone') this.#queue.forget();
    if (outcome !== 'settled') return outcome;
    const failed = error !== null;
    this.#queue.apply({ queue, plan }, { kind: 'fulfilled', chat: this.#key, guid, message, failed });
    return 'settled';
  }

  /**
   * Of a placeholder that is not here. Mostly it was settled before, and its job went with it. A job that lives tells that
   * the journal has lost it: so it is put back first, unless its place is another's.
   */
  async #settleMissing(result: Outcome): Promise<ClaimedSettleOutcome> {
    const { store } = this.#services;
    const { guid, place, error } = result;
    const job = await store.jobByGuid(guid);
    if (job === null || job.collection === 'failed') return 'gone';
    const { placeholder } = job;
    if (place !== undefined && placeholder.id !== place) return 'gone';
    const queue = await this.#queue.load();
    if (!queue.holds(placeholder.id) && (await this.#putBack(placeholder))) return this.#settle(result);
    await store.discardJob(guid, error, this.#queue.now());
    return 'gone';
  }

  async retry(guid: Guid): Promise<RetryOutcome> {
    const { store, routeToPool } = this.#services;
    const job = await store.jobByGuid(guid);
    if (job === null) return { kind: 'not_found' };
    if (job.collection !== 'failed') return { kind: 'not_failed' };
    const { gatewayId } = job.media;
    if (!(await this.#services.hasFile(guid, gatewayId))) return { kind: 'file_gone' };
    const mimeType = await this.#services.mimeTypeOf(guid, job.mimeType, gatewayId);
    const pool = routeToPool(mimeType).name;
    const planned = await this.#queue.plan((present, now) => present.planAdd(retryDraft(job), now));
    const { message } = planned.plan;
    if (!isPlaceholder(message)) return { kind: 'too_many_pending' };
    const outcome = await this.#queue.durably(() =>
      store.retryFailedJob({
        correspondent: this.#key,
        placeholder: message,
        evictedIds: evictedIdsOf(planned.plan),
        mimeType,
        pool,
        collection: this.#services.jobsStartIn(),
      }),
    );
    if (outcome !== 'retried') return { kind: outcome };
    this.#queue.apply(planned, { kind: 'accepted', chat: this.#key, message });
    return { kind: 'retried', id: message.id, correctsId: correctedBy(job) };
  }

  async inject(placeholder: Placeholder): Promise<void> {
    // Recovery listed the job a while ago. Nobody but this chat ends it, so what is true now stays true in this turn.
    const job = await this.#services.store.jobByGuid(placeholder.mediaProcessingId);
    if (job === null || job.collection === 'failed') return;
    await this.#putBack(placeholder);
  }

  /** False when its place has had a message before, or its job ended. */
  async #putBack(placeholder: Placeholder): Promise<boolean> {
    const { queue, plan } = await this.#queue.plan((present, now) => present.planInject(placeholder, now));
    if (plan === null) return false;
    const outcome = await this.#queue.durably(() =>
      this.#services.store.reinstate(this.#key, placeholder, evictedIdsOf(plan)),
    );
    if (outcome === 'gone') return false;
    this.#queue.apply({ queue, plan });
    return true;
  }
}
