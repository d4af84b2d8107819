import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/base/log.ts';
import type { BaseMediaProcessor } from '../../../src/processors/base-media-processor.ts';
import { createPoolProcessor } from '../../../src/processors/registry.ts';
import { claimedJob } from '../../support/claimed-job.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const clock = new ManualClock();
let folder: string;
let server: Server;
let processor: BaseMediaProcessor;
let reply: { status: number; body: string };
let uploaded: string;

/** The one block of the page in this language. */
async function codeBlock(language: string): Promise<string> {
  const page = await readFile(new URL('../../../docs/processors.md', import.meta.url), 'utf8');
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(page)?.[1];
  if (block === undefined) throw new Error(`docs/processors.md: expected a block of ${language}`);
  return block;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dragoman-example-'));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      uploaded = Buffer.concat(chunks).toString('latin1');
      response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await writeFile(path.join(folder, 'speech.js'), await codeBlock('js'));
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(path.join(folder, 'staged'), 'OggS-and-more');

  const pool = JSON.parse(await codeBlock('json'));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server's address is one of these
  const { port } = server.address() as AddressInfo;
  const url = pool.processorOptions.url.replace('8000', String(port));
  processor = await createPoolProcessor(
    { ...pool, processor: './speech.js', processorOptions: { ...pool.processorOptions, url } },
    { clock, log: silentLogger, baseFolder: folder },
  );
});

afterAll(async () => {
  await processor.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const attempt = () =>
  processor.process(
    claimedJob({ mimeType: 'audio/ogg; codecs=opus', pool: 'audio' }),
    { path: path.join(folder, 'staged'), bytes: 13, sha256: null },
    { clock, timeoutMs: 1_000 },
    new AbortController().signal,
  );

describe('the documented example', () => {
  test('sends the voice note and returns its words', async () => {
    reply = { status: 200, body: '{"text":" I will be late. "}' };
    expect(await attempt()).toEqual({
      kind: 'completed',
      result: { kind: 'words', words: 'I will be late.' },
    });
    expect(uploaded).toContain('OggS-and-more');
    expect(uploaded).toContain('whisper-1');
  });

  test('asks for another attempt when the server is busy', async () => {
    reply = { status: 503, body: '' };
    expect(await attempt()).toMatchObject({ kind: 'retryable' });
  });

  test('fails when the server refuses the file', async () => {
    reply = { status: 415, body: '' };
    expect(await attempt()).toMatchObject({ kind: 'completed', result: { kind: 'failure' } });
  });
});
