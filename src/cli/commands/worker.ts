import { type ConfigFlags, configOf, configured, type Register } from './command.ts';

interface WorkerFlags extends ConfigFlags {
  readonly pool: readonly string[];
}

const another = (name: string, names: readonly string[]): readonly string[] => [...names, name];

export const registerWorker: Register = (program, finish) => {
  configured(program.command('worker'))
    .description('turn media into words beside the backend, on any machine that has the staging folder')
    .option('--pool <name>', 'work for this pool alone; may be given several times', another, [])
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .action(async ({ pool, ...flags }: WorkerFlags) => {
      const config = await configOf(flags);
      const { worker } = await import('../worker.ts');
      finish(await worker(config, pool));
    });
};
