import { systemClock } from '../base/clock.ts';
import { DragomanError, describeError } from '../base/errors.ts';
import { joinStagingFolder } from '../staging/staging-folder.ts';
import { openStagingFolders } from '../staging/staging-folders.ts';
import { openMongoWorkerStore } from '../store/mongo/open-mongo-store.ts';
import { type Config, storeLocation } from '../system/config.ts';
import { createLogger } from '../system/logger.ts';
import { startWorker } from '../system/worker.ts';
import { EXIT } from './exit-codes.ts';
import { beingHere, Pulse } from './pulse.ts';
import { abortedBy, nullIfAborted, untilSignal } from './until-signal.ts';

/** `dragoman worker`: does jobs until Ctrl-C. `poolNames`: none for all pools. Resolves to the exit code. */
export async function worker(
  config: Config,
  poolNames: readonly string[],
  { openStore = openMongoWorkerStore }: { readonly openStore?: typeof openMongoWorkerStore } = {},
): Promise<number> {
  const url = sharedStoreOf(config);
  const clock = systemClock();
  const log = createLogger({ level: config.log.level, pretty: process.stderr.isTTY });
  const stopRequested = untilSignal();
  const escalated = Promise.withResolvers<'escalated'>();
  await using opened = new AsyncDisposableStack();
  const staging = await openStagingFolders(config.stagingFolder, config.gateways, joinStagingFolder);
  const signal = abortedBy(stopRequested);
  const store = await openStore({ url, clock, log, signal }).catch(nullIfAborted);
  if (store === null) return EXIT.ok;
  opened.defer(() => store.close());
  const running = await startWorker({
    config,
    poolNames,
    store,
    staging,
    clock,
    log,
    onEscalation: (error, actor) => {
      log.error({ actor, reason: describeError(error) }, 'an actor cannot be kept alive: stopping');
      escalated.resolve('escalated');
    },
    signal,
  }).catch(nullIfAborted);
  if (running === null) return EXIT.ok;
  opened.defer(() => running.stop());
  const pulse = new Pulse({ dataFolder: config.dataFolder, name: 'worker', being: beingHere(), clock, log });
  opened.defer(() => pulse.end());
  console.log('This worker is up. Ctrl-C gives back what it has in hand, and stops.');
  const reason = await Promise.race([stopRequested, escalated.promise]);
  return reason === 'escalated' ? EXIT.failed : EXIT.ok;
}

function sharedStoreOf(config: Config): string {
  const location = storeLocation(config);
  if (location.kind === 'mongodb') return location.url;
  throw new DragomanError(
    'config_invalid',
    `dragoman worker needs store: mongodb://…, got the SQLite file ${location.file}, which one process has to itself: ` +
      "on SQLite the workers are the backend's children, as many as its pools say",
  );
}
