import { type ConfigFlags, reaching, type Register, sourcesOf } from './command.ts';

export const registerJanitor: Register = (program, finish) => {
  reaching(program.command('janitor'))
    .description('what the janitor would sweep up now; it does so by itself, and this changes nothing')
    .option('--dry-run', 'as it does without: it only ever lists')
    .option('--json', 'for programs')
    .action(async ({ json, ...flags }: ConfigFlags & { json?: boolean }) => {
      const { showJanitorPlan } = await import('../janitor.ts');
      finish(await showJanitorPlan(sourcesOf(flags), json === true));
    });
};
