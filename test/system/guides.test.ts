import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { GuideSandbox, shellBlocksOf } from '../support/guide-sandbox.ts';

/*
 * Every command in the guides is run, in the order in which a reader would.
 */

/** What a guide takes for granted: that something was stored. */
async function stored(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'data', 'gateway'), { recursive: true });
  const file = path.join(folder, 'data', 'dragoman.db');
  await (await openSqliteStore({ file, clock: systemClock(), log: silentLogger })).close();
}

async function follow(document: string, sandbox: GuideSandbox): Promise<readonly string[]> {
  const printed: string[] = [];
  for (const block of await shellBlocksOf(document)) {
    try {
      printed.push(await sandbox.run(block));
    } catch (error) {
      throw new Error(`${document}:${block.line}: ${block.script}`, { cause: error });
    }
  }
  return printed;
}

describe('the guides do what they say', () => {
  test('link a phone', async () => {
    const simulator = await startSimulator();
    onTestFinished(() => simulator.close());
    // What would be WhatsApp, which no test has to do with.
    const sandbox = await GuideSandbox.create({ DRAGOMAN_SIMULATOR: simulator.endpoint.mediaOrigin });
    const [doctor, start] = await follow('docs/link-a-phone.md', sandbox);
    expect(doctor).toContain('✓ configuration');
    expect(start).toContain('Everything durable lies in');
  }, 120_000);

  test('build a bot without a phone', async () => {
    const printed = await follow('docs/offline-bot.md', await GuideSandbox.create());
    expect(printed.join('\n')).toContain('Are you open today?');
    expect(printed.at(-3)).toContain('"requestId":"answer-1"');
    expect(printed.at(-1)).toContain('Ana: answered');
  }, 180_000);

  test('deploy', async () => {
    const sandbox = await GuideSandbox.create();
    const printed = await follow('docs/deploy.md', sandbox);
    const calls = await sandbox.calls();
    expect(calls).toContain('docker compose up -d');
    expect(calls).toContain('docker compose logs -f whatsapp_baileys_server');
    expect(printed.join('\n')).toContain('✓ configuration');
    expect(await readFile(path.join(sandbox.folder, '.env'), 'utf8')).toMatch(/GATEWAY_TOKEN=\w{64}/);
  }, 120_000);

  test('back up and restore', async () => {
    const sandbox = await GuideSandbox.create();
    await stored(sandbox.folder);
    const printed = await follow('docs/backup.md', sandbox);
    expect(printed[0]).toContain('is backed up to');
    expect(printed[1]).toContain('✓ store');
    expect(printed.at(-1)).toContain('holds what');
    expect(await readdir(sandbox.folder)).toEqual(
      expect.arrayContaining(['before-the-move.db', 'gateway.tgz']),
    );
  }, 120_000);

  test('upgrade', async () => {
    const sandbox = await GuideSandbox.create();
    await stored(sandbox.folder);
    await follow('docs/upgrade.md', sandbox);
    expect(await sandbox.calls()).toEqual(
      expect.arrayContaining(['git pull --ff-only', 'npm ci', 'docker compose up -d --build']),
    );
  }, 120_000);

  test('scale out, and security', async () => {
    const sandbox = await GuideSandbox.create();
    expect((await follow('docs/scale.md', sandbox)).join('\n')).toContain('--pool');
    expect((await follow('docs/security.md', sandbox)).join('\n')).toContain('✓ configuration');
  }, 120_000);

  test('there is none beside these with commands that nobody runs', async () => {
    const documents = (await readdir('docs')).filter((name) => name.endsWith('.md'));
    const withCommands: string[] = [];
    for (const name of documents) {
      if ((await shellBlocksOf(path.join('docs', name))).length > 0) withCommands.push(name);
    }
    expect(withCommands.toSorted()).toEqual([
      'backup.md',
      'deploy.md',
      'link-a-phone.md',
      'offline-bot.md',
      'scale.md',
      'security.md',
      'upgrade.md',
    ]);
  });
});
