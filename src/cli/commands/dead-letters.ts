import { type ConfigFlags, reaching, type Register, sourcesOf, wholeNumber } from './command.ts';

type Flags = ConfigFlags & { readonly gateway?: string };

export const registerDeadLetters: Register = (program, finish) => {
  const deadLetters = program
    .command('dead-letters')
    .description('what the backend refused for good, and its gateway keeps');
  reaching(deadLetters.command('list'))
    .description(
      'of every gateway that is connected, or, where no backend runs, of the one in the data folder',
    )
    .option('--gateway <id>', 'of this one alone')
    .option('--json', 'for programs')
    .action(async ({ json, gateway, ...flags }: Flags & { json?: boolean }) => {
      const { listDeadLetters } = await import('../dead-letters.ts');
      finish(await listDeadLetters(sourcesOf(flags), gateway ?? null, json === true));
    });
  reaching(deadLetters.command('retry'))
    .argument('<seq>', 'its number in the list', wholeNumber)
    .description('send one once more, behind everything that waits')
    .option('--gateway <id>', 'whose it is, where several are connected')
    .action(async (seq: number, { gateway, ...flags }: Flags) => {
      const { retryDeadLetter } = await import('../dead-letters.ts');
      finish(await retryDeadLetter(sourcesOf(flags), gateway ?? null, seq));
    });
};
