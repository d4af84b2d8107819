import path from 'node:path';
import { InspectorLog } from '../actors/kit/inspector-log.ts';
import { systemClock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import { type ConfigSources, loadConfig } from '../system/config.ts';
import { createLogger } from '../system/logger.ts';
import { startBackendAlone } from './backend-alone.ts';
import { EXIT } from './exit-codes.ts';
import { Pulse, type PulseName } from './pulse.ts';
import { showBot } from './show-bot.ts';
import { type Serving, type ServingOptions, startTogether } from './together.ts';
import { untilSignal } from './until-signal.ts';

/** `dragoman start`: gateway and backend until Ctrl-C. Resolves to the exit code. */
export const start = (sources: ConfigSources): Promise<number> =>
  serve(sources, { name: 'start', open: startTogether, links: true });

/** `dragoman backend`: the same without a gateway of its own. */
export const startBackendOnly = (sources: ConfigSources): Promise<number> =>
  serve(sources, { name: 'backend', open: startBackendAlone, links: false });

interface Mode {
  readonly name: PulseName;
  readonly open: (options: ServingOptions) => Promise<Serving>;
  /** Whether this process links bots with a simulator; the gateway does where it is another one. */
  readonly links: boolean;
}

async function serve(sources: ConfigSources, { name, open, links }: Mode): Promise<number> {
  const config = loadConfig(sources);
  const clock = systemClock();
  const log = createLogger({ level: config.log.level, pretty: process.stderr.isTTY });
  const stopRequested = untilSignal();
  const escalated = Promise.withResolvers<'escalated'>();
  const serving = await open({
    config,
    clock,
    log,
    onEscalation: (error, actor) => {
      log.error({ actor, reason: describeError(error) }, 'an actor cannot be kept alive: stopping');
      escalated.resolve('escalated');
    },
  });
  const pulse = new Pulse({ dataFolder: config.dataFolder, name, clock, log });
  console.log(`Dragoman is up. Everything durable lies in ${path.resolve(config.dataFolder)}.`);
  console.log(`Gateways dial ${serving.backend.url}. Ctrl-C drains and stops.`);
  if (serving.inspector !== null) console.log(`Look inside at ${serving.inspector.url}.`);
  serving.backend.events.listen((event) => {
    if (event.kind === 'bot') showBot(event, links ? config.simulator : undefined, log);
  });
  const { treeEveryMs } = config.log;
  const inspector = new InspectorLog(serving.backend.system, {
    clock,
    log,
    ...(treeEveryMs > 0 && { everyMs: treeEveryMs }),
  });
  process.on('SIGUSR2', () => inspector.logTree());

  const reason = await Promise.race([stopRequested, escalated.promise]);
  console.log('Draining: what was begun is finished, what is left is on the disk.');
  inspector.close();
  await serving.stop();
  pulse.end();
  return reason === 'escalated' ? EXIT.failed : EXIT.ok;
}
