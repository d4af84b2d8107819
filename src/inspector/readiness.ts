import type { Clock } from '../base/clock.ts';
import { within } from '../base/deadlines.ts';
import { DragomanError } from '../base/errors.ts';
import type { Administration } from '../system/administration.ts';

export interface Part {
  readonly name: 'store' | 'link' | 'pools';
  readonly ready: boolean;
  /** Why it is not; names and numbers, nothing secret. */
  readonly detail: string | null;
}

export type Readiness = () => Promise<readonly Part[]>;

const DEADLINE_MS = 3_000;

/** Whether the backend can do its work now. A part that does not answer in time is not ready. */
export const readinessOf =
  (administration: Administration, clock: Clock): Readiness =>
  () =>
    Promise.all([
      ask(clock, 'store', async () => {
        await administration.jobs.list({ collection: 'active' }, { limit: 1 });
        return null;
      }),
      ask(clock, 'link', async () => {
        const missing = (await administration.bots.list()).filter(({ linked }) => !linked);
        const gateways = [...new Set(missing.map(({ gatewayId }) => gatewayId))];
        return gateways.length === 0 ? null : `not connected: ${gateways.join(', ')}`;
      }),
      ask(clock, 'pools', async () => {
        const loads = await administration.pools.load();
        const empty = loads.filter(({ busy, idle }) => busy + idle === 0).map(({ pool }) => pool);
        return empty.length === 0 ? null : `without a worker: ${empty.join(', ')}`;
      }),
    ]);

/** `check` resolves to what is wrong, or null. */
async function ask(clock: Clock, name: Part['name'], check: () => Promise<string | null>): Promise<Part> {
  try {
    const detail = await within(clock, DEADLINE_MS, `the ${name} to answer`, check());
    return { name, ready: detail === null, detail };
  } catch (error) {
    return { name, ready: false, detail: error instanceof DragomanError ? error.code : 'failed' };
  }
}
