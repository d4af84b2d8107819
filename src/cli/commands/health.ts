import { Argument } from 'commander';
import { PULSES, type PulseName } from '../pulse.ts';
import { type ConfigFlags, configured, type Register, sourcesOf, wholeNumber } from './command.ts';

interface HealthFlags extends ConfigFlags {
  readonly pid?: number;
  readonly json?: boolean;
}

export const registerHealth: Register = (program, finish) => {
  configured(program.command('health'))
    .description(
      'exit 0 while a process on this data folder, or each of several workers, does its work; 1 when one hangs or none is there',
    )
    .addArgument(new Argument('[process]', 'which one').choices(PULSES).default('start'))
    .option('--pid <number>', 'of this process alone', wholeNumber)
    .option('--json', 'for programs')
    .action(async (name: PulseName, { pid, json, ...flags }: HealthFlags) => {
      const { health } = await import('../health.ts');
      finish(health(sourcesOf(flags), name, { pid, json }));
    });
};
