import { type ConfigFlags, reaching, type Register, sourcesOf } from './command.ts';

type Json = { readonly json?: boolean };

export const registerBots: Register = (program, finish) => {
  const bots = program
    .command('bots')
    .description('the linked accounts of a running backend')
    .addHelpText(
      'after',
      `
Examples:
  dragoman bots list
  dragoman bots add reception --settings reception.yaml
  dragoman bots pair reception                       shows a QR code until a phone has scanned it
  dragoman bots pair reception --phone 4915112345678 shows a code to type in instead
  dragoman bots stop reception                       it stays stopped over restarts`,
    );
  reaching(bots.command('list'))
    .description('all bots and how they are')
    .option('--json', 'for programs')
    .action(async ({ json, ...flags }: ConfigFlags & Json) => {
      const { listBots } = await import('../bots.ts');
      finish(await listBots(sourcesOf(flags), json === true));
    });
  reaching(bots.command('add'))
    .argument('<bot>', 'its id: lower-case letters, digits and dashes')
    .description('add a bot while the backend runs')
    .option('--settings <file>', 'its settings (YAML or JSON), as one of `bots` in a configuration')
    .option('--json', 'for programs')
    .action(
      async (botId: string, { settings, json, ...flags }: ConfigFlags & Json & { settings?: string }) => {
        const { addBot } = await import('../bots.ts');
        const given = { ...(settings !== undefined && { settings }), ...(json !== undefined && { json }) };
        finish(await addBot(sourcesOf(flags), botId, given));
      },
    );
  reaching(bots.command('pair'))
    .argument('<bot>', 'its id')
    .description(
      'link its account: shows what to scan, or to type in, until it is done, for ten minutes at the most',
    )
    .option('--phone <digits>', 'the number of the phone that gets a code instead')
    .option('--json', 'for programs: one line for each change')
    .action(async (botId: string, { phone, json, ...flags }: ConfigFlags & Json & { phone?: string }) => {
      const { pairBot } = await import('../bots.ts');
      const given = { ...(phone !== undefined && { phone }), ...(json !== undefined && { json }) };
      finish(await pairBot(sourcesOf(flags), botId, given));
    });
  for (const [change, description] of CHANGES) {
    reaching(bots.command(change))
      .argument('<bot>', 'its id')
      .description(description)
      .option('--json', 'for programs')
      .action(async (botId: string, { json, ...flags }: ConfigFlags & Json) => {
        const { changeBot } = await import('../bots.ts');
        finish(await changeBot(sourcesOf(flags), change, botId, json === true));
      });
  }
};

const CHANGES = [
  ['start', 'start a bot that was stopped'],
  ['stop', 'stop a bot; what it received is finished'],
  ['remove', 'remove a bot that was added while the backend ran; its history stays'],
] as const;
