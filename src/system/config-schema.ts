import { z } from 'zod';
import { isBotId } from '../base/ids.ts';
import { gatewaySettings } from '../gateway/settings.ts';
import { DEFAULT_MAX_MEMORY_MB, DEFAULT_POOLS, poolProblems } from '../jobs/pools.ts';
import { DEFAULT_LIMITS, DEFAULT_STRICT_HOLD_MS } from '../queue/limits.ts';

const atLeastOne = z.number().int().min(1);
const milliseconds = z.number().int().min(0);
/** Less, and a process that is busy for a moment would lose the jobs that it is working on. */
const SHORTEST_LEASE_MS = 1_000;
/** The gateway that runs in the backend's own process. */
export const LOCAL_GATEWAY = 'local';

/** The bots' actors stand beside these. */
const ACTOR_NAMES: ReadonlySet<string> = new Set(['ingestion', 'workers']);

const gatewayId = z.string().min(1).max(64);
/** Long enough that guessing is hopeless. */
const token = z.string().min(16);

const limits = z.strictObject({
  maxMessages: atLeastOne.default(DEFAULT_LIMITS.maxMessages),
  maxCharacters: atLeastOne.default(DEFAULT_LIMITS.maxCharacters),
  maxDays: z.number().min(1).default(DEFAULT_LIMITS.maxDays),
  maxCharactersSingleMessage: atLeastOne.default(DEFAULT_LIMITS.maxCharactersSingleMessage),
  maxCharactersMediaResult: atLeastOne.default(DEFAULT_LIMITS.maxCharactersMediaResult),
  maxPlaceholders: z.number().int().min(0).default(DEFAULT_LIMITS.maxPlaceholders),
});

const bot = z.strictObject({
  id: z.string().refine(isBotId, 'expected lower-case letters, digits and dashes, 64 at most'),
  /** The gateway that pairs it. */
  gateway: gatewayId.default(LOCAL_GATEWAY),
  limits: limits.prefault({}),
  ordering: z.enum(['skip-pop', 'strict']).default('skip-pop'),
  strictHoldMs: milliseconds.default(DEFAULT_STRICT_HOLD_MS),
  /** Of the gateway's staging folder, in GiB; fractions allowed. */
  mediaStorageQuotaGb: z.number().positive().default(25),
  groups: z.enum(['all', 'none']).default('all'),
});

const pool = z.strictObject({
  name: z.string().min(1),
  /** Empty for the one catch-all. */
  mimeTypes: z.array(z.string()),
  workers: atLeastOne,
  timeoutMs: atLeastOne,
  /** A built-in processor's name, or the path of a module, relative to the configuration file. */
  processor: z.string().min(1),
  processorOptions: z.record(z.string(), z.unknown()).default({}),
  /** Of one worker's process, for a module; in MiB. */
  maxMemoryMb: atLeastOne.default(DEFAULT_MAX_MEMORY_MB),
});

/** The whole configuration. Unknown settings are refused: a typo must not pass silently. */
export const configuration = z
  .strictObject({
    /** Where everything durable lies, relative to the configuration file. */
    dataFolder: z.string().min(1).default('data'),
    /** `sqlite:` and a path, or MongoDB's connection string; by default dragoman.db in the data folder. */
    store: z
      .string()
      .regex(/^(sqlite:|mongodb(\+srv)?:\/\/)./, 'expected sqlite:PATH or mongodb://HOSTS/DATABASE')
      .optional(),
    listen: z
      .strictObject({
        host: z.string().min(1).default('127.0.0.1'),
        port: z.number().int().min(0).max(65_535).default(7_310),
      })
      .prefault({}),
    bots: z
      .array(bot)
      .min(1)
      .default(() => [bot.parse({ id: 'main' })]),
    /** Of the gateway in this process. */
    gateway: gatewaySettings.prefault({}),
    /** Gateways in other processes, each with a token of its own. */
    gateways: z.array(z.strictObject({ id: gatewayId, token })).default([]),
    pools: z.array(pool).default(() => DEFAULT_POOLS.map((each) => pool.parse(each))),
    /** A simulator to talk to instead of WhatsApp, as `npm run simulate` prints it. */
    simulator: z.url({ protocol: /^http$/ }).optional(),
    disconnectGraceMs: milliseconds.default(30_000),
    /** A chat's actor is let go when its queue has been empty for so long. */
    passivateAfterMs: milliseconds.default(60_000),
    /** Per bot; above it, chats with an empty queue are let go at once. */
    maxLiveChats: atLeastOne.default(2_000),
    /** How long a message that comes again is known for a duplicate. */
    dedupeDays: atLeastOne.default(30),
    drainDeadlineMs: milliseconds.default(20_000),
    maxAttempts: atLeastOne.default(3),
    leaseMs: z.number().int().min(SHORTEST_LEASE_MS).default(30_000),
    log: z
      .strictObject({
        level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
        /** How often the actor tree is logged; 0 never. SIGUSR2 logs it at any time. */
        treeEveryMs: milliseconds.default(300_000),
        /** How often each pool's backlog is logged; 0 never. */
        backlogEveryMs: milliseconds.default(60_000),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    const refuse = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    for (const problem of poolProblems(config.pools)) refuse('pools', problem);
    for (const id of repeated(config.bots.map((each) => each.id))) refuse('bots', `bot ${id} is there twice`);
    for (const { id } of config.bots) {
      if (ACTOR_NAMES.has(id)) refuse('bots', `expected another id than ${id}, which Dragoman uses itself`);
    }
    const gatewayIds = [LOCAL_GATEWAY, ...config.gateways.map(({ id }) => id)];
    for (const id of repeated(gatewayIds)) {
      refuse(
        'gateways',
        id === LOCAL_GATEWAY ? `${id} is this process's own` : `gateway ${id} is there twice`,
      );
    }
    if (repeated(config.gateways.map((gateway) => gateway.token)).length > 0) {
      refuse('gateways', 'two gateways have the same token');
    }
    for (const { id, gateway } of config.bots) {
      if (!gatewayIds.includes(gateway)) refuse('bots', `bot ${id} names the unknown gateway ${gateway}`);
    }
  });

/** Those that are there more than once. */
const repeated = (names: readonly string[]): readonly string[] => [
  ...new Set(names.filter((name, index) => names.indexOf(name) !== index)),
];

export type Configuration = z.infer<typeof configuration>;
export type BotSettings = Configuration['bots'][number];
