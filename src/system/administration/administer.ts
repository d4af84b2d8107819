import type { JanitorProtocol } from '../../actors/janitor.ts';
import type { ActorRef } from '../../actors/kit/actor.ts';
import type { ActorSystem } from '../../actors/kit/system.ts';
import type { WorkerPoolProtocol } from '../../actors/worker-pool.ts';
import type { Clock } from '../../base/clock.ts';
import type { StagingFolders } from '../../staging/staging-folders.ts';
import type { Store } from '../../store/store.ts';
import type { Administration } from '../administration.ts';
import type { BotRoster } from '../bot-roster.ts';
import type { Config } from '../config.ts';
import type { HeldFile } from '../file-releaser.ts';
import type { Ingress, RunningBot } from '../ingress.ts';
import { administerActors } from './actors.ts';
import { administerBots } from './bots.ts';
import { administerChats } from './chats.ts';
import { administerFailedJobs } from './failed-jobs.ts';
import { administerForgetting } from './forgetting.ts';
import { administerGateways } from './gateways.ts';
import { administerJanitor } from './janitor.ts';
import { administerJobs } from './jobs.ts';
import { administerPools } from './pools.ts';
import type { Served } from './served.ts';

export interface Administered {
  readonly config: Pick<Config, 'pools' | 'bots'>;
  readonly store: Store;
  readonly staging: StagingFolders;
  readonly system: ActorSystem;
  readonly bots: ReadonlyMap<string, RunningBot>;
  readonly roster: BotRoster;
  readonly gatewayIds: readonly string[];
  readonly ingress: Ingress;
  readonly janitor: ActorRef<JanitorProtocol>;
  readonly workers: ActorRef<WorkerPoolProtocol>;
  readonly served: Served;
  /** Deletes a file, and tells its gateway. Never rejects. */
  readonly forgetFile: (file: HeldFile) => Promise<void>;
  readonly clock: Clock;
}

/** Of a running backend, everything that may be seen and done. */
export function administer({
  config,
  store,
  staging,
  system,
  bots,
  roster,
  gatewayIds,
  ingress,
  janitor,
  workers,
  served,
  forgetFile,
  clock,
}: Administered): Administration {
  const pools = config.pools.map(({ name }) => name);
  return {
    actors: administerActors(system),
    bots: administerBots({ bots, roster, isLinked: (gatewayId) => ingress.isLinked(gatewayId) }),
    chats: { ...administerChats({ store, bots }), ...administerForgetting({ bots, forgetFile }) },
    gateways: administerGateways({ gatewayIds, ingress }),
    janitor: administerJanitor(janitor),
    jobs: {
      ...administerJobs({ store, bots, pools }),
      ...administerFailedJobs({ store, bots, forgetFile }),
    },
    pools: administerPools({
      store,
      pools: config.pools,
      load: () => workers.ask('load', undefined),
      staging,
      served,
      bots: config.bots,
      clock,
    }),
    send: (request) => ingress.send(request),
  };
}
