import { type ConfigFlags, configured, type Register, sourcesOf, wholeNumber } from './command.ts';

export const registerDeadLetters: Register = (program, finish) => {
  const deadLetters = program
    .command('dead-letters')
    .description('what the backend refused for good; the gateway must not be running');
  configured(deadLetters.command('list'))
    .description('one line each: seq, when, what, bot, why')
    .option('--json', 'for programs')
    .action(async ({ json, ...flags }: ConfigFlags & { json?: boolean }) => {
      const { listDeadLetters } = await import('../dead-letters.ts');
      finish(listDeadLetters(sourcesOf(flags), json === true));
    });
  configured(deadLetters.command('retry'))
    .argument('<seq>', 'its number in the list', wholeNumber)
    .description('send one once more, behind everything that waits')
    .action(async (seq: number, flags: ConfigFlags) => {
      const { retryDeadLetter } = await import('../dead-letters.ts');
      finish(retryDeadLetter(sourcesOf(flags), seq));
    });
};
