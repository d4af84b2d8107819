import { type Command, Option } from 'commander';
import { DragomanError } from '../../base/errors.ts';
import type { JobView } from '../../system/administration/views.ts';
import { type ConfigFlags, reaching, type Register, sourcesOf, wholeNumber } from './command.ts';

interface FilterFlags extends ConfigFlags {
  readonly bot?: string;
  readonly pool?: string;
  readonly json?: boolean;
}

interface ListFlags extends FilterFlags {
  readonly collection: JobView['collection'];
  readonly status?: JobView['status'];
  readonly limit: number;
  readonly after?: string;
}

export const registerJobs: Register = (program, finish) => {
  const jobs = program
    .command('jobs')
    .description('media on their way to words, and those that failed')
    .addHelpText(
      'after',
      `
Examples:
  dragoman jobs list --collection failed --bot reception
  dragoman jobs show 492e53bd-3c3c-4a5f-9d0c-7b1d4f4e8f11
  dragoman jobs retry 492e53bd-3c3c-4a5f-9d0c-7b1d4f4e8f11
  dragoman jobs drop --all --pool video`,
    );
  filtered(jobs.command('list'))
    .description('jobs, the newest first: from the running backend, or from the store when none runs')
    .addOption(
      new Option('--collection <name>', 'active, holding (their bot is away) or failed')
        .choices(['active', 'holding', 'failed'])
        .default('active'),
    )
    .addOption(
      new Option('--status <status>', 'how far they are').choices([
        'downloading',
        'pending',
        'waiting',
        'processing',
        'completed',
      ]),
    )
    .option('--limit <number>', 'jobs of a page', wholeNumber, 50)
    .option('--after <cursor>', 'the page behind this one')
    .action(async ({ collection, bot, pool, status, limit, after, json, ...flags }: ListFlags) => {
      const { listJobs } = await import('../jobs.ts');
      const filter = { collection, botId: bot, pool, status };
      finish(await listJobs(sourcesOf(flags), filter, { limit, after }, json === true));
    });
  reaching(jobs.command('show'))
    .argument('<guid>', 'its GUID')
    .description('one job')
    .option('--json', 'for programs')
    .action(async (guid: string, { json, ...flags }: FilterFlags) => {
      const { showJob } = await import('../jobs.ts');
      finish(await showJob(sourcesOf(flags), guid, json === true));
    });
  for (const [what, description] of CHANGES) {
    filtered(jobs.command(what))
      .argument('[guid]', 'its GUID')
      .description(description)
      .option('--all', 'every failed job, of --bot and --pool')
      .action(async (guid: string | undefined, flags: FilterFlags & { all?: boolean }) => {
        const { bot, pool, json, all, ...rest } = flags;
        if ((guid === undefined) !== (all === true)) {
          throw new DragomanError(
            'request_invalid',
            `expected either a GUID or --all: dragoman jobs ${what} --help`,
          );
        }
        const { changeJobs } = await import('../jobs.ts');
        const change = { what, guid: guid ?? null, filter: { botId: bot, pool }, json: json === true };
        finish(await changeJobs(sourcesOf(rest), change));
      });
  }
};

const CHANGES = [
  ['retry', 'give a failed job another try: its words will be a message of its own'],
  ['drop', 'forget a failed job, and its file'],
] as const;

const filtered = (command: Command): Command =>
  reaching(command)
    .option('--bot <id>', 'of this bot')
    .option('--pool <name>', 'of this pool')
    .option('--json', 'for programs');
