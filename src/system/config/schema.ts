import { z } from 'zod';
import { gatewaySettings } from '../../gateway/settings.ts';
import { DEFAULT_MAX_MEMORY_MB, DEFAULT_POOLS } from '../../jobs/pools.ts';
import { bot } from './bot-settings.ts';
import { atLeastOne, gatewayId, milliseconds } from './atoms.ts';
import { consistent } from './consistency.ts';

/*
 * Each setting says what it means in `describe`, and a unit that its name does not end with in `meta({ unit })`:
 * docs/configuration.md is made of them (`npm run reference`). `meta({ secret: true })` marks what may never be
 * printed, and lets it come from a file by the setting's name + `File`.
 */

/** Less, and a process that is busy for a moment would lose the jobs that it is working on. */
const SHORTEST_LEASE_MS = 1_000;
/** Long enough that guessing is hopeless. */
const token = z.string().min(16);
/** A shell puts the home folder in the place of `~`: here it would be a folder of that name. */
const NAMES_HOME = /(^|[/:])~(\/|$)/;
const WITHOUT_HOME = 'expected a path without ~: write your home folder out';
const folder = z
  .string()
  .min(1)
  .refine((name) => !NAMES_HOME.test(name), WITHOUT_HOME);
const host = z.string().min(1);
const backendUrl = z
  .url({ protocol: /^wss?$/, error: 'expected ws://HOST:PORT/gateway', abort: true })
  // A proxy may have another path for it, but hardly none.
  .refine((url) => new URL(url).pathname !== '/', 'expected ws://HOST:PORT/gateway: the path is missing');
const port = z.number().int().min(0).max(65_535);

const pool = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe('As it is named in logs and metrics: at most 64 characters, without a slash.'),
  mimeTypes: z.array(z.string()).describe('What it takes; empty for the one catch-all.'),
  workers: atLeastOne.describe('Jobs at a time.'),
  timeoutMs: atLeastOne.describe('Deadline of one attempt.'),
  processor: z
    .string()
    .min(1)
    .describe("A built-in processor's name, or the path of a module, relative to the configuration file."),
  processorOptions: z.record(z.string(), z.unknown()).default({}).describe('Handed to the processor.'),
  maxMemoryMb: atLeastOne
    .default(DEFAULT_MAX_MEMORY_MB)
    .describe("Of one worker's process, for a module.")
    .meta({ unit: 'MiB' }),
});

/** The whole configuration. Unknown settings are refused: a typo must not pass silently. */
export const configuration = consistent(
  z.strictObject({
    dataFolder: folder
      .default('data')
      .describe('Where everything durable lies, relative to the configuration file.')
      .meta({ names: 'path' }),
    stagingFolder: folder
      .optional()
      .describe('The folder that gateway and backend share; by default media in the data folder.')
      .meta({ names: 'path' }),
    store: z
      .string()
      .regex(/^(sqlite:|mongodb(\+srv)?:\/\/)./, 'expected sqlite:PATH or mongodb://HOSTS/DATABASE')
      .refine((store) => !store.startsWith('sqlite:') || !NAMES_HOME.test(store), WITHOUT_HOME)
      .optional()
      .describe(
        "`sqlite:` and a path, or MongoDB's connection string; by default dragoman.db in the data folder.",
      )
      .meta({ secret: true }),
    listen: z
      .strictObject({
        host: host.default('127.0.0.1').describe('Address.'),
        port: port.default(7_310).describe('Port; 0: any that is free.'),
      })
      .prefault({})
      .describe('Where gateways dial in.'),
    http: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Whether it is opened at all.'),
        host: host.default('127.0.0.1').describe('Address.'),
        port: port.default(7_311).describe('Port; 0: any that is free.'),
        token: token
          .optional()
          .describe('What callers prove themselves with; needed unless `host` is this machine alone.')
          .meta({ secret: true }),
        allowedHosts: z
          .array(z.string().min(1))
          .default([])
          .describe(
            'Names by which callers may call it besides `host`, for instance those of a proxy before it.',
          ),
      })
      .prefault({})
      .describe('Page, API, metrics and health checks.'),
    bots: z
      .array(bot)
      .min(1)
      .default(() => [bot.parse({ id: 'main' })])
      .describe('The bots; by default one that is called main.'),
    gateway: gatewaySettings.prefault({}).describe('How the gateway in this process works.'),
    gateways: z
      .array(
        z.strictObject({
          id: gatewayId.describe('As bots name it.'),
          token: token.describe('What it proves itself with; 16 characters at least.').meta({ secret: true }),
          stagingFolder: folder
            .optional()
            .describe('The folder that it shares with the backend, where that is not the common one.')
            .meta({ names: 'path' }),
        }),
      )
      .default([])
      .describe('Gateways in other processes, each with a token of its own.'),
    uplink: z
      .strictObject({
        gatewayId: gatewayId.describe("As the backend's `gateways` name this one."),
        token: token.describe('As the backend has it.').meta({ secret: true }),
        backends: z
          .array(backendUrl)
          .min(1)
          .describe('Backends that share one store, tried in turn: `ws://HOST:PORT/gateway`.'),
      })
      .optional()
      .describe('For `dragoman gateway`: who it is and where it dials.'),
    pools: z
      .array(pool)
      .default(() => DEFAULT_POOLS.map((each) => pool.parse(each)))
      .describe('Replaces the default pools; exactly one pool without `mimeTypes` takes the rest.'),
    simulator: z
      .url({ protocol: /^http$/, error: 'expected http://HOST:PORT' })
      .optional()
      .describe('A simulator to talk to instead of WhatsApp, as `npm run simulate` prints it.'),
    disconnectGraceMs: milliseconds
      .default(30_000)
      .describe('How long a bot may be away before its jobs are set aside.'),
    passivateAfterMs: milliseconds
      .default(60_000)
      .describe("A chat's actor is let go when its queue has been empty for so long."),
    maxLiveChats: atLeastOne
      .default(2_000)
      .describe('Per bot; above it, chats with an empty queue are let go at once.'),
    dedupeDays: atLeastOne
      .default(30)
      .describe('How long a message that comes again is known for a duplicate.'),
    historyDays: atLeastOne
      .optional()
      .describe('How long a message stays in the history, from its ingestion on; for ever when not set.'),
    janitor: z
      .strictObject({
        everyMs: milliseconds
          .default(3_600_000)
          .describe('How often it looks for what nobody will come for; 0 never.'),
        firstAfterMs: milliseconds
          .default(60_000)
          .describe('When it looks first: by then gateways have dialled and bots recovered.'),
        staleJobHours: z
          .number()
          .positive()
          .default(3)
          .describe('A medium to which nothing happened for so long is given up.'),
        heldJobDays: z
          .number()
          .positive()
          .default(7)
          .describe(
            'The same for one that waits for its bot to be connected, or for its gateway to tell that its file is there.',
          ),
        failedFileHours: z
          .number()
          .positive()
          .default(24)
          .describe('How long the file of a medium that failed stays, for another try.'),
        failedJobDays: z
          .number()
          .positive()
          .default(90)
          .describe(
            'How long the record of a medium that failed stays, its caption in it; its file goes with it at the latest.',
          ),
        orphanFileHours: z
          .number()
          .positive()
          .default(4)
          .describe(
            'A younger file is never taken for one that nobody needs, unless it was there at the start.',
          ),
      })
      .prefault({})
      .describe('Cleaning up: media that nothing will come of, and files that nobody needs.'),
    drainDeadlineMs: milliseconds
      .default(20_000)
      .describe(
        'How long each step of stopping waits, such as for jobs that are worked on; all together, 2.5 times as long. What is left is durable.',
      ),
    processedBy: z
      .enum(['backend', 'workers'])
      .default('backend')
      .describe(
        'Who turns media into words: the backend, beside whatever `dragoman worker` processes there are, or these alone; they need MongoDB.',
      ),
    maxAttempts: atLeastOne.default(3).describe('Of one job, before it has failed for good.'),
    leaseMs: z
      .number()
      .int()
      .min(SHORTEST_LEASE_MS)
      .default(30_000)
      .describe("A dead worker's job is given to another after so long."),
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
          .default('info')
          .describe('The least that is logged.'),
        treeEveryMs: milliseconds
          .default(300_000)
          .describe('How often the actor tree is logged; 0 never. SIGUSR2 logs it at any time.'),
        backlogEveryMs: milliseconds
          .default(60_000)
          .describe("How often each pool's backlog is logged; 0 never."),
        content: z
          .boolean()
          .default(false)
          .describe(
            'Whether the words of messages are logged too, at level trace: never where others read the log.',
          ),
      })
      .prefault({})
      .describe('The log.'),
  }),
);

export type Configuration = z.infer<typeof configuration>;
