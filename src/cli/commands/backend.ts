import { type ConfigFlags, configOf, reaching, portNumber, type Register } from './command.ts';

export const registerBackend: Register = (program, finish) => {
  reaching(program.command('backend'))
    .description('run the backend alone, for gateways in other processes')
    .option('--port <number>', 'port that gateways dial', portNumber)
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .action(async (flags: ConfigFlags) => {
      const config = await configOf(flags);
      const { startBackendOnly } = await import('../start.ts');
      finish(await startBackendOnly(config));
    });
};
