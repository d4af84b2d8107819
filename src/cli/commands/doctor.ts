import { type ConfigFlags, configured, type Register, sourcesOf } from './command.ts';

export const registerDoctor: Register = (program, finish) => {
  configured(program.command('doctor'))
    .description('look at everything that a start needs, and say what to do about it; changes nothing')
    .option('--json', 'for programs')
    .addHelpText('after', '\nExit codes: 0 nothing fails (✓ and !), 1 something does (✗)')
    .action(async ({ json, ...flags }: ConfigFlags & { json?: boolean }) => {
      const { doctor } = await import('../doctor/doctor.ts');
      finish(await doctor(sourcesOf(flags), json === true));
    });
};
