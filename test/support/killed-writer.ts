import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('store-writer.ts', import.meta.url));
/** A writer that has not written enough by then is ended, as the signal tells. */
const TIMEOUT_MS = 60_000;

/**
 * Starts a process that writes to `store` and kills it with SIGKILL after `writes` acknowledged writes.
 * Returns the signal that ended it.
 */
export async function writeUntilKilled(store: string, log: string, writes: number): Promise<unknown> {
  const writer = spawn(process.execPath, [SCRIPT, store, log], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
  });
  const ended = once(writer, 'close');
  let dots = 0;
  writer.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    dots += chunk.length;
    if (dots >= writes) writer.kill('SIGKILL');
  });
  const [, signal] = await ended;
  return signal;
}

/** What the writers of `log` were told is durable: `accepted` and `ingested` `CHAT ID`, `completed` `GUID`. */
export function acknowledgedIn(log: string, what: 'accepted' | 'ingested' | 'completed'): string[] {
  // The last line may be cut in the middle.
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => (line.startsWith(`${what} `) ? line.slice(what.length + 1) : []));
}
