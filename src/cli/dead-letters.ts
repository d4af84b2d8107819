import { systemClock } from '../base/clock.ts';
import { DragomanError } from '../base/errors.ts';
import type { DeadLetter } from '../gateway/dead-letters.ts';
import { openGatewayJournal } from '../gateway/offline-journal.ts';
import { type ConfigSources, loadConfig } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { gatewayFolderOf } from './folders.ts';

/** `dragoman dead-letters list`: what the backend refused for good. Resolves to the exit code. */
export function listDeadLetters(sources: ConfigSources, asJson: boolean): number {
  return withDeadLetters(sources, (deadLetters) => {
    const letters = deadLetters.list();
    if (asJson) console.log(JSON.stringify(letters));
    else if (letters.length === 0) console.log('No dead letters.');
    else for (const letter of letters) console.log(describe(letter));
    return EXIT.ok;
  });
}

/** `dragoman dead-letters retry`: sends a refused frame once more, behind everything that waits. */
export function retryDeadLetter(sources: ConfigSources, seq: number): number {
  return withDeadLetters(sources, (deadLetters) => {
    const retry = deadLetters.retry(seq);
    switch (retry.kind) {
      case 'retried':
        console.log(`Waits as ${retry.seq}: it is sent when the gateway runs.`);
        return EXIT.ok;
      case 'hopeless':
        throw new DragomanError('frame_invalid', `dead letter ${seq} can never be sent: ${retry.reason}`);
      case 'not_found':
        throw new DragomanError(
          'not_found',
          `there is no dead letter ${seq}: see dragoman dead-letters list`,
        );
    }
  });
}

type DeadLetters = ReturnType<typeof openGatewayJournal>['deadLetters'];

function withDeadLetters(sources: ConfigSources, use: (deadLetters: DeadLetters) => number): number {
  const { dataFolder } = loadConfig(sources);
  const journal = openGatewayJournal(gatewayFolderOf(dataFolder), systemClock());
  try {
    return use(journal.deadLetters);
  } finally {
    journal.close();
  }
}

const describe = ({ seq, type, botId, code, reason, diedAt }: DeadLetter): string =>
  [seq, new Date(diedAt).toISOString(), type ?? 'no frame', botId ?? '-', code, reason].join('  ');
