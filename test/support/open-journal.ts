import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { Journal, type JournalOptions } from '../../src/gateway/journal.ts';
import { decodeGatewayFrame } from '../../src/protocol/codec.ts';
import type { GatewayFrame } from '../../src/protocol/frames.ts';
import { ManualClock } from './manual-clock.ts';
import { scratchFolder } from './scratch-folder.ts';

/** Opens a journal in `dir`, or in a new folder; a journal that is still open at the test's end is closed. */
export async function openJournal(
  overrides: Partial<JournalOptions> & { readonly dir?: string; readonly clock?: Clock } = {},
): Promise<Journal> {
  const dir = overrides.dir ?? (await scratchFolder());
  const journal = new Journal({
    file: path.join(dir, 'gateway.sqlite'),
    clock: new ManualClock(),
    providerName: 'simulator',
    undecryptableWaitMs: 120_000,
    seenDays: 14,
    ...overrides,
  });
  let open = true;
  const close = journal.close.bind(journal);
  journal.close = () => {
    if (open) close();
    open = false;
  };
  onTestFinished(() => journal.close());
  return journal;
}

/** The unacked frames, decoded, in order. */
export const framesOf = (journal: Journal): readonly GatewayFrame[] =>
  journal.frames.after(0, 100_000).map(({ body }) => {
    const decoded = decodeGatewayFrame(body);
    if (decoded.kind === 'malformed') throw new Error(decoded.reason);
    return decoded.frame;
  });

export const seqsOf = (journal: Journal): readonly number[] =>
  journal.frames.after(0, 100_000).map(({ seq }) => seq);
