import { NOT_CONNECTED } from '../actors/bot-protocol.ts';
import { JanitorSurvey } from '../actors/janitor-survey.ts';
import type { Guid } from '../base/ids.ts';
import { openStagingFolders } from '../staging/staging-folders.ts';
import type { Store } from '../store/store.ts';
import type { JanitorAdministration } from '../system/administration.ts';
import { janitorViewOf } from '../system/administration/janitor.ts';
import type { Config } from '../system/config.ts';
import { janitorBots, janitorSettings } from '../system/janitor-settings.ts';

/**
 * What a janitor would do that had been there all the time, seen without a backend: no bot is connected, and no gateway
 * can be asked, so that files without a job stay.
 */
export const offlineJanitor = (config: Config, store: Store): JanitorAdministration => ({
  async plan() {
    const staging = await openStagingFolders(config.stagingFolder, config.gateways);
    const configured = new Map(
      config.bots.map((settings) => [settings.id, { settings, said: { status: NOT_CONNECTED } }]),
    );
    const options = {
      ...janitorSettings(config),
      store,
      bots: async () => janitorBots(config, configured, await store.bots()),
      folders: () => staging.all.map((folder) => ({ folder, gateways: [] })),
      hasFile: (guid: Guid, gatewayId: string) => staging.has(guid, gatewayId),
    };
    const times = { now: () => Date.now(), countsFrom: () => 0, poolCompletedAt: () => null };
    return janitorViewOf(await new JanitorSurvey(options, times).plan());
  },
});
