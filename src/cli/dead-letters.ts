import { systemClock } from '../base/clock.ts';
import { DragomanError, hasCode } from '../base/errors.ts';
import type { OfflineJournal } from '../gateway/offline-journal.ts';
import type { GatewaysAdministration } from '../system/administration.ts';
import { hopelessLetter, noLetter } from '../system/administration/gateways.ts';
import { unknownGateway } from '../system/administration/known-names.ts';
import type { DeadLetterView } from '../system/administration/views.ts';
import { type Config, type ConfigSources, loadConfig } from '../system/config.ts';
import { EXIT } from './exit-codes.ts';
import { gatewayFolderOf } from './folders.ts';
import { oneLine, table } from './table.ts';
import { withBackend } from './with-administration.ts';

/** A dead letter, and whose it is. */
interface KeptLetter extends DeadLetterView {
  readonly gatewayId: string;
}

/** The dead letters of one gateway or of several. */
interface LetterDesk {
  list(): Promise<readonly KeptLetter[]>;
  /** Resolves to the letter's new seq. */
  resend(seq: number): Promise<number>;
}

/** Asked of a backend at a time. */
const PAGE = 200;

/** `dragoman dead-letters list`: what the backend refused for good. Resolves to the exit code. */
export const listDeadLetters = (
  sources: ConfigSources,
  gatewayId: string | null,
  asJson: boolean,
): Promise<number> =>
  withLetters(sources, gatewayId, async (desk) => {
    const letters = await desk.list();
    if (asJson) console.log(JSON.stringify(letters));
    else if (letters.length === 0) console.log('No dead letters.');
    else console.log(table(['GATEWAY', 'SEQ', 'SINCE', 'FRAME', 'BOT', 'WHY'], letters.map(rowOf)));
    return EXIT.ok;
  });

/** `dragoman dead-letters retry`: sends a refused frame once more, behind everything that waits. */
export const retryDeadLetter = (
  sources: ConfigSources,
  gatewayId: string | null,
  seq: number,
): Promise<number> =>
  withLetters(sources, gatewayId, async (desk) => {
    console.log(`Waits as ${await desk.resend(seq)}: it is sent behind everything that waits already.`);
    return EXIT.ok;
  });

/** Asks the gateways over the running backend; where none runs, the journal of a gateway that does not run either. */
async function withLetters<T>(
  sources: ConfigSources,
  gatewayId: string | null,
  use: (desk: LetterDesk) => Promise<T>,
): Promise<T> {
  try {
    return await withBackend(sources, ({ gateways }) => use(overBackend(gateways, gatewayId)));
  } catch (error) {
    if (!hasCode(error, 'backend_unreachable')) throw error;
    return inJournal(loadConfig(sources), gatewayId, error, use);
  }
}

function overBackend(gateways: GatewaysAdministration, named: string | null): LetterDesk {
  const asked = async (): Promise<readonly string[]> => {
    if (named !== null) return [named];
    const linked = (await gateways.list()).filter((each) => each.linked).map(({ gatewayId }) => gatewayId);
    if (linked.length > 0) return linked;
    throw new DragomanError('link_closed', 'no gateway is connected: only gateways have their dead letters');
  };
  const lettersOf = async (gatewayId: string): Promise<readonly KeptLetter[]> => {
    const letters: KeptLetter[] = [];
    let after: string | undefined;
    do {
      const { items, next } = await gateways.deadLetters(gatewayId, { after, limit: PAGE });
      letters.push(...items.map((letter) => ({ gatewayId, ...letter })));
      after = next ?? undefined;
    } while (after !== undefined);
    return letters;
  };
  return {
    list: async () => (await Promise.all((await asked()).map(lettersOf))).flat(),
    async resend(seq) {
      const [gatewayId, ...others] = await asked();
      if (gatewayId === undefined || others.length > 0) {
        const names = [gatewayId, ...others].join(', ');
        throw new DragomanError(
          'request_invalid',
          `several gateways are connected (${names}): name one with --gateway`,
        );
      }
      return (await gateways.resend(gatewayId, seq)).waitsAs;
    },
  };
}

async function inJournal<T>(
  config: Config,
  named: string | null,
  unreachable: DragomanError,
  use: (desk: LetterDesk) => Promise<T>,
): Promise<T> {
  const journal = await openJournal(config, named, unreachable);
  const { deadLetters, gatewayId: kept } = journal;
  const gatewayId = kept ?? '-';
  try {
    if (named !== null && named !== kept) throw notHere(config, named, kept, unreachable);
    return await use({
      list: () => Promise.resolve(deadLetters.list().map((letter) => ({ gatewayId, ...letter }))),
      async resend(seq) {
        const retry = deadLetters.retry(seq);
        if (retry.kind === 'retried') return retry.seq;
        throw retry.kind === 'not_found' ? noLetter(seq) : hopelessLetter(seq, retry.reason);
      },
    });
  } finally {
    journal.close();
  }
}

async function openJournal(
  config: Config,
  named: string | null,
  unreachable: DragomanError,
): Promise<OfflineJournal> {
  const { openGatewayJournal } = await import('../gateway/offline-journal.ts');
  try {
    return openGatewayJournal(gatewayFolderOf(config.dataFolder), systemClock());
  } catch (error) {
    if (named === null || !hasCode(error, 'not_found')) throw error;
    throw notHere(config, named, null, unreachable);
  }
}

/** Of a gateway whose journal is not the one of this data folder; its backend would have asked it. */
function notHere(
  { gateways, dataFolder }: Config,
  named: string,
  kept: string | null,
  unreachable: DragomanError,
): DragomanError {
  const configured = gateways.map(({ id }) => id);
  if (!configured.includes(named)) {
    return unknownGateway(named, new Set(kept === null ? configured : [kept, ...configured]));
  }
  return new DragomanError(
    'backend_unreachable',
    `gateway ${named} has its journal elsewhere than in ${dataFolder}, and ${unreachable.message}`,
    { cause: unreachable },
  );
}

const rowOf = ({ gatewayId, seq, type, botId, code, reason, diedAt }: KeptLetter): readonly string[] => [
  gatewayId,
  String(seq),
  new Date(diedAt).toISOString(),
  type ?? 'no frame',
  botId ?? '-',
  oneLine(`${code}: ${reason}`),
];
