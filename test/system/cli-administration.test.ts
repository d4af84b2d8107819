import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Journal, JOURNAL_FILE } from '../../src/gateway/journal.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { DragomanProcess } from '../support/dragoman-process.ts';
import { NO_AUTH, received } from '../support/received-messages.ts';
import { stubPools } from '../support/stub-pools.ts';

/** A running `dragoman start`, linked to a simulator, in which one conversation took place. */
interface Running {
  readonly simulator: Simulator;
  readonly config: string;
  readonly dragoman: DragomanProcess;
  readonly url: string;
  /** Runs a command of the same configuration to its end. */
  run(...args: readonly string[]): Promise<Ended>;
}

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const TOKEN = 'the token of this very test';

async function runOf(args: readonly string[]): Promise<Ended> {
  const dragoman = DragomanProcess.spawn(...args);
  const exitCode = await dragoman.exited();
  return { exitCode, stdout: dragoman.stdout, stderr: dragoman.stderr };
}

/** Leaves a message in the gateway's journal that a backend once refused. */
async function leaveDeadLetter(folder: string): Promise<void> {
  const dir = path.join(folder, 'data', 'gateway');
  await mkdir(dir, { recursive: true });
  const journal = new Journal({
    file: path.join(dir, JOURNAL_FILE),
    clock: systemClock(),
    providerName: 'whatsapp-baileys',
    undecryptableWaitMs: 120_000,
    seenDays: 14,
  });
  await journal.sessions.commit('main', NO_AUTH, [received('refused', { text: 'heard after all' })]);
  journal.frames.refuse(1, 'frame_invalid', 'for the test');
  journal.close();
}

async function start(folder: string, settings: object = {}): Promise<Running> {
  const simulator = await startSimulator({ autoScan: true });
  const config = path.join(folder, 'dragoman.json');
  // Stickers take too long, always.
  const pools = stubPools(20).map((pool) => (pool.name === 'sticker' ? { ...pool, timeoutMs: 1 } : pool));
  await writeFile(
    config,
    JSON.stringify({
      dataFolder: 'data',
      listen: { port: 0 },
      http: { token: TOKEN },
      simulator: simulator.endpoint.mediaOrigin,
      pools,
      ...settings,
    }),
  );
  const dragoman = DragomanProcess.spawn('start', '--config', config);
  await dragoman.printed(/Look inside at/);
  await dragoman.printed(/main: open/);
  const url = /Look inside at (\S+?)\.?\n/.exec(dragoman.stdout)?.[1] ?? '';
  const { port } = new URL(url);
  const run = (...args: readonly string[]) => runOf([...args, '--config', config, '--http-port', port]);
  return { simulator, config, dragoman, url, run };
}

const FAST_SENDS = { gateway: { sendJitterMs: 0, longestTypingMs: 0 } };
const oneLine = (text: string): boolean => text.trimEnd().split('\n').length === 1;

describe('the command line', () => {
  let running: Running;

  beforeAll(async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'dragoman-'));
    await leaveDeadLetter(folder);
    running = await start(folder, FAST_SENDS);
    return async () => {
      await running.dragoman.kill();
      await running.simulator.close();
      await rm(folder, { recursive: true, force: true });
    };
  }, 90_000);

  /** Asks the API itself: what a test waits for need not start a process each time. */
  const api = async (where: string) => {
    const reply = await fetch(new URL(where, running.url), { headers: { authorization: `Bearer ${TOKEN}` } });
    return reply.json();
  };
  const chats = () => api('/api/v1/bots/main/chats');
  const heardAgain = () => api('/api/v1/bots/main/chats/ana%40lid/history');
  const failed = () => api('/api/v1/jobs?collection=failed');
  /** What a command tells programs. */
  const told = async (...args: readonly string[]) => {
    const { exitCode, stdout, stderr } = await running.run(...args, '--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return JSON.parse(stdout);
  };

  test('shows bots, chats and messages of a running backend, and sends', async () => {
    const { simulator, run } = running;
    await simulator.say('Ann', { text: 'hello' });
    await expect.poll(chats, { timeout: 60_000 }).toMatchObject({ items: [{ nextIngestSeq: 2 }] });
    expect((await run('bots', 'list')).stdout).toMatch(/main\s+open\s+local/);
    const listed = await told('chats', 'list', 'main');
    expect(listed).toMatchObject({ items: [{ nextIngestSeq: 2 }], next: null });
    const { correspondentId } = listed.items[0];
    const sent = await told('send', 'main', correspondentId, 'hello yourself', '--request-id', 'r1');
    expect(sent).toMatchObject({ kind: 'sent', requestId: 'r1' });
    await expect.poll(chats, { timeout: 60_000 }).toMatchObject({ items: [{ nextIngestSeq: 3 }] });
    await simulator.account().owner.send(simulator.directChat('Ann'), { text: 'by hand' });
    await expect.poll(chats, { timeout: 60_000 }).toMatchObject({ items: [{ nextIngestSeq: 4 }] });
    const { stdout } = await run('chats', 'show', 'main', correspondentId);
    expect(stdout).toMatch(/1 ✓ \d{4}-\d\d-\d\d \d\d:\d\d Ann: hello/);
    expect(stdout).toMatch(/2 ✓ .{16} bot: hello yourself/);
    expect(stdout).toMatch(/3 ✓ .{16} owner: by hand/);
  });

  test('shows pools and jobs, retries and drops those that failed', async () => {
    const { simulator, run } = running;
    for (const caption of ['one', 'two', 'three']) {
      await simulator.say('Bob', { document: 10, mimeType: 'model/obj', caption });
    }
    await expect.poll(failed, { timeout: 60_000 }).toMatchObject({ items: [{}, {}, {}] });
    expect((await told('pools')).pools).toContainEqual(
      expect.objectContaining({ name: 'unsupported', failed: 3 }),
    );
    // Three are done in the first minutes of the process: what is left of the window only changes the number.
    expect((await run('pools')).stdout).toMatch(/^unsupported +0\/1 +0 +- +0 +[1-3](\.\d)? +0 +0 +3$/m);
    const [first] = (await told('jobs', 'list', '--collection', 'failed')).items;
    expect((await run('jobs', 'show', first.guid)).stdout).toContain('error        unsupported: ');
    const retried = await run('jobs', 'retry', first.guid);
    expect(retried.stderr).toContain('the file of job');
    expect(retried.exitCode).toBe(1);
    expect(await told('jobs', 'drop', first.guid)).toMatchObject({ guid: first.guid });
    const { stdout: tree } = await run('inspect');
    expect(tree).toMatch(/^ {2}bot main: depth \d+, handled \d+/m);
    expect(tree).toMatch(/^ {4}worker image-1: depth 0/m);
    expect(await told('janitor', '--dry-run')).toMatchObject({ staleJobCount: 0, goingFiles: [] });
    expect(await told('jobs', 'drop', '--all')).toEqual({ done: 2, problems: [] });
    expect(await failed()).toMatchObject({ items: [] });
  });

  test('retries a job whose file is kept: it takes a place of its own, which names the one that it corrects', async () => {
    const { simulator, run } = running;
    await simulator.say('Bob', { sticker: 100 });
    await expect.poll(failed, { timeout: 60_000 }).toMatchObject({ items: [{ pool: 'sticker' }] });
    const [job] = (await told('jobs', 'list', '--collection', 'failed', '--pool', 'sticker')).items;
    const { guid, correspondent } = job;
    const retried = await run('jobs', 'retry', guid);
    expect(retried).toEqual({ exitCode: 0, stdout: `${guid}: waits for a worker again\n`, stderr: '' });
    const chat = encodeURIComponent(correspondent.correspondentId);
    const history = () => api(`/api/v1/bots/main/chats/${chat}/history?after=3`);
    await expect
      .poll(history, { timeout: 60_000 })
      .toMatchObject([
        { message: { id: 4, content: '[Processing timed out]', correctsId: null } },
        { message: { id: 5, content: '[Processing timed out]', correctsId: 4 } },
      ]);
    await expect.poll(failed).toMatchObject({ items: [{ guid, attempts: 1 }] });
    expect(await told('jobs', 'retry', guid)).toEqual({ guid, messageId: 6, correctsId: 4 });
    await expect.poll(failed, { timeout: 60_000 }).toMatchObject({ items: [{ guid }] });
    expect(await told('jobs', 'drop', '--all', '--pool', 'sticker')).toEqual({ done: 1, problems: [] });
  });

  test('adds, stops, starts and removes a bot while the backend runs', async () => {
    const { run } = running;
    expect(await told('bots', 'add', 'second')).toEqual({ botId: 'second', outcome: 'added' });
    const linked = await run('bots', 'pair', 'second', '--json');
    expect(linked.exitCode).toBe(0);
    expect(JSON.parse(linked.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ botId: 'second' });
    expect(await told('bots', 'stop', 'second')).toEqual({ botId: 'second', outcome: 'stopped' });
    expect((await run('bots', 'list')).stdout).toMatch(/second\s+stopped/);
    expect(await told('bots', 'start', 'second')).toEqual({ botId: 'second', outcome: 'started' });
    expect(await told('bots', 'remove', 'second')).toEqual({ botId: 'second', outcome: 'removed' });
    const configured = await run('bots', 'remove', 'main');
    expect(configured.stderr).toContain('it is in the configuration file');
    expect(configured.exitCode).toBe(64);
  });

  test('lists what a running gateway was refused, and has it sent once more', async () => {
    const { run } = running;
    const letter = { gatewayId: 'local', seq: 1, type: 'inbound', botId: 'main', reason: 'for the test' };
    expect(await told('dead-letters', 'list')).toMatchObject([letter]);
    expect((await run('dead-letters', 'retry', '1')).stdout).toContain('Waits as ');
    await expect.poll(heardAgain).toMatchObject([{ message: { content: 'heard after all' } }]);
    expect((await run('dead-letters', 'list')).stdout).toBe('No dead letters.\n');
  });

  test('tells what went wrong in one line, with the exit code that says what kind it is', async () => {
    const { run, config, url } = running;
    for (const [args, line, code] of [
      [['chats', 'list', 'nobody'], 'there is no bot nobody', 64],
      [['chats', 'show', 'main', 'nobody'], 'has no such chat: expected a phone number or', 1],
      [['chats', 'forget', 'main', 'nobody'], '--yes', 64],
      [['chats', 'forget', 'main', 'nobody', '--yes'], 'has no such chat', 1],
      [['jobs', 'drop'], 'either a GUID or --all', 64],
      [['jobs', 'list', '--limit', '500'], 'limit: expected 200 at most', 64],
      [['send', 'nobody', 'ann', 'hello'], 'there is no bot nobody: expected main\n', 64],
      [['send', 'main', 'ann', 'hello'], 'ann is no address of WhatsApp: expected one such as', 1],
      [['jobs', 'drop', '--all', '--bot', 'nobody'], 'there is no bot nobody: expected main', 64],
      [['jobs', 'list', '--pool', 'vidoe'], 'there is no pool vidoe: expected one of audio, video', 64],
      [['dead-letters', 'retry', '1'], 'there is no dead letter 1', 1],
      [['dead-letters', 'list', '--gateway', 'north'], 'there is no gateway north: expected local', 1],
    ] as const) {
      const { exitCode, stderr } = await run(...args);
      expect(stderr).toContain(line);
      expect(oneLine(stderr)).toBe(true);
      expect(exitCode).toBe(code);
    }
    const wrong = path.join(path.dirname(config), 'wrong.json');
    await writeFile(wrong, JSON.stringify({ http: { token: 'x'.repeat(20) } }));
    const { port } = new URL(url);
    const denied = await runOf(['bots', 'list', '--config', wrong, '--http-port', port]);
    expect(denied.stderr).toContain('has another token: name its configuration with --config');
    expect(denied.exitCode).toBe(77);
  });

  test('reads the store itself when no backend runs, never beside one, and says what needs one', async () => {
    const { config, dragoman } = running;
    const elsewhere = (...args: readonly string[]) =>
      runOf([...args, '--config', config, '--http-port', '1']);
    const held = await elsewhere('chats', 'list', 'main');
    expect(held.stderr).toContain('a backend holds the store');
    expect(held.exitCode).toBe(69);
    const [, { correspondentId: bob }] = (await told('chats', 'list', 'main')).items;
    expect(await told('chats', 'forget', 'main', bob, '--yes')).toEqual({ messages: 6, jobs: 0 });

    expect(await dragoman.stop()).toBe(0);
    const plan = await elsewhere('janitor', '--dry-run', '--json');
    expect(JSON.parse(plan.stdout)).toMatchObject({ staleJobCount: 0, goingFiles: [] });
    const listed = await elsewhere('chats', 'list', 'main', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({
      items: [{ nextIngestSeq: 4 }, { correspondentId: 'ana@lid' }],
    });
    const bots = await elsewhere('bots', 'list');
    expect(bots.stdout).toMatch(/main\s+closed\s+local \(away\)\s+no backend runs/);
    const stop = await elsewhere('bots', 'stop', 'main');
    expect(stop.stderr).toContain('no backend answers at http://127.0.0.1:1');
    expect(oneLine(stop.stderr)).toBe(true);
    expect(stop.exitCode).toBe(69);
    const typo = await elsewhere('jobs', 'list', '--bot', 'nobody');
    expect(typo.stderr).toBe('dragoman: there is no bot nobody: expected main\n');
    expect(typo.exitCode).toBe(64);
  });
});
