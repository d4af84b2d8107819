import { z } from 'zod';
import { describeError, DragomanError, isErrorCode } from '../../base/errors.ts';
import { hostInUrl } from '../../base/listening.ts';
import type { Config } from '../../system/config.ts';

const DEADLINE_MS = 150_000;
const problem = z.object({ code: z.string(), detail: z.string() });

/** Where this machine reaches a server that listens there: an address that means "any" is none to call. */
export function apiUrl({ host, port }: Pick<Config['http'], 'host' | 'port'>): string {
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${hostInUrl(address)}:${port}`;
}

/** A query or a body, without what is undefined. */
export type Fields = Readonly<Record<string, string | number | boolean | null | undefined | object>>;

/**
 * Calls a running backend. Every method rejects with the backend's own errors, by their codes, with
 * `backend_unreachable` when none answers, with `deadline_exceeded` when one does not in time, and with
 * `request_invalid` when what answers is no Dragoman.
 */
export class ApiClient {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #deadlineMs: number;

  constructor(url: string, token: string | undefined, deadlineMs = DEADLINE_MS) {
    this.url = url;
    this.#token = token;
    this.#deadlineMs = deadlineMs;
  }

  get<T extends z.ZodType>(path: string, schema: T, query: Fields = {}): Promise<z.output<T>> {
    const given = Object.entries(query).flatMap(([name, value]) =>
      typeof value === 'string' || typeof value === 'number'
        ? [[name, String(value)] as [string, string]]
        : [],
    );
    const search = new URLSearchParams(given).toString();
    return this.#call('GET', search === '' ? path : `${path}?${search}`, schema);
  }

  post<T extends z.ZodType>(path: string, schema: T, body?: Fields): Promise<z.output<T>> {
    return this.#call('POST', path, schema, body);
  }

  delete<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> {
    return this.#call('DELETE', path, schema);
  }

  async #call<T extends z.ZodType>(
    method: string,
    path: string,
    schema: T,
    body?: Fields,
  ): Promise<z.output<T>> {
    const response = await this.#fetch(method, path, body);
    const reply: unknown = await response.json().catch(() => null);
    if (!response.ok) throw this.#errorOf(response.status, reply);
    const decoded = schema.safeParse(reply);
    if (decoded.success) return decoded.data;
    throw new DragomanError(
      'request_invalid',
      `what answers at ${this.url} is no Dragoman, or one of another version: ${z.prettifyError(decoded.error)}`,
    );
  }

  async #fetch(method: string, path: string, body: Fields | undefined): Promise<Response> {
    try {
      return await fetch(new URL(path, this.url), {
        method,
        headers: {
          ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(this.#deadlineMs),
        redirect: 'error',
      });
    } catch (error) {
      if (error instanceof Error && error.name === 'TimeoutError') {
        throw new DragomanError(
          'deadline_exceeded',
          `the backend at ${this.url} did not answer within ${this.#deadlineMs} ms: it may still be at it`,
          { cause: error },
        );
      }
      const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new DragomanError(
        'backend_unreachable',
        `no backend answers at ${this.url} (${describeError(reason)}): start one with dragoman start, or name its configuration with --config`,
        { cause: error },
      );
    }
  }

  #errorOf(status: number, reply: unknown): DragomanError {
    const { data } = problem.safeParse(reply);
    if (data?.code === 'token_wrong') {
      const given = this.#token === undefined ? 'is guarded by a token' : 'has another token';
      return new DragomanError(
        'token_wrong',
        `the backend at ${this.url} ${given}: name its configuration with --config, or set DRAGOMAN_HTTP_TOKEN`,
      );
    }
    if (data !== undefined && isErrorCode(data.code)) return new DragomanError(data.code, data.detail);
    return new DragomanError('request_invalid', `${this.url} answers ${status}: it is no Dragoman`);
  }
}
