import { type ConfigFlags, reaching, type Register, sourcesOf, wholeNumber } from './command.ts';

interface InspectFlags extends ConfigFlags {
  readonly siblings: number;
  readonly json?: boolean;
}

export const registerInspect: Register = (program, finish) => {
  reaching(program.command('inspect'))
    .description('the live actor tree: what waits for each actor, what it handled and failed, its restarts')
    .option('--siblings <number>', 'of one kind under one parent, those with the most to do', wholeNumber, 20)
    .option('--json', 'for programs')
    .action(async ({ siblings, json, ...flags }: InspectFlags) => {
      const { inspect } = await import('../inspect.ts');
      finish(await inspect(sourcesOf(flags), { siblings, json }));
    });
};
