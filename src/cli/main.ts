import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { DragomanError } from '../base/errors.ts';
import type { ConfigOverrides } from '../system/config.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';

interface StartFlags extends ConfigOverrides {
  readonly config?: string;
}

const portNumber = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('expected a number from 0 to 65535');
};

const wholeNumber = (text: string): number => {
  if (/^[1-9]\d{0,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number');
};

/** Runs the command line. Resolves to the process's exit code; every failure is one line on stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('dragoman')
    .description(
      'An actor runtime for WhatsApp bots: every message keeps its place while media become words.',
    )
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  dragoman demo                           a conversation through everything, on this machine alone
  dragoman start --config dragoman.yaml   gateway and backend for a real phone
  dragoman simulate                       an offline WhatsApp to build bots against

Exit codes: 0 done, 1 failed, 64 wrong usage, 69 something needed is in use or away, 78 configuration, 130 interrupted`,
    );

  program
    .command('start')
    .description('run gateway and backend in one process; shows a QR code to link a phone')
    .option('--config <file>', 'configuration (YAML or JSON)')
    .option('--data-folder <folder>', 'where everything durable lies')
    .option('--port <number>', 'port that gateways dial', portNumber)
    .option('--simulator <url>', 'talk to a simulator instead of WhatsApp')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .action(async ({ config, ...flags }: StartFlags) => {
      const { start } = await import('./start.ts');
      exitCode = await start({ file: config, environment: process.env, flags });
    });

  program
    .command('demo')
    .description('pair a bot with the simulator and watch a conversation become words')
    .option('--data-folder <folder>', 'keep what the demo stores there')
    .action(async ({ dataFolder }: { dataFolder?: string }) => {
      const { demo } = await import('./demo.ts');
      exitCode = await demo({ dataFolder });
    });

  program
    .command('simulate')
    .description('keep an offline WhatsApp running')
    .option('--port <number>', 'port of its socket, media and control', portNumber, 7_320)
    .action(async ({ port }: { port: number }) => {
      const { simulate } = await import('./simulate.ts');
      exitCode = await simulate({ port });
    });

  const deadLetters = program
    .command('dead-letters')
    .description('what the backend refused for good; the gateway must not be running');
  deadLetters
    .command('list')
    .description('one line each: seq, when, what, bot, why')
    .option('--config <file>', 'configuration (YAML or JSON)')
    .option('--data-folder <folder>', 'where everything durable lies')
    .option('--json', 'for programs')
    .action(async ({ config, json, ...flags }: StartFlags & { json?: boolean }) => {
      const { listDeadLetters } = await import('./dead-letters.ts');
      exitCode = listDeadLetters({ file: config, environment: process.env, flags }, json === true);
    });
  deadLetters
    .command('retry')
    .argument('<seq>', 'its number in the list', wholeNumber)
    .description('send one once more, behind everything that waits')
    .option('--config <file>', 'configuration (YAML or JSON)')
    .option('--data-folder <folder>', 'where everything durable lies')
    .action(async (seq: number, { config, ...flags }: StartFlags) => {
      const { retryDeadLetter } = await import('./dead-letters.ts');
      exitCode = retryDeadLetter({ file: config, environment: process.env, flags }, seq);
    });

  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  // commander has already said what is wrong, or shown the help that was asked for
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof DragomanError) console.error(`dragoman: ${error.message}`);
  else console.error('dragoman: a bug:', error);
  return exitCodeOf(error);
}
