import { Argument } from 'commander';
import { PULSES, type PulseName } from '../pulse.ts';
import { type ConfigFlags, configured, type Register, sourcesOf } from './command.ts';

export const registerHealth: Register = (program, finish) => {
  configured(program.command('health'))
    .description('exit 0 while a process on this data folder does its work, 1 when it hangs or is gone')
    .addArgument(new Argument('[process]', 'which one').choices(PULSES).default('start'))
    .option('--json', 'for programs')
    .action(async (name: PulseName, { json, ...flags }: ConfigFlags & { json?: boolean }) => {
      const { health } = await import('../health.ts');
      finish(health(sourcesOf(flags), name, json === true));
    });
};
