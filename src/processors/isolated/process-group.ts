/** Kills a process that leads a group, and everything that it has started. Does nothing when all are gone. */
export function endProcessGroup(leaderPid: number): void {
  try {
    process.kill(-leaderPid, 'SIGKILL');
  } catch {
    // ESRCH: nobody left.
  }
}
