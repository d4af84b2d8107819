import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when there is no such process: of processes that are not our own there is no event to wait for. */
export async function untilGone(pid: number): Promise<void> {
  while (isRunning(pid)) await pause(POLL_MS);
}
