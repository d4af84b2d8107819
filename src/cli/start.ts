import path from 'node:path';
import { logTree } from '../actors/kit/actor-tree.ts';
import { systemClock } from '../base/clock.ts';
import { repeat } from '../base/deadlines.ts';
import { describeError, type DragomanError } from '../base/errors.ts';
import { type Config, storeLocation } from '../system/config.ts';
import { createLogger } from '../system/logger.ts';
import { startBackendAlone } from './backend-alone.ts';
import { EXIT } from './exit-codes.ts';
import { openDataFolder } from './folders.ts';
import { beingHere, Pulse, type PulseName } from './pulse.ts';
import { showBot } from './show-bot.ts';
import { type Serving, type ServingOptions, startTogether } from './together.ts';
import { abortedBy, nullIfAborted, untilSignal } from './until-signal.ts';

/** `dragoman start`: gateway and backend until Ctrl-C. Resolves to the exit code. */
export const start = (config: Config, seams: Pick<ServingOptions, 'openStore'> = {}): Promise<number> =>
  serve(config, {
    name: 'start',
    open: (options) => startTogether({ ...options, ...seams }),
    links: true,
  });

/** `dragoman backend`: the same without a gateway of its own. */
export const startBackendOnly = (config: Config): Promise<number> =>
  serve(config, { name: 'backend', open: startBackendAlone, links: false });

interface Mode {
  readonly name: PulseName;
  readonly open: (options: ServingOptions) => Promise<Serving>;
  /** Whether this process links bots with a simulator; the gateway does where it is another one. */
  readonly links: boolean;
}

async function serve(config: Config, { name, open, links }: Mode): Promise<number> {
  const clock = systemClock();
  const log = createLogger({ level: config.log.level, pretty: process.stderr.isTTY });
  // A backend on MongoDB keeps nothing there but its sign of life, and warns where it cannot.
  if (name === 'start' || storeLocation(config).kind === 'sqlite') openDataFolder(config.dataFolder);
  const stopRequested = untilSignal();
  await using opened = new AsyncDisposableStack();
  let pulse: Pulse | null = null;
  // One that stands by is alive too.
  const beat = (): void => {
    pulse ??= opened.adopt(
      new Pulse({ dataFolder: config.dataFolder, name, being: beingHere(), clock, log }),
      (each) => each.end(),
    );
  };
  const ended = Promise.withResolvers<'escalated' | 'lost'>();
  const options = {
    config,
    clock,
    log,
    onEscalation: (error: unknown, actor: string) => {
      log.error({ actor, reason: describeError(error) }, 'an actor cannot be kept alive: stopping');
      ended.resolve('escalated');
    },
    standby: {
      onWaiting: beat,
      signal: abortedBy(stopRequested),
      onLost: ({ message }: DragomanError) => {
        console.error(`dragoman: ${message}`);
        ended.resolve('lost');
      },
    },
  };
  const serving = await open(options).catch(nullIfAborted);
  if (serving === null) return EXIT.ok;
  beat();
  console.log(`Dragoman is up. Everything durable lies in ${path.resolve(config.dataFolder)}.`);
  console.log(`Gateways dial ${serving.backend.url}. Ctrl-C drains and stops.`);
  if (serving.inspector !== null) console.log(`Look inside at ${serving.inspector.url}.`);
  serving.backend.events.listen((event) => {
    if (event.kind === 'bot') showBot(event, links ? config.simulator : undefined, log);
  });
  const { treeEveryMs } = config.log;
  const showTree = (): void => logTree(serving.backend.system, log);
  const trees = treeEveryMs > 0 ? repeat(clock, treeEveryMs, showTree) : null;
  process.on('SIGUSR2', showTree);

  const reason = await Promise.race([stopRequested, ended.promise]);
  // What is not done belongs to the other backend now; a drain would only be refused, write by write.
  if (reason === 'lost') return EXIT.unavailable;
  console.log(
    'Draining: what was begun is finished, what is left is on the disk. Ctrl-C again ends at once, and loses nothing either.',
  );
  trees?.cancel();
  await serving.stop();
  return reason === 'escalated' ? EXIT.failed : EXIT.ok;
}
