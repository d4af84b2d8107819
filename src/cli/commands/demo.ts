import type { Register } from './command.ts';

export const registerDemo: Register = (program, finish) => {
  program
    .command('demo')
    .description('pair a bot with the simulator and watch a conversation become words')
    .option('--data-folder <folder>', 'keep what the demo stores there')
    .action(async ({ dataFolder }: { dataFolder?: string }) => {
      const { demo } = await import('../demo.ts');
      finish(await demo({ dataFolder }));
    });
};
