import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, cp, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { scratchFolder } from '../support/scratch-folder.ts';

/*
 * There may be no container engine here. What the image holds is made by the Dockerfile's own lines instead: what it
 * copies, with the packages that `npm ci --omit=dev` leaves, run by a user who owns nothing but the volumes.
 */

const DOCKERFILE = readFileSync('Dockerfile', 'utf8');
/** Any user that is not root: as in docker-compose.yml, it is none that the image knows. */
const USER = process.getuid?.() === 0 ? { uid: 12_345, gid: 12_345 } : {};

/** A line of the Dockerfile in exec form. */
function execForm(instruction: string): readonly string[] {
  const [, list = ''] = new RegExp(`${instruction} (\\[.*\\])`).exec(DOCKERFILE) ?? [];
  return z.array(z.string()).parse(JSON.parse(list));
}

/** The folder /app of the image. */
async function imageFolder(): Promise<string> {
  const app = path.join(await scratchFolder(), 'app');
  await mkdir(app);
  await chmod(path.dirname(app), 0o755);
  for (const [, from = '', to = ''] of DOCKERFILE.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)) {
    for (const source of from.split(' ')) {
      await cp(source, path.join(app, to === './' ? source : to), { recursive: true });
    }
  }
  await linkProductionPackages(app);
  return app;
}

async function linkProductionPackages(app: string): Promise<void> {
  const lock = z
    .object({ packages: z.record(z.string(), z.object({ dev: z.boolean().default(false) })) })
    .parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));
  const production = Object.entries(lock.packages)
    .filter(([name, { dev }]) => name.startsWith('node_modules/') && !dev)
    .map(([name]) => name);
  // those inside of another package come with it
  const outermost = production.filter((name) => name.lastIndexOf('node_modules/') === 0);
  for (const [folder, names] of Map.groupBy(outermost, path.dirname)) {
    await mkdir(path.join(app, folder), { recursive: true });
    spawnSync('cp', ['-al', ...names.map((name) => path.resolve(name)), path.join(app, folder)]);
  }
}

test('what the image holds starts as a user of its own, is healthy, drains at SIGTERM, and has no tool of its makers', async () => {
  const simulator = await startSimulator({ autoScan: true });
  onTestFinished(() => simulator.close());
  const app = await imageFolder();
  const volume = path.join(await scratchFolder(), 'data');
  await mkdir(volume);
  await chmod(path.dirname(volume), 0o755);
  if (USER.uid !== undefined) spawnSync('chown', [`${USER.uid}:${USER.gid}`, volume]);
  expect(await readdir(path.join(app, 'node_modules'))).not.toContain('vitest');

  const [, ...entrypoint] = execForm('ENTRYPOINT');
  const args = [...entrypoint, ...execForm('\nCMD'), '--simulator', simulator.endpoint.mediaOrigin];
  const environment = {
    NODE_ENV: 'production',
    DRAGOMAN_DATA_FOLDER: volume,
    DRAGOMAN_LISTEN_PORT: '0',
    DRAGOMAN_HTTP_PORT: '0',
  };
  const options = { cwd: app, env: environment, ...USER };
  const dragoman = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void dragoman.kill('SIGKILL'));
  await printed(dragoman, /main: open/);

  const [, ...healthcheck] = execForm('HEALTHCHECK .*CMD');
  const healthy = () => spawnSync(process.execPath, healthcheck, { ...options, encoding: 'utf8' });
  expect(healthy()).toMatchObject({ status: 0, stderr: '' });
  dragoman.kill('SIGTERM');
  await once(dragoman, 'exit');
  expect(dragoman.exitCode).toBe(0);
  expect(healthy().status).toBe(1);
});

async function printed(child: ChildProcess, pattern: RegExp): Promise<void> {
  let output = '';
  const matched = Promise.withResolvers<'matched'>();
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (pattern.test(output)) matched.resolve('matched');
  });
  const ended = once(child, 'exit').then(() => 'ended' as const);
  if ((await Promise.race([matched.promise, ended])) === 'ended') throw new Error(`it ended with ${output}`);
}
