import { portNumber, type Register } from './command.ts';

export const registerSimulate: Register = (program, finish) => {
  program
    .command('simulate')
    .description('keep an offline WhatsApp running')
    .option('--port <number>', 'port of its socket, media and control', portNumber, 7_320)
    .action(async ({ port }: { port: number }) => {
      const { simulate } = await import('../simulate.ts');
      finish(await simulate({ port }));
    });
};
