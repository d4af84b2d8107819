import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch-folder.ts';

const SCRIPT = path.resolve('scripts/start.sh');
const TOKEN = /^[0-9a-f]{64}$/;

interface Host {
  readonly ostype: string;
  /** Text of /proc/version; null where there is none. */
  readonly procVersion: string | null;
  readonly owner: string;
}

const LINUX: Host = {
  ostype: 'linux-gnu',
  procVersion: 'Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)',
  owner: '1234:5678',
};

/** A machine with a fake `docker` and `id`, and the real everything else. */
class Machine {
  readonly folder: string;
  readonly #host: Host;

  private constructor(folder: string, host: Host) {
    this.folder = folder;
    this.#host = host;
  }

  static async of(host: Host, envFile?: string): Promise<Machine> {
    const folder = await scratchFolder();
    const bin = path.join(folder, 'bin');
    await mkdir(bin);
    const programs = {
      docker: 'printf "%s\\n" "$PWD: $*" >>"$DOCKER_CALLS"',
      id: 'case $1 in -u) echo 1234 ;; -g) echo 5678 ;; *) exit 1 ;; esac',
    };
    for (const [name, body] of Object.entries(programs)) {
      await writeFile(path.join(bin, name), `#!/bin/sh\n${body}\n`);
      await chmod(path.join(bin, name), 0o755);
    }
    if (host.procVersion !== null) await writeFile(path.join(folder, 'version'), host.procVersion);
    if (envFile !== undefined) await writeFile(path.join(folder, '.env'), envFile);
    return new Machine(folder, host);
  }

  start(...args: readonly string[]) {
    const { status, stderr } = spawnSync('/bin/bash', [SCRIPT, ...args], {
      encoding: 'utf8',
      cwd: '/',
      env: {
        PATH: this.#path(),
        OSTYPE: this.#host.ostype,
        PROC_VERSION_FILE: path.join(this.folder, 'version'),
        ENV_FILE: path.join(this.folder, '.env'),
        DOCKER_CALLS: path.join(this.folder, 'calls'),
      },
    });
    return { status, stderr };
  }

  /** Once `dirname` is among the fakes, they are all there is. */
  #path(): string {
    const fakes = path.join(this.folder, 'bin');
    return existsSync(path.join(fakes, 'dirname')) ? fakes : `${fakes}:${process.env['PATH']}`;
  }

  read(): Promise<string> {
    return readFile(path.join(this.folder, '.env'), 'utf8');
  }

  async valueOf(name: string): Promise<string | undefined> {
    return new RegExp(`^${name}=(.*)$`, 'm').exec(await this.read())?.[1];
  }

  /** What `docker` was called with, but for the question whether it has `compose`. */
  async dockerCalls(): Promise<readonly string[]> {
    const calls = await readFile(path.join(this.folder, 'calls'), 'utf8');
    return calls.split('\n').filter((call) => call !== '' && !call.endsWith('compose version'));
  }
}

describe('start.sh', () => {
  test.for<[string, Host]>([
    ['Linux', LINUX],
    ['macOS, without /proc', { ostype: 'darwin22', procVersion: null, owner: '1234:5678' }],
    [
      'WSL 1',
      {
        ...LINUX,
        procVersion: 'Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com)',
        owner: '1000:1000',
      },
    ],
    [
      'WSL 2',
      { ...LINUX, procVersion: 'Linux version 5.15.90.1-microsoft-standard-WSL2', owner: '1000:1000' },
    ],
    ['any case', { ...LINUX, procVersion: 'Linux version 9 MICROSOFT', owner: '1000:1000' }],
    ['Git Bash', { ostype: 'msys', procVersion: 'MINGW64_NT-10.0', owner: '1000:1000' }],
    ['Cygwin', { ostype: 'cygwin', procVersion: null, owner: '1000:1000' }],
  ])('on %s writes who the containers run as, twice the same', async ([, host]) => {
    const machine = await Machine.of(host);
    expect(machine.start('-d', '--build')).toEqual({ status: 0, stderr: '' });
    const first = await machine.read();
    expect(`${await machine.valueOf('CURRENT_UID')}:${await machine.valueOf('CURRENT_GID')}`).toBe(
      host.owner,
    );
    expect(await machine.valueOf('GATEWAY_TOKEN')).toMatch(TOKEN);
    expect(await machine.valueOf('HTTP_TOKEN')).toMatch(TOKEN);
    expect(machine.start()).toEqual({ status: 0, stderr: '' });
    expect(await machine.read()).toBe(first);
    const root = path.resolve('.');
    expect(await machine.dockerCalls()).toEqual([`${root}: compose up -d --build`, `${root}: compose up`]);
  });

  test('makes .env for its owner alone, with a token that is new each time', async () => {
    const tokens = new Set<string | undefined>();
    for (const machine of [await Machine.of(LINUX), await Machine.of(LINUX)]) {
      machine.start();
      expect((await stat(path.join(machine.folder, '.env'))).mode & 0o777).toBe(0o600);
      tokens.add(await machine.valueOf('GATEWAY_TOKEN')).add(await machine.valueOf('HTTP_TOKEN'));
    }
    expect(tokens.size).toBe(4);
  });

  const OURS = 'CURRENT_UID=1234\nCURRENT_GID=5678\nGATEWAY_TOKEN=g\nHTTP_TOKEN=h\n';

  test.for<[string, string, string]>([
    ['comments and order', `# mine\n\nB=2 # two\n${OURS}A='1'\n`, `# mine\n\nB=2 # two\n${OURS}A='1'\n`],
    [
      'what only looks like ours',
      `${OURS}#CURRENT_UID=7\nMY_CURRENT_UID=8\nX=CURRENT_UID=9\n`,
      `${OURS}#CURRENT_UID=7\nMY_CURRENT_UID=8\nX=CURRENT_UID=9\n`,
    ],
    ['backslashes, percent signs and blanks', `P=a\\nb%s  \n\t\n${OURS}`, `P=a\\nb%s  \n\t\n${OURS}`],
    [
      'a line of ours that says the same',
      `CURRENT_UID="1234" # me\n${OURS.slice(17)}`,
      `CURRENT_UID="1234" # me\n${OURS.slice(17)}`,
    ],
    [
      'an old user',
      `A=1\nCURRENT_UID='0' # root\nB=2\n${OURS.slice(17)}`,
      `A=1\nCURRENT_UID=1234\nB=2\n${OURS.slice(17)}`,
    ],
    [
      'an old user twice',
      `CURRENT_UID=1\n${OURS}CURRENT_UID=2\n`,
      `CURRENT_UID=1234\n${OURS}CURRENT_UID=1234\n`,
    ],
    [
      'export and blanks around the name',
      `export CURRENT_UID=0\n  CURRENT_GID = 0\n${OURS.slice(34)}`,
      `CURRENT_UID=1234\nCURRENT_GID=5678\n${OURS.slice(34)}`,
    ],
    [
      'Windows line ends',
      `A=1\r\n${OURS.replaceAll('\n', '\r\n').replace('1234', '9')}B=2\r\n`,
      `A=1\r\n${OURS.replaceAll('\n', '\r\n')}B=2\r\n`,
    ],
    ['no end of the last line', `${OURS}A=1`, `${OURS}A=1`],
    [
      'no end of a last line that is ours',
      `GATEWAY_TOKEN=g\nHTTP_TOKEN=h\nCURRENT_GID=5678\nCURRENT_UID=9`,
      `GATEWAY_TOKEN=g\nHTTP_TOKEN=h\nCURRENT_GID=5678\nCURRENT_UID=1234`,
    ],
    [
      'tokens in quotes',
      `${OURS.slice(0, 34)}GATEWAY_TOKEN="a b#c"\nHTTP_TOKEN='h'\n`,
      `${OURS.slice(0, 34)}GATEWAY_TOKEN="a b#c"\nHTTP_TOKEN='h'\n`,
    ],
  ])('keeps %s', async ([, before, after]) => {
    const machine = await Machine.of(LINUX, before);
    expect(machine.start()).toEqual({ status: 0, stderr: '' });
    expect(await machine.read()).toBe(after);
  });

  test.for<[string, string, RegExp]>([
    [
      'on lines of its own after a last line without an end',
      'A=1',
      /^A=1\nCURRENT_UID=1234\nCURRENT_GID=5678\nGATEWAY_TOKEN=\w{64}\nHTTP_TOKEN=\w{64}\n$/,
    ],
    [
      'with Windows line ends where the file has them',
      'A=1\r\n',
      /^A=1\r\nCURRENT_UID=1234\r\nCURRENT_GID=5678\r\nGATEWAY_TOKEN=\w{64}\r\nHTTP_TOKEN=\w{64}\r\n$/,
    ],
    [
      'in place of a token that is set to nothing',
      'GATEWAY_TOKEN=\nHTTP_TOKEN="" # none\n',
      /^GATEWAY_TOKEN=\w{64}\nHTTP_TOKEN=\w{64}\nCURRENT_UID=1234\nCURRENT_GID=5678\n$/,
    ],
    [
      'in an empty file',
      '',
      /^CURRENT_UID=1234\nCURRENT_GID=5678\nGATEWAY_TOKEN=\w{64}\nHTTP_TOKEN=\w{64}\n$/,
    ],
  ])('adds what is missing %s', async ([, before, after]) => {
    const machine = await Machine.of(LINUX, before);
    machine.start();
    expect(await machine.read()).toMatch(after);
  });

  test('keeps who may read the file, and a link to it', async () => {
    const machine = await Machine.of(LINUX);
    const real = path.join(machine.folder, 'real.env');
    await writeFile(real, 'A=1\n', { mode: 0o640 });
    await chmod(real, 0o640);
    await symlink('real.env', path.join(machine.folder, '.env'));
    expect(machine.start().status).toBe(0);
    expect(await readFile(real, 'utf8')).toContain('CURRENT_UID=1234');
    expect((await stat(real)).mode & 0o777).toBe(0o640);
  });

  test('says so in a line when .env is no file, and starts nothing', async () => {
    const machine = await Machine.of(LINUX);
    await mkdir(path.join(machine.folder, '.env'));
    const { status, stderr } = machine.start();
    expect(status).toBe(78);
    expect(stderr).toMatch(/^start\.sh: .*\.env is no file\n$/);
    expect(await machine.dockerCalls()).toEqual([]);
  });

  test('says what to install where there is no docker, or one without compose', async () => {
    const machine = await Machine.of(LINUX);
    const docker = path.join(machine.folder, 'bin', 'docker');
    await writeFile(docker, '#!/bin/sh\nexit 1\n');
    const without = machine.start();
    expect(without.status).toBe(69);
    expect(without.stderr).toContain('this docker has no compose');

    await rm(docker);
    await symlink('/usr/bin/dirname', path.join(machine.folder, 'bin', 'dirname'));
    const none = machine.start();
    expect(none.status).toBe(69);
    expect(none.stderr).toContain('docker is not installed');
  });
});

const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;
test.skipIf(!hasShellcheck)('shellcheck finds nothing in start.sh', () => {
  const { status, stdout } = spawnSync('shellcheck', [SCRIPT], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
});
