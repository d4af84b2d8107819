import { execFileSync } from 'node:child_process';

/** Whether this machine has what changes a running process's limits. */
export const mayLimitHandles = ((): boolean => {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn('processes without a file handle left: skipped: no prlimit');
    return false;
  }
})();

/** From now on the process gets no file handle; those that it has it keeps. */
export const takeHandles = (pid: number): void => limitHandles(pid, 3);

export const giveHandles = (pid: number): void => limitHandles(pid, 4_096);

/** The soft limit alone: it may be raised again. */
function limitHandles(pid: number, most: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]);
}
