import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Routes } from '../server.ts';

const FOLDER = fileURLToPath(new URL('../../page/', import.meta.url));

/** What the page uses of others, by the name it is served under in `vendor`. */
const VENDORED: Readonly<Record<string, string>> = {
  'preact.js': 'preact',
  'preact-hooks.js': 'preact/hooks',
  'htm.js': 'htm',
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
  'uqr.js': 'uqr',
};

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
}

/**
 * `GET /` and what it needs: files of this program and of pinned packages, read once. They tell nothing that is worth a
 * token; the page asks for one when the API wants it.
 */
export const pageRoutes: Routes = (router) => {
  const index = staticFile(path.join(FOLDER, 'index.html'));
  const policy = contentSecurityPolicy(index.body.toString());
  const open = { config: { open: true }, schema: { hide: true } } as const;
  router.get('/', open, (request, reply) => {
    void reply.header('content-security-policy', policy);
    return answer(index, request, reply);
  });
  for (const [name, file] of pageFiles()) {
    router.get(`/page/${name}`, open, (request, reply) => answer(file, request, reply));
  }
};

function* pageFiles(): Generator<readonly [name: string, file: StaticFile]> {
  for (const name of readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })) {
    const isServed = ['.js', '.css', '.svg'].includes(path.extname(name));
    if (isServed) yield [name.split(path.sep).join('/'), staticFile(path.join(FOLDER, name))];
  }
  for (const [name, specifier] of Object.entries(VENDORED)) {
    yield [`vendor/${name}`, staticFile(fileURLToPath(import.meta.resolve(specifier)), path.extname(name))];
  }
}

function staticFile(file: string, extension = path.extname(file)): StaticFile {
  const body = readFileSync(file);
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    body,
    gzipped: gzipSync(body),
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
  };
}

/** The page's own text holds one script, its import map, which is allowed by what it says. */
function contentSecurityPolicy(html: string): string {
  const importMap = /<script type="importmap">([^<]*)<\/script>/.exec(html)?.[1] ?? '';
  const hash = createHash('sha256').update(importMap).digest('base64');
  return [
    `default-src 'none'`,
    `script-src 'self' 'sha256-${hash}'`,
    `style-src 'self'`,
    `img-src 'self'`,
    `connect-src 'self'`,
    `base-uri 'none'`,
    `form-action 'none'`,
    `frame-ancestors 'none'`,
    `require-trusted-types-for 'script'`,
  ].join('; ');
}

function answer(file: StaticFile, { headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.headers({ 'cache-control': 'no-cache', etag: file.etag, vary: 'accept-encoding' });
  if (headers['if-none-match'] === file.etag) return reply.code(304).send();
  const takesGzip = /\bgzip\b/.test(headers['accept-encoding'] ?? '');
  if (takesGzip) void reply.header('content-encoding', 'gzip');
  return reply.type(file.type).send(takesGzip ? file.gzipped : file.body);
}
