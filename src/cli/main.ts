import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { DragomanError } from '../base/errors.ts';
import { registerBackend } from './commands/backend.ts';
import { registerBots } from './commands/bots.ts';
import { registerChats } from './commands/chats.ts';
import type { Register } from './commands/command.ts';
import { registerDeadLetters } from './commands/dead-letters.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerGateway } from './commands/gateway.ts';
import { registerHealth } from './commands/health.ts';
import { registerInspect } from './commands/inspect.ts';
import { registerJanitor } from './commands/janitor.ts';
import { registerJobs } from './commands/jobs.ts';
import { registerPools } from './commands/pools.ts';
import { registerSend } from './commands/send.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerStart } from './commands/start.ts';
import { registerStore } from './commands/store.ts';
import { registerWorker } from './commands/worker.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

/** In the order in which `--help` shows them. */
const COMMANDS: readonly Register[] = [
  registerStart,
  registerBackend,
  registerGateway,
  registerWorker,
  registerDemo,
  registerSimulate,
  registerBots,
  registerChats,
  registerJobs,
  registerPools,
  registerInspect,
  registerJanitor,
  registerSend,
  registerDeadLetters,
  registerStore,
  registerHealth,
  registerDoctor,
];

const HELP = `
Examples:
  dragoman demo                           a conversation through everything, on this machine alone
  dragoman start --config dragoman.yaml   gateway and backend for a real phone
  dragoman simulate                       an offline WhatsApp to build bots against
  dragoman chats show main 4915…@s.whatsapp.net   what waits in a chat, and its history

Exit codes: 0 done, 1 failed, 64 wrong usage, 69 something needed is in use or away,
            77 the token is wrong, 78 configuration, 130 interrupted`;

/** Runs the command line. Resolves to the process's exit code; every failure is one line on stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  outliveReaders();
  const program = new Command('dragoman')
    .description(
      'An actor runtime for WhatsApp bots: every message keeps its place while media become words.',
    )
    .version(version)
    .exitOverride()
    .addHelpText('after', HELP);
  for (const register of COMMANDS) register(program, (code) => (exitCode = code));
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error);
  }
}

/** Whoever reads what is printed may go, as `| head` does or a terminal that is closed: what is to be done is done all the same. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

function report(error: unknown): number {
  // commander has already said what is wrong, or shown the help that was asked for
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof DragomanError) console.error(`dragoman: ${error.message}`);
  else console.error('dragoman: a bug:', error);
  return exitCodeOf(error);
}
