import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { openJournal } from '../support/open-journal.ts';
import { untilGone } from '../support/pids.ts';
import { NO_AUTH, received } from '../support/received-messages.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { written } from '../support/written.ts';

/** Runs a command to its end. */
async function run(...args: readonly string[]) {
  const dragoman = DragomanProcess.spawn(...args);
  onTestFinished(() => dragoman.kill());
  const exitCode = await dragoman.exited();
  return { exitCode, stdout: dragoman.stdout, stderr: dragoman.stderr };
}

const QUIET = ['--log-level', 'silent'];

const oneLine = (text: string): boolean => text.trimEnd().split('\n').length === 1;

describe('dragoman demo', () => {
  test('exits 0 with everything in the history, twice in a row', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { exitCode, stdout, stderr } = await run('demo');
      expect(stderr).toBe('');
      expect(stdout).toContain('order      kept in every chat; nothing lost, nothing doubled');
      expect(stdout).toMatch(/✓ \[Corrupted image media could not be downloaded\] Can you read this\?/);
      expect(exitCode).toBe(0);
    }
  });

  test('drains at Ctrl-C and leaves nothing behind but what it was asked to keep', async () => {
    const folder = path.join(await scratchFolder(), 'kept');
    const dragoman = DragomanProcess.spawn('demo', '--data-folder', folder);
    onTestFinished(() => dragoman.kill());
    await dragoman.printed(/start talking/);
    dragoman.signal('SIGINT');
    expect(await dragoman.exited()).toBe(130);
    expect(dragoman.stdout).toContain(`What the demo stored is in ${folder}.`);
  });

  test('refuses a folder that holds something, and says so in a line', async () => {
    const folder = await scratchFolder();
    await writeFile(path.join(folder, 'diary.txt'), 'mine');
    const { exitCode, stderr } = await run('demo', '--data-folder', folder);
    expect(stderr).toContain('name an empty folder');
    expect(oneLine(stderr)).toBe(true);
    expect(exitCode).toBe(78);
  });
});

test.for(['start', 'backend', 'gateway'])(
  'dragoman %s tells a data folder that cannot be made in a line, and makes one for its user alone',
  async (command) => {
    const dir = await scratchFolder();
    const config = path.join(dir, 'dragoman.yaml');
    const token = 'a'.repeat(32);
    const uplink = { gatewayId: 'north', token, backends: ['ws://127.0.0.1:9/gateway'] };
    const anyPort = { listen: { port: 0 }, http: { port: 0 } };
    const backend = { ...anyPort, gateways: [{ id: 'north', token }] };
    await writeFile(config, JSON.stringify(command === 'gateway' ? { uplink } : backend));
    const inFile = await run(command, '--config', config, '--data-folder', path.join(config, 'data'));
    expect(inFile.stderr).toContain(
      `expected a data folder that this user can write at ${config}/data: ENOTDIR`,
    );
    expect(oneLine(inFile.stderr)).toBe(true);
    expect(inFile.exitCode).toBe(78);
    const dataFolder = path.join(dir, 'data');
    const dragoman = DragomanProcess.spawn(
      command,
      '--config',
      config,
      '--data-folder',
      dataFolder,
      ...QUIET,
    );
    onTestFinished(() => dragoman.kill());
    await dragoman.printed(/ is up/);
    expect((await stat(dataFolder)).mode & 0o777).toBe(0o700);
  },
);

test.for(['start', 'worker'])(
  'dragoman %s ends at once at Ctrl-C while MongoDB does not answer',
  async (command) => {
    const silent = createServer();
    onTestFinished(() => void silent.close());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const dir = await scratchFolder();
    await mkdir(path.join(dir, 'media'));
    const config = path.join(dir, 'dragoman.yaml');
    await writeFile(
      config,
      JSON.stringify({ dataFolder: dir, store: `mongodb://127.0.0.1:${port}/dragoman` }),
    );
    const dragoman = DragomanProcess.spawn(command, '--config', config);
    onTestFinished(() => dragoman.kill());
    await once(silent, 'connection');
    const askedAt = Date.now();
    dragoman.signal('SIGINT');
    expect(await dragoman.exited()).toBe(0);
    expect(Date.now() - askedAt).toBeLessThan(5_000);
    expect(dragoman.stderr).toBe('');
  },
);

test('dragoman start ends at once at Ctrl-C while a processor loads, and leaves nothing of it', async () => {
  const dir = await scratchFolder();
  const loading = path.join(dir, 'loading');
  const source = `import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(loading)}, String(process.pid));
    while (true);`;
  await writeFile(path.join(dir, 'slow.mjs'), source);
  const slow = { name: 'rest', mimeTypes: [], workers: 1, timeoutMs: 1_000, processor: './slow.mjs' };
  const config = path.join(dir, 'dragoman.json');
  await writeFile(config, JSON.stringify({ dataFolder: 'data', listen: { port: 0 }, pools: [slow] }));
  const dragoman = DragomanProcess.spawn('start', '--config', config);
  onTestFinished(() => dragoman.kill());
  const pid = Number(await written(loading, /^\d+$/));
  const askedAt = Date.now();
  dragoman.signal('SIGTERM');
  expect(await dragoman.exited()).toBe(0);
  expect(Date.now() - askedAt).toBeLessThan(5_000);
  expect(dragoman.stderr).not.toContain('Warning');
  await untilGone(pid);
});

/** A `dragoman start` that has linked itself to a simulator, and its command line. */
async function linked(folder: string) {
  const simulator = await startSimulator({ autoScan: true });
  onTestFinished(() => simulator.close());
  const origin = simulator.endpoint.mediaOrigin;
  const args = ['start', '--data-folder', folder, '--port', '0', '--simulator', origin];
  const dragoman = DragomanProcess.spawn(...args);
  onTestFinished(() => dragoman.kill());
  await dragoman.printed(/main: open/);
  return { dragoman, args, simulator };
}

describe('dragoman start', () => {
  test('links itself to a simulator, has its folder to itself, and stops at SIGTERM with 0', async () => {
    const folder = await scratchFolder();
    const { dragoman, args } = await linked(folder);
    expect(dragoman.stdout).toContain(`Everything durable lies in ${folder}.`);
    const second = await run(...args, ...QUIET);
    expect(oneLine(second.stderr)).toBe(true);
    expect(second.exitCode).toBe(69);
    expect(await dragoman.stop()).toBe(0);
    expect(dragoman.stderr).not.toContain('step not finished');
  });

  test('drains when its terminal is closed, with nobody to print to, however often it is told', async () => {
    const folder = await scratchFolder();
    const { dragoman } = await linked(folder);
    dragoman.closeOutput();
    dragoman.signal('SIGHUP');
    dragoman.signal('SIGHUP');
    expect(await dragoman.exited()).toBe(0);
    // What is abandoned leaves its sign of life.
    expect((await readdir(folder)).filter((name) => name.endsWith('.pulse'))).toEqual([]);
  });

  test('a second Ctrl-C ends a drain that waits for a job, with 130', async () => {
    const { dragoman, simulator } = await linked(await scratchFolder());
    await simulator.say('Ana', { voice: 1 });
    await dragoman.logged(/"msg":"job claimed"/);
    dragoman.signal('SIGINT');
    await dragoman.printed(/Draining/);
    dragoman.signal('SIGINT');
    expect(await dragoman.exited()).toBe(130);
  });

  test('says at once which variable was mistyped, and goes on', async () => {
    const args = ['start', '--data-folder', await scratchFolder(), '--port', '0', ...QUIET];
    const dragoman = DragomanProcess.spawnIn({ DRAGOMAN_LISTEN_PROT: '1' }, ...args);
    onTestFinished(() => dragoman.kill());
    await dragoman.printed(/Everything durable lies in/);
    expect(dragoman.stderr).toBe(
      'warning: DRAGOMAN_LISTEN_PROT names no setting: did you mean DRAGOMAN_LISTEN_PORT?\n',
    );
    await dragoman.stop();
  });

  test('SIGUSR2 logs the actor tree, one line per actor', async () => {
    const { dragoman } = await linked(await scratchFolder());
    dragoman.signal('SIGUSR2');
    // The last line of the tree.
    await dragoman.logged(/bot main: depth \d+/);
    expect(dragoman.stderr).toMatch(/worker image-1: depth 0/);
    expect(dragoman.stderr).toMatch(/ingestion ingestion: depth \d+/);
    await dragoman.stop();
  });
});

test('dragoman --version', async () => {
  expect(await run('--version')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

describe('dragoman dead-letters', () => {
  test('lists what was refused and retries it; the gateway sends it again when it runs', async () => {
    const folder = await scratchFolder();
    await mkdir(path.join(folder, 'gateway'));
    const journal = await openJournal({ dir: path.join(folder, 'gateway') });
    await journal.sessions.commit('main', NO_AUTH, [received('M1')]);
    journal.frames.refuse(1, 'frame_invalid', 'for the test');
    journal.close();

    const list = await run('dead-letters', 'list', '--data-folder', folder, '--json');
    expect(JSON.parse(list.stdout)).toMatchObject([
      { seq: 1, type: 'inbound', botId: 'main', code: 'frame_invalid' },
    ]);
    const elsewhere = await run('dead-letters', 'list', '--gateway', 'north', '--data-folder', folder);
    expect(elsewhere.stderr).toContain('there is no gateway north: expected gateway-');
    const retried = await run('dead-letters', 'retry', '1', '--data-folder', folder);
    expect(retried.stdout).toContain('Waits as 2');
    expect((await run('dead-letters', 'list', '--data-folder', folder)).stdout).toBe('No dead letters.\n');
    const again = await run('dead-letters', 'retry', '1', '--data-folder', folder);
    expect(again.stderr).toContain('there is no dead letter 1');
    expect(again.exitCode).toBe(1);
  });

  test.each(['with', 'without'])(
    'of another gateway are with the backend, which is said to be away (%s a journal here)',
    async (journal) => {
      const folder = await scratchFolder();
      await mkdir(path.join(folder, 'gateway'));
      if (journal === 'with') {
        (await openJournal({ dir: path.join(folder, 'gateway'), gatewayId: 'local' })).close();
      }
      const config = path.join(folder, 'dragoman.yaml');
      await writeFile(config, 'gateways: [{ id: berlin, token: a-token-for-the-test }]\n');
      const letters = (gateway: string) =>
        run('dead-letters', 'list', '--gateway', gateway, '--data-folder', folder, '--config', config);
      const berlin = await letters('berlin');
      expect(berlin.stderr).toContain('gateway berlin has its journal elsewhere');
      expect(oneLine(berlin.stderr)).toBe(true);
      expect(berlin.exitCode).toBe(69);
      const expected = journal === 'with' ? 'expected one of local, berlin\n' : 'expected berlin\n';
      expect((await letters('north')).stderr).toContain(`there is no gateway north: ${expected}`);
    },
  );

  test('says so where no gateway ever ran', async () => {
    const { exitCode, stderr } = await run('dead-letters', 'list', '--data-folder', await scratchFolder());
    expect(stderr).toContain('no gateway has its journal in');
    expect(oneLine(stderr)).toBe(true);
    expect(exitCode).toBe(1);
  });
});

describe('what a person got wrong is told in one line that says what to do', () => {
  test('a port that is in use', async () => {
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void occupant.close());
    const address = occupant.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const folder = await scratchFolder();
    const { exitCode, stderr } = await run(
      'start',
      '--port',
      String(port),
      '--data-folder',
      folder,
      ...QUIET,
    );
    expect(stderr).toContain(
      `port ${port} on 127.0.0.1 is in use: stop the other program, or choose another port`,
    );
    expect(oneLine(stderr)).toBe(true);
    expect(exitCode).toBe(69);
  });

  test('a data folder that cannot be written', async () => {
    const file = path.join(await scratchFolder(), 'a-file');
    await writeFile(file, '');
    const { exitCode, stderr } = await run(
      'start',
      '--data-folder',
      path.join(file, 'data'),
      '--log-level',
      'silent',
    );
    expect(stderr).toContain('a-file');
    expect(oneLine(stderr)).toBe(true);
    expect(exitCode).toBe(78);
  });

  test.each([
    ['no YAML', 'bots: [', 'is not valid YAML'],
    ['an unknown setting', 'botz: []', 'botz'],
    ['a limit of 0', 'bots: [{ id: a, limits: { maxMessages: 0 } }]', 'bots.0.limits.maxMessages'],
    ['a bad bot id', 'bots: [{ id: "My Bot" }]', 'bots.0.id: expected lower-case letters, digits and dashes'],
  ])('a configuration with %s', async (_what, text, told) => {
    const file = path.join(await scratchFolder(), 'dragoman.yaml');
    await writeFile(file, text);
    const { exitCode, stderr } = await run('start', '--config', file);
    expect(stderr).toContain(told);
    expect(stderr).toContain(file);
    expect(oneLine(stderr)).toBe(true);
    expect(exitCode).toBe(78);
  });

  test('a damaged store, which is kept', async () => {
    const folder = await scratchFolder();
    await writeFile(
      path.join(folder, 'dragoman.db'),
      'this is no database, and long enough to be looked at'.repeat(99),
    );
    const { exitCode, stderr } = await run(
      'start',
      '--data-folder',
      folder,
      '--port',
      '0',
      '--log-level',
      'silent',
    );
    expect(stderr).toContain('dragoman.db');
    expect(oneLine(stderr)).toBe(true);
    expect(exitCode).toBe(69);
  });

  test('a flag that does not exist', async () => {
    const { exitCode, stderr } = await run('start', '--prot', '1');
    expect(stderr).toContain("unknown option '--prot'");
    expect(exitCode).toBe(64);
  });

  test('an older Node', async () => {
    const old = "Object.defineProperty(process.versions, 'node', { value: '20.11.0' })";
    const dragoman = DragomanProcess.spawnWith(
      ['--import', `data:text/javascript,${encodeURIComponent(old)}`],
      'demo',
    );
    onTestFinished(() => dragoman.kill());
    expect(await dragoman.exited()).toBe(78);
    expect(dragoman.stderr).toContain('dragoman needs Node 24 or newer');
    expect(oneLine(dragoman.stderr)).toBe(true);
  });
});
