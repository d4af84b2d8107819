import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HTTP_TOKEN, inspected } from '../../../support/inspected-backend.ts';

/** What a module says it needs, by its path or by its bare name. */
const importsOf = (module: string): readonly string[] =>
  [...module.matchAll(/(?:^|[;}\s])import\s*(?:[\w*{}\s,$]+?from\s*)?["']([^"']+)["']/g)].flatMap(
    ([, specifier]) => specifier ?? [],
  );

describe('the page', () => {
  test('is served with every module and style that it needs, and with nothing from elsewhere', async () => {
    const { get } = await inspected();
    const response = await get('/');
    const html = await response.text();
    const importMap: { imports: Record<string, string> } = JSON.parse(
      /importmap">([^<]+)</.exec(html)?.[1] ?? '',
    );
    const named = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? '');
    const waiting = [...named];
    const seen = new Set<string>();
    for (let address = waiting.pop(); address !== undefined; address = waiting.pop()) {
      if (seen.has(address)) continue;
      seen.add(address);
      const file = await get(address);
      expect([address, file.status]).toEqual([address, 200]);
      const body = await file.text();
      if (!address.endsWith('.js')) continue;
      expect(file.headers.get('content-type')).toContain('text/javascript');
      for (const specifier of importsOf(body)) {
        const isBare = !/^[./]/.test(specifier);
        waiting.push(
          isBare
            ? (importMap.imports[specifier] ?? specifier)
            : new URL(specifier, `http://x${address}`).pathname,
        );
      }
    }
    expect([...seen].filter((address) => address.startsWith('/page/vendor/'))).toHaveLength(6);
    expect(seen.size).toBeGreaterThan(20);
  });

  test('runs no script but its own files and its import map', async () => {
    const { get } = await inspected();
    const response = await get('/');
    const importMap = /importmap">([^<]+)</.exec(await response.text())?.[1] ?? '';
    const policy = response.headers.get('content-security-policy') ?? '';
    const hash = createHash('sha256').update(importMap).digest('base64');
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}'`);
    expect(policy).toContain(`default-src 'none'`);
    expect(policy).toContain(`frame-ancestors 'none'`);
    expect(policy).not.toContain('unsafe');
  });

  test('is open without the token, which what it asks for is not', async () => {
    const { get } = await inspected({ token: HTTP_TOKEN });
    expect((await get('/')).status).toBe(200);
    expect((await get('/page/app.js')).status).toBe(200);
    expect((await get('/api/v1/bots')).status).toBe(401);
  });

  test('is not sent again to who has it', async () => {
    const { get } = await inspected();
    const first = await get('/page/page.css');
    const etag = first.headers.get('etag') ?? '';
    expect((await get('/page/page.css', { 'if-none-match': etag })).status).toBe(304);
  });

  test('serves no file beside its own', async () => {
    const { get } = await inspected();
    for (const address of [
      '/page/tsconfig.json',
      '/page/../http/server.ts',
      '/page/%2e%2e/%2e%2e/inspector.ts',
      '/page/vendor/',
    ]) {
      expect((await get(address)).status).toBe(404);
    }
  });
});
