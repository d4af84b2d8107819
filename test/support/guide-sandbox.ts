import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { scratchFolder } from './scratch-folder.ts';

/** A block of shell commands in a document. */
export interface ShellBlock {
  readonly line: number;
  readonly script: string;
  /** What its output says once it is up; null when it ends by itself. */
  readonly runsUntil: RegExp | null;
}

/** The ```sh blocks of a document, indented ones too. `<!-- runs until: PATTERN -->` stands before one that goes on. */
export async function shellBlocksOf(document: string): Promise<readonly ShellBlock[]> {
  const text = await readFile(document, 'utf8');
  const blocks = text.matchAll(/(?:<!-- runs until: (.+) -->\n)?^( *)```sh\n([\s\S]*?)^ *```$/gm);
  return Array.from(blocks, ({ index, 1: until, 2: indent = '', 3: script = '' }) => ({
    line: text.slice(0, index).split('\n').length,
    script: script.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    runsUntil: until === undefined ? null : new RegExp(until, 'm'),
  }));
}

/** Ports that the documents name, and ones that are free instead. */
const DOCUMENTED_PORTS = ['7310', '7311', '7320'];

/**
 * A checkout as a reader would have it, in which documented commands run for real but for what needs a container
 * engine, a registry or a remote repository: `docker`, `npm ci` and `git pull` are written down and do nothing.
 */
export class GuideSandbox {
  readonly folder: string;
  readonly #ports: ReadonlyMap<string, string>;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(
    folder: string,
    ports: ReadonlyMap<string, string>,
    environment: Readonly<Record<string, string>>,
  ) {
    this.folder = folder;
    this.#ports = ports;
    this.#environment = environment;
  }

  static async create(environment: Readonly<Record<string, string>> = {}): Promise<GuideSandbox> {
    const folder = await scratchFolder();
    for (const entry of ['bin', 'docker', 'scripts']) {
      await cp(entry, path.join(folder, entry), { recursive: true });
    }
    for (const entry of ['src', 'node_modules', 'package.json', 'docker-compose.yml']) {
      await symlink(path.resolve(entry), path.join(folder, entry));
    }
    await writeFile(path.join(folder, 'dragoman.yaml'), 'bots: [{ id: main }]\n');
    const fakes = path.join(folder, 'fakes');
    await mkdir(fakes);
    const dragoman = `exec "${process.execPath}" "${path.join(folder, 'bin/dragoman.js')}"`;
    const programs = {
      docker: 'echo "docker $*" >>"$CALLS"',
      git: 'echo "git $*" >>"$CALLS"; [ "$1" = pull ]',
      npx: `[ "$1" = dragoman ] || exit 64; shift; ${dragoman} "$@"`,
      // npm passes on what comes after `--`
      npm: `case $1 in
        ci) echo "npm ci" >>"$CALLS" ;;
        start) [ "\${2:---}" = -- ] || exit 64; shift; [ $# = 0 ] || shift; ${dragoman} start "$@" ;;
        run) [ "$2" = simulate ] || exit 64; shift 2; [ $# = 0 ] || shift; ${dragoman} simulate --port "$SIMULATOR_PORT" "$@" ;;
        *) exit 64 ;;
      esac`,
      node: `exec "${process.execPath}" "$@"`,
    };
    for (const [name, body] of Object.entries(programs)) {
      await writeFile(path.join(fakes, name), `#!/bin/sh\n${body}\n`);
      await chmod(path.join(fakes, name), 0o755);
    }
    const free = await Promise.all(DOCUMENTED_PORTS.map(freePort));
    const ports = new Map(DOCUMENTED_PORTS.map((port, index) => [port, free[index] ?? port]));
    return new GuideSandbox(folder, ports, environment);
  }

  /** Runs a block as a reader's shell would. Resolves to what it printed, once it has ended well or is up. */
  async run({ script, runsUntil }: ShellBlock): Promise<string> {
    const written = DOCUMENTED_PORTS.reduce(
      (text, port) => text.replaceAll(port, this.#portFor(port)),
      script,
    );
    const shell = spawn('/bin/bash', ['-euo', 'pipefail', '-c', written], {
      cwd: this.folder,
      detached: true,
      env: {
        ...process.env,
        PATH: `${path.join(this.folder, 'fakes')}:${process.env['PATH']}`,
        CALLS: path.join(this.folder, 'calls'),
        DRAGOMAN_LISTEN_PORT: this.#portFor('7310'),
        DRAGOMAN_HTTP_PORT: this.#portFor('7311'),
        SIMULATOR_PORT: this.#portFor('7320'),
        ...this.#environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => killGroup(shell));
    return runsUntil === null ? toTheEnd(shell) : untilUp(shell, runsUntil);
  }

  /** What the stand-ins were called with. */
  async calls(): Promise<readonly string[]> {
    return (await readFile(path.join(this.folder, 'calls'), 'utf8').catch(() => '')).trimEnd().split('\n');
  }

  #portFor(documented: string): string {
    return this.#ports.get(documented) ?? documented;
  }
}

async function freePort(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return String(typeof address === 'object' && address !== null ? address.port : 0);
}

function outputOf(shell: ChildProcess): () => string {
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) {
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  return () => output;
}

async function toTheEnd(shell: ChildProcess): Promise<string> {
  const output = outputOf(shell);
  await once(shell, 'close');
  if (shell.exitCode !== 0) throw new Error(`it ended with ${shell.exitCode}: ${output()}`);
  return output();
}

async function untilUp(shell: ChildProcess, pattern: RegExp): Promise<string> {
  const output = outputOf(shell);
  const ended = once(shell, 'close').then(() => 'ended' as const);
  while (!pattern.test(output())) {
    const next = await Promise.race([once(shell.stdout ?? shell, 'data'), ended]);
    if (next === 'ended') throw new Error(`it ended without ${pattern}: ${output()}`);
  }
  return output();
}

async function killGroup(shell: ChildProcess): Promise<void> {
  if (shell.pid === undefined) return;
  try {
    process.kill(-shell.pid, 'SIGKILL');
  } catch {
    // all of it has ended
  }
}
