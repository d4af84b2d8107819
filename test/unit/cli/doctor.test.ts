import { once } from 'node:events';
import { chmod, mkdir, utimes, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/log.ts';
import type { Finding } from '../../../src/cli/doctor/check.ts';
import { checkNode } from '../../../src/cli/doctor/configuration-checks.ts';
import { doctor } from '../../../src/cli/doctor/doctor.ts';
import { beingHere, Pulse } from '../../../src/cli/pulse.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { MONGODB_URL } from '../../support/mongo-subject.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { mayMount, smallDisk } from '../../support/small-disk.ts';

const STRONG = '0123456789abcdef'.repeat(2);

interface Visit {
  readonly exitCode: number;
  readonly of: (check: string) => Finding | undefined;
  readonly findings: readonly Finding[];
}

/** Looks at a configuration in `folder`, on ports that are free. */
async function visit(folder: string, settings: object = {}, environment = {}): Promise<Visit> {
  const file = path.join(folder, 'dragoman.yaml');
  const ports = { listen: { port: 0 }, http: { port: 0 } };
  await writeFile(file, JSON.stringify({ ...ports, ...settings }));
  const printed = vi.spyOn(console, 'log').mockImplementation(() => {});
  const exitCode = await doctor({ file, environment, flags: {} }, true);
  const { findings }: { findings: Finding[] } = JSON.parse(String(printed.mock.calls[0]?.[0]));
  printed.mockRestore();
  return { exitCode, findings, of: (check) => findings.find((finding) => finding.check === check) };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('finds nothing wrong with a new folder, makes nothing there, and says so in lines', async () => {
  const folder = await scratchFolder();
  const { exitCode, findings, of } = await visit(folder);
  expect(findings.map(({ check }) => check)).toEqual([
    'node',
    'configuration',
    'data folder',
    'staging folder',
    'store',
    'clock',
    'port for gateways',
    'port of http',
  ]);
  expect(findings.filter(({ state }) => state === 'failing')).toEqual([]);
  expect(exitCode).toBe(0);
  expect(of('store')?.found).toContain('(made at start)');
  expect(of('data folder')?.found).toContain(`${folder}/data (made at start)`);

  const lines: string[] = [];
  const printed = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  await doctor({ file: path.join(folder, 'dragoman.yaml'), environment: {}, flags: {} }, false);
  printed.mockRestore();
  expect(lines).toHaveLength(findings.length);
  expect(lines.join('\n')).toMatch(/✓.* configuration: bots: main/);
});

test('tells every problem of a configuration, and goes no further', async () => {
  const { exitCode, of, findings } = await visit(await scratchFolder(), { leaseMs: 1, botz: [] });
  expect(of('configuration')?.found).toMatch(/leaseMs: .*botz/s);
  expect(findings).toHaveLength(2);
  expect(exitCode).toBe(1);
});

test('warns of variables that name no setting and of tokens that can be guessed, and repeats none', async () => {
  const gateways = [
    { id: 'a', token: 'a'.repeat(40) },
    { id: 'b', token: STRONG.slice(0, 20) },
    { id: 'c', token: STRONG },
  ];
  const { exitCode, of, findings } = await visit(
    await scratchFolder(),
    { gateways },
    { DRAGOMAN_LISTEN_PROT: '1' },
  );
  expect(of('environment')).toEqual({
    check: 'environment',
    state: 'warning',
    found: 'DRAGOMAN_LISTEN_PROT names no setting',
    todo: 'did you mean DRAGOMAN_LISTEN_PORT?',
  });
  expect(of('token of gateway a')).toMatchObject({ state: 'warning', found: 'few different characters' });
  expect(of('token of gateway b')).toMatchObject({ state: 'warning', found: '20 characters' });
  expect(of('token of gateway c')).toMatchObject({ state: 'ok' });
  expect(JSON.stringify(findings)).not.toContain(STRONG.slice(0, 20));
  expect(exitCode).toBe(0);
});

test.for([
  ['DRAGOMAN_GATEWAYS_2_TOKN', 'DRAGOMAN_GATEWAYS_2_TOKEN'],
  ['DRAGOMAN_GATEWAY_12_TOKEN', 'DRAGOMAN_GATEWAYS_12_TOKEN'],
  ['DRAGOMAN_GATEWAYS_TOKEN', 'DRAGOMAN_GATEWAYS_0_TOKEN'],
] as const)('tells for %s a variable that can be set: %s', async ([stray, meant]) => {
  const { of } = await visit(await scratchFolder(), {}, { [stray]: '1' });
  expect(of('environment')).toMatchObject({ todo: `did you mean ${meant}?` });
});

test('fails on folders that cannot be written, and warns of those that are too small or open to all', async () => {
  const folder = await scratchFolder();
  await writeFile(path.join(folder, 'file'), '');
  await mkdir(path.join(folder, 'open'), { mode: 0o777 });
  const unusable = await visit(folder, { dataFolder: 'file', stagingFolder: 'file/within' });
  expect(unusable.of('data folder')).toMatchObject({ state: 'failing' });
  expect(unusable.of('data folder')?.found).toContain('file is no folder');
  expect(unusable.of('staging folder')).toMatchObject({ state: 'failing' });
  expect(unusable.exitCode).toBe(1);
  expect(unusable.of("gateway's folder")).toBeUndefined();
  await writeFile(path.join(folder, 'gateway'), '');
  const { of } = await visit(folder, { dataFolder: '.' });
  expect(of("gateway's folder")).toMatchObject({
    state: 'failing',
    found: expect.stringContaining('gateway is no folder'),
  });

  const bots = [{ id: 'a', mediaStorageQuotaGb: 1e9 }];
  const small = await visit(folder, { bots });
  expect(small.of('staging folder')?.todo).toContain('lower mediaStorageQuotaGb');
  await chmod(path.join(folder, 'open'), 0o777);
  const open = await visit(folder, { dataFolder: 'open' });
  expect(open.of('data folder')?.todo).toContain('chmod o=');
});

test('knows a store that is in use, another program’s, of a newer Dragoman, and half of a copy', async () => {
  const folder = await scratchFolder();
  const file = path.join(folder, 'data', 'dragoman.db');
  const store = await openSqliteStore({ file, clock: systemClock(), log: silentLogger });
  expect((await visit(folder)).of('store')?.found).toContain('in use by a running Dragoman');
  await store.close();
  const free = await visit(folder);
  expect(free.of('store')?.found).toMatch(/dragoman\.db, schema \d+$/);

  const tomorrow = new Date(Date.now() + 86_400_000);
  await utimes(file, tomorrow, tomorrow);
  expect((await visit(folder)).of('clock')).toMatchObject({ state: 'warning' });

  const database = new DatabaseSync(file);
  database.exec('CREATE TABLE unfinished_copy (mark TEXT)');
  expect((await visit(folder)).of('store')?.todo).toContain('store migrate');
  database.exec(`DROP TABLE unfinished_copy; UPDATE meta SET value = 999 WHERE key = 'schema_version'`);
  expect((await visit(folder)).of('store')?.todo).toContain('update Dragoman');
  database.exec('PRAGMA application_id = 1');
  database.close();
  const foreign = await visit(folder);
  expect(foreign.of('store')?.found).toContain('another program');
  expect(foreign.exitCode).toBe(1);
});

test.skipIf(!mayMount)('asks for room where a disk is full, and blames no store for it', async () => {
  const folder = await scratchFolder();
  const disk = await smallDisk(1_000_000);
  const dataFolder = path.join(disk, 'data');
  const file = path.join(dataFolder, 'dragoman.db');
  const store = await openSqliteStore({ file, clock: systemClock(), log: silentLogger });
  await store.close();
  await writeFile(path.join(disk, 'rest'), new Uint8Array(1_000_000)).catch(() => {});
  const { of } = await visit(folder, { dataFolder });
  expect(of('data folder')?.todo).toContain('make room');
  expect(of('store')?.todo).toContain('leave the file as it is');
});

test('tells a port in use by others from one in use by the Dragoman that runs here', async () => {
  const folder = await scratchFolder();
  const port = await listening(createServer());
  const taken = await visit(folder, { listen: { port } });
  expect(taken.of('port for gateways')).toMatchObject({
    state: 'failing',
    found: `127.0.0.1:${port} is in use`,
  });
  const pulse = new Pulse({
    dataFolder: path.join(folder, 'data'),
    name: 'backend',
    being: beingHere(),
    clock: systemClock(),
    log: silentLogger,
  });
  onTestFinished(() => pulse.end());
  expect((await visit(folder, { listen: { port } })).of('port for gateways')?.state).toBe('ok');
});

test('dials the backends of a gateway: who answers, who refuses the token, who is not there', async () => {
  const folder = await scratchFolder();
  const visitOf = async (port: number): Promise<Finding | undefined> => {
    const url = `ws://127.0.0.1:${port}/gateway`;
    const { of } = await visit(folder, { uplink: { gatewayId: 'g', token: STRONG, backends: [url] } });
    return of(`backend ${url}`);
  };
  const answering = (status: number): Promise<number> => {
    const refuse: RequestListener = (_, response) => void response.writeHead(status).end();
    return listening(
      createServer(refuse).on('upgrade', (_, socket) => {
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      }),
    );
  };
  expect(await visitOf(await answering(401))).toMatchObject({ state: 'failing', found: 'refuses the token' });
  expect(await visitOf(await answering(404))).toMatchObject({ state: 'failing', found: 'answers 404' });
  expect(await visitOf(1)).toMatchObject({
    state: 'failing',
    todo: expect.stringContaining('start the backend'),
  });

  const server = createServer();
  const offered: (string | undefined)[] = [];
  new WebSocketServer({ server }).on('connection', (_, { headers }) => offered.push(headers.authorization));
  expect(await visitOf(await listening(server))).toMatchObject({ state: 'ok' });
  expect(offered).toEqual([`Bearer ${STRONG}`]);
});

test('needs Node 24', () => {
  expect(checkNode('20.11.0').state).toBe('failing');
  expect(checkNode('24.0.0').state).toBe('ok');
});

const pool = (name: string, processor: string) => ({
  name,
  mimeTypes: [],
  workers: 1,
  timeoutMs: 1_000,
  processor,
});

test('loads the modules that turn media into words, and says what a start would', async () => {
  const folder = await scratchFolder();
  const good = 'export const createProcessor = () => ({ processMedia: async () => "words" });';
  await writeFile(path.join(folder, 'good.js'), good);
  await writeFile(path.join(folder, 'bad.js'), 'export const x = 1;');
  const typed = { ...pool('image', './bad.js'), mimeTypes: ['image/jpeg'] };
  const both = await visit(folder, { pools: [pool('rest', './good.js'), typed] });
  expect(both.of('processor of pool rest')).toMatchObject({ state: 'ok', found: './good.js can be loaded' });
  expect(both.of('processor of pool image')).toMatchObject({
    state: 'failing',
    found: expect.stringContaining('expected an exported function createProcessor'),
  });
  expect(both.exitCode).toBe(1);
  const misspelt = await visit(folder, { pools: [pool('rest', 'imagee')] });
  expect(misspelt.of('processor of pool rest')?.found).toContain('got "imagee"');
  const shared = { store: 'mongodb://127.0.0.1/dragoman?nonsense=1', processedBy: 'workers' };
  const elsewhere = await visit(folder, { ...shared, pools: [pool('rest', './bad.js')] });
  expect(elsewhere.of('processor of pool rest')?.state).toBe('warning');
});

test('says that MongoDB cannot be asked, without its password', async () => {
  const store = 'mongodb://operator:hunter2@127.0.0.1:1/dragoman?nonsense=1';
  const { exitCode, of, findings } = await visit(await scratchFolder(), { store });
  expect(of('store')).toMatchObject({ state: 'failing', todo: expect.stringContaining('start MongoDB') });
  expect(JSON.stringify(findings)).not.toContain('hunter2');
  expect(exitCode).toBe(1);
});

test.skipIf(MONGODB_URL === undefined)(
  'compares its clock with that of a MongoDB that is there',
  async () => {
    const { exitCode, of } = await visit(await scratchFolder(), { store: MONGODB_URL });
    expect(of('store')).toMatchObject({ state: 'ok' });
    expect(of('clock')?.found).toContain("ms from MongoDB's");
    expect(exitCode).toBe(0);
  },
  15_000,
);
