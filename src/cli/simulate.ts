import { systemClock } from '../base/clock.ts';
import { describeSimulator, startSimulator } from '../simulator/simulator.ts';
import { createLogger } from '../system/logger.ts';
import { EXIT } from './exit-codes.ts';
import { untilSignal } from './until-signal.ts';

/** `dragoman simulate`: an offline WhatsApp until Ctrl-C. Resolves to the exit code. */
export async function simulate({ port }: { readonly port: number }): Promise<number> {
  const log = createLogger({ level: 'warn', pretty: process.stderr.isTTY });
  const simulator = await startSimulator({ port, autoScan: true, clock: systemClock(), log });
  for (const line of describeSimulator(simulator)) console.log(line);
  console.log(`  link a bot                  npm start -- --simulator ${simulator.endpoint.mediaOrigin}`);
  await untilSignal();
  await simulator.close();
  return EXIT.ok;
}
