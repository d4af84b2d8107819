import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { freePort } from './listening-port.ts';

const START_MS = 60_000;

/** How a server of this machine was started. */
interface ServerProcess {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly uid: number;
  readonly gid: number;
}

/** The server that listens on `port`, if it runs on this machine and may be looked at; null otherwise. */
function serverOn(port: string): ServerProcess | null {
  if (process.platform !== 'linux') return null;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      // Some programs write their arguments anew, as one text.
      const [command, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split(/[\0 ]+/)
        .filter((arg) => arg !== '');
      if (command === undefined || !/mongod(\.exe)?$/.test(command) || !args.includes(port)) continue;
      const executable = readlinkSync(`/proc/${pid}/exe`);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const idOf = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
      return {
        program: executable,
        args: basename(executable).startsWith('mongod') ? args : [command, ...args],
        environment: environmentOf(pid),
        uid: idOf('Uid'),
        gid: idOf('Gid'),
      };
    } catch {
      // It has ended, or is another user's.
    }
  }
  return null;
}

const environmentOf = (pid: string): NodeJS.ProcessEnv =>
  Object.fromEntries(
    readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      // What Wine tells its own processes is not for the first of them.
      .filter((entry) => entry.includes('=') && !entry.startsWith('WINELOADER'))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

/**
 * A MongoDB server of the test's own, which it may kill: started as the one at `MONGODB_URL` was, on another port and
 * another folder.
 */
export class OwnMongod {
  readonly port: number;
  readonly #model: ServerProcess;
  readonly #folder: string;
  #process: ChildProcess | null = null;

  private constructor(model: ServerProcess, port: number) {
    this.#model = model;
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'dragoman-mongod-'));
    chownSync(this.#folder, model.uid, model.gid);
  }

  /** Null where the server at `url` is not one of this machine's. */
  static async like(url: string | undefined): Promise<OwnMongod | null> {
    const model = url === undefined ? null : serverOn(new URL(url).port);
    if (model === null) return null;
    const own = new OwnMongod(model, await freePort());
    await own.start();
    const member = { _id: 0, host: `127.0.0.1:${own.port}` };
    await own.#admin({ replSetInitiate: { _id: own.#setName, members: [member] } });
    await own.#untilPrimary();
    return own;
  }

  url(database: string): string {
    return `mongodb://127.0.0.1:${this.port}/${database}?replicaSet=${this.#setName}`;
  }

  /** Resolves when it answers; a member of a set that it was before, as its primary. */
  async start(): Promise<void> {
    const { program, environment, uid, gid } = this.#model;
    this.#process = spawn(program, this.#args(), {
      env: environment,
      uid,
      gid,
      stdio: 'ignore',
    });
    const until = Date.now() + START_MS;
    for (;;) {
      try {
        await this.#admin({ ping: 1 });
        return;
      } catch (error) {
        if (Date.now() > until) throw error;
        await delay(100);
      }
    }
  }

  async kill(): Promise<void> {
    const server = this.#process;
    this.#process = null;
    if (server === null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #setName(): string {
    return this.#valueOf('--replSet') ?? 'rs0';
  }

  #valueOf(option: string): string | undefined {
    const { args } = this.#model;
    return args.includes(option) ? args[args.indexOf(option) + 1] : undefined;
  }

  #args(): string[] {
    // A drive letter tells of a server that names its files so.
    const isForeign = /^[A-Z]:/.test(this.#valueOf('--dbpath') ?? '');
    const folder = isForeign ? `Z:${this.#folder.replaceAll('/', '\\')}` : this.#folder;
    const changed = new Map([
      ['--dbpath', folder],
      ['--port', String(this.port)],
    ]);
    const { args } = this.#model;
    return args.map((arg, index) => changed.get(args[index - 1] ?? '') ?? arg);
  }

  async #untilPrimary(): Promise<void> {
    const until = Date.now() + START_MS;
    while ((await this.#admin({ hello: 1 }))['isWritablePrimary'] !== true) {
      if (Date.now() > until) throw new Error('expected the set to have a primary');
      await delay(100);
    }
  }

  async #admin(command: object): Promise<Record<string, unknown>> {
    const url = `mongodb://127.0.0.1:${this.port}/?directConnection=true`;
    await using client = new MongoClient(url, { serverSelectionTimeoutMS: 1_000 });
    return await client.db('admin').command(command);
  }
}
