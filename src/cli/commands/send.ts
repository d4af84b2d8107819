import { type ConfigFlags, reaching, type Register, sourcesOf } from './command.ts';

export const registerSend: Register = (program, finish) => {
  reaching(program.command('send'))
    .argument('<bot>', 'its id')
    .argument('<chat>', 'any identifier of the chat')
    .argument('<text>', 'what to send')
    .description('have a bot send a text; done when WhatsApp has it')
    .option('--request-id <id>', 'whoever asks again with the same one never has the text sent twice')
    .option('--json', 'for programs')
    .addHelpText(
      'after',
      `
Example:
  dragoman send reception 4915112345678@s.whatsapp.net 'We open at nine.'`,
    )
    .action(
      async (
        botId: string,
        to: string,
        text: string,
        { requestId, json, ...flags }: ConfigFlags & { requestId?: string; json?: boolean },
      ) => {
        const { send } = await import('../send.ts');
        const request = { botId, to, text, ...(requestId !== undefined && { requestId }) };
        finish(await send(sourcesOf(flags), request, json === true));
      },
    );
};
