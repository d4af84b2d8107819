import { type ConfigFlags, configOf, configured, type Register } from './command.ts';

export const registerGateway: Register = (program, finish) => {
  configured(program.command('gateway'))
    .description("run WhatsApp's side alone: it dials the backends under uplink, and shows QR codes")
    .option('--simulator <url>', 'talk to a simulator instead of WhatsApp')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .action(async (flags: ConfigFlags) => {
      const config = await configOf(flags);
      const { gateway } = await import('../gateway.ts');
      finish(await gateway(config));
    });
};
