import { type ConfigFlags, reaching, type Register, sourcesOf, wholeNumber } from './command.ts';

interface ListFlags extends ConfigFlags {
  readonly limit: number;
  readonly after?: string;
  readonly json?: boolean;
}

export const registerChats: Register = (program, finish) => {
  const chats = program
    .command('chats')
    .description('the conversations of a bot: from the running backend, or from the store when none runs')
    .addHelpText(
      'after',
      `
Examples:
  dragoman chats list reception --limit 20
  dragoman chats show reception 4915112345678@s.whatsapp.net
  dragoman chats show reception 120363041234567890@g.us --json | jq .queue
  dragoman chats forget reception 4915112345678@s.whatsapp.net --yes`,
    );
  reaching(chats.command('list'))
    .argument('<bot>', 'its id')
    .description('its chats, in the order in which they were made')
    .option('--limit <number>', 'chats of a page', wholeNumber, 50)
    .option('--after <cursor>', 'the page behind this one')
    .option('--json', 'for programs')
    .action(async (botId: string, { limit, after, json, ...flags }: ListFlags) => {
      const { listChats } = await import('../chats.ts');
      finish(await listChats(sourcesOf(flags), botId, { limit, after, json }));
    });
  reaching(chats.command('show'))
    .argument('<bot>', 'its id')
    .argument('<chat>', 'any identifier of the chat')
    .description('what waits in its places, and the end of its history')
    .option('--limit <number>', 'messages of the history', wholeNumber, 20)
    .option('--json', 'for programs')
    .action(async (botId: string, identifier: string, { limit, json, ...flags }: ListFlags) => {
      const { showChat } = await import('../chats.ts');
      finish(await showChat(sourcesOf(flags), { botId, identifier }, { limit, json }));
    });
  reaching(chats.command('forget'))
    .argument('<bot>', 'its id')
    .argument('<chat>', 'any identifier of the chat')
    .description('delete everything of a chat for good: queue, history, identifiers, jobs and files')
    .requiredOption('--yes', 'that you mean it: there is no way back')
    .option('--json', 'for programs')
    .action(
      async (botId: string, identifier: string, { json, ...flags }: ConfigFlags & { json?: boolean }) => {
        const { forgetChat } = await import('../chats.ts');
        finish(await forgetChat(sourcesOf(flags), { botId, identifier }, json === true));
      },
    );
};
