import { describe, expect, test } from 'vitest';
import { assertOrigin } from '../../../src/inspector/http/admission.ts';

const calledBy = (host: string) => ({
  host,
  origin: undefined,
  authorization: undefined,
  subprotocols: undefined,
});

describe('the names by which the server may be called', () => {
  const rules = { host: 'Dragoman.lan', allowedHosts: ['Proxy.Example'] };

  test.each(['dragoman.lan:7311', 'DRAGOMAN.LAN', 'proxy.example', 'localhost', '127.0.0.1:7311'])(
    '%s is one: where it listens, what is allowed, addresses',
    (host) => expect(() => assertOrigin(calledBy(host), rules)).not.toThrow(),
  );

  test.each(['lan', 'example', 'dragoman.lan.evil.example', ''])('%j is none', (host) => {
    expect(() => assertOrigin(calledBy(host), rules)).toThrow('not called by that name');
  });
});
