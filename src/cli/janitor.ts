import type { ConfigSources } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { duration, size, table } from './table.ts';
import { withReadable } from './with-administration.ts';

/** `dragoman janitor`: what it would do now. Resolves to the exit code. */
export const showJanitorPlan = (sources: ConfigSources, asJson: boolean): Promise<number> =>
  withReadable(sources, async ({ janitor }) => {
    const plan = await janitor.plan();
    if (asJson) {
      console.log(JSON.stringify(plan));
      return EXIT.ok;
    }
    const now = Date.now();
    console.log(`Stale jobs: ${plan.staleJobCount}`);
    for (const { guid, botId, status, changedAt } of plan.staleJobs.slice(0, 20)) {
      console.log(`  ${guid}  ${botId}  ${status} for ${duration(now - changedAt)}`);
    }
    console.log(`Failed jobs too old to keep: ${plan.oldFailedJobCount}`);
    const rows = plan.files.map(({ fate, why, files, bytes }) => [fate, why, String(files), size(bytes)]);
    console.log(rows.length === 0 ? 'No files.' : table(['FILES', 'WHY', 'COUNT', 'SIZE'], rows));
    for (const { botId, before } of plan.histories) {
      console.log(`History of ${botId}: pruned up to ${new Date(before).toISOString()}`);
    }
    return EXIT.ok;
  });
