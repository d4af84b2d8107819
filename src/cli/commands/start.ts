import { type ConfigFlags, configOf, reaching, portNumber, type Register } from './command.ts';

export const registerStart: Register = (program, finish) => {
  reaching(program.command('start'))
    .description('run gateway and backend in one process; shows a QR code to link a phone')
    .option('--port <number>', 'port that gateways dial', portNumber)
    .option('--simulator <url>', 'talk to a simulator instead of WhatsApp')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .action(async (flags: ConfigFlags) => {
      const config = await configOf(flags);
      const { start } = await import('../start.ts');
      finish(await start(config));
    });
};
