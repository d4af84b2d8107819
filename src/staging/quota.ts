import type { Guid } from '../base/ids.ts';
import { GIB } from '../base/units.ts';
import type { StagedFile } from './staging-folder.ts';

/** Fills up to 2 GiB below a large quota, so that what is under way elsewhere still fits; a small quota is used whole. */
export const quotaLimitBytes = (quotaBytes: number): number =>
  Math.min(quotaBytes, Math.max(quotaBytes - 2 * GIB, GIB));

/** `growing`: a download is at it, and may need more. `settled`: the file is there, with exactly these bytes. */
interface Reservation {
  readonly bytes: number;
  readonly state: 'growing' | 'settled';
}

/**
 * The bytes of the staging folder, promised before they are written.
 *   R1 A byte is written only after it was reserved, and no reservation takes the total above the limit.
 *   R2 A reservation ends only after its file is gone.
 *   R3 Until the folder was read once the quota counts as exceeded; a later reading that fails changes nothing.
 *   R4 Reconciling never touches what is growing: its size on disk is behind its reservation.
 */
export class StagingQuota {
  readonly #reservations = new Map<Guid, Reservation>();
  #reservedBytes = 0;
  #limitBytes: number;
  #known = false;

  constructor(quotaBytes: number) {
    this.#limitBytes = quotaLimitBytes(quotaBytes);
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  /** A lower quota removes nothing: it only refuses what comes. */
  setQuota(quotaBytes: number): void {
    this.#limitBytes = quotaLimitBytes(quotaBytes);
  }

  /** Raises the reservation of `guid` to `bytes` in all. False: that would exceed the limit, nothing changed. */
  reserve(guid: Guid, bytes: number): boolean {
    const held = this.#reservations.get(guid)?.bytes ?? 0;
    const wanted = Math.max(held, bytes);
    if (!this.#known || this.#reservedBytes - held + wanted > this.#limitBytes) return false;
    this.#set(guid, { bytes: wanted, state: 'growing' });
    return true;
  }

  /** The file is complete: gives back what was reserved beyond its size. */
  settle(guid: Guid, bytes: number): void {
    this.#set(guid, { bytes, state: 'settled' });
  }

  /** The file is gone. */
  release(guid: Guid): void {
    this.#reservedBytes -= this.#reservations.get(guid)?.bytes ?? 0;
    this.#reservations.delete(guid);
  }

  /**
   * Brings the running total in line with the folder: at start, and now and then since the backend removes files too.
   * Rejects when the folder cannot be read.
   */
  async reconcile(listFiles: () => Promise<readonly StagedFile[]>): Promise<void> {
    const settledBefore = [...this.#reservations.keys()].filter((guid) => this.#isSettled(guid));
    const listed = new Map((await listFiles()).map((file) => [file.guid, file.bytes]));
    const unlisted = settledBefore.filter((guid) => !listed.has(guid));
    for (const guid of unlisted) if (this.#isSettled(guid)) this.release(guid);
    for (const [guid, bytes] of listed) if (!this.#reservations.has(guid)) this.settle(guid, bytes);
    this.#known = true;
  }

  #isSettled(guid: Guid): boolean {
    return this.#reservations.get(guid)?.state === 'settled';
  }

  #set(guid: Guid, reservation: Reservation): void {
    this.release(guid);
    this.#reservations.set(guid, reservation);
    this.#reservedBytes += reservation.bytes;
  }
}
