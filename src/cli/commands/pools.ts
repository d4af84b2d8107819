import { type ConfigFlags, reaching, type Register, sourcesOf } from './command.ts';

export const registerPools: Register = (program, finish) => {
  reaching(program.command('pools'))
    .description('worker pools, what waits for them, and the staging folder')
    .option('--json', 'for programs')
    .action(async ({ json, ...flags }: ConfigFlags & { json?: boolean }) => {
      const { showPools } = await import('../pools.ts');
      finish(await showPools(sourcesOf(flags), json === true));
    });
};
