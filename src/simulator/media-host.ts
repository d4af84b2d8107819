import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { type MediaFault, type OneMediaFault, serve, serveWithFault } from './media-fault.ts';

export interface MediaRequest {
  readonly path: string;
  readonly at: number;
  /** The fault that this request met, null when the file was served as it is. */
  readonly fault: OneMediaFault['kind'] | 'unknown_path' | null;
  readonly headers: IncomingMessage['headers'];
}

interface HostedFile {
  readonly ciphertext: Buffer;
  fault: MediaFault | null;
  requests: number;
}

const MEDIA_PREFIX = '/v/';

/** Serves encrypted media at `/v/<uuid>.enc`, kept in memory, with the fault that each of them may have. */
export class MediaHost {
  readonly #clock: Clock;
  readonly #files = new Map<string, HostedFile>();
  readonly #requests: MediaRequest[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Every request so far, oldest first. */
  get requests(): readonly MediaRequest[] {
    return this.#requests;
  }

  /** Returns the path that the file is served at: the message's `directPath`. */
  store(ciphertext: Buffer, fault: MediaFault | null): string {
    const path = `${MEDIA_PREFIX}${randomUUID()}.enc`;
    this.#files.set(path, { ciphertext, fault, requests: 0 });
    return path;
  }

  /** Changes how a file is served from now on; counts its requests anew. */
  setFault(path: string, fault: MediaFault | null): void {
    const file = this.#files.get(path);
    if (!file) return;
    file.fault = fault;
    file.requests = 0;
  }

  /** The same ciphertext under a new path, without its fault; null when nothing is at `path`. */
  storeAgain(path: string): string | null {
    const file = this.#files.get(path);
    return file ? this.store(file.ciphertext, null) : null;
  }

  /** Answers a request if it is for a medium; false when it is for somebody else. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (!path.startsWith(MEDIA_PREFIX)) return false;
    const file = this.#files.get(path);
    const fault = file ? takeFault(file) : null;
    this.#requests.push({
      path,
      at: this.#clock.now(),
      fault: file ? (fault?.kind ?? null) : 'unknown_path',
      headers: request.headers,
    });
    if (!file) response.writeHead(404).end();
    else if (fault) serveWithFault(fault, file.ciphertext, response, this.#clock);
    else serve(response, file.ciphertext);
    return true;
  }
}

function takeFault(file: HostedFile): OneMediaFault | null {
  file.requests += 1;
  const { fault, requests } = file;
  if (Array.isArray(fault)) return fault[requests - 1] ?? null;
  return fault?.firstRequests !== undefined && requests > fault.firstRequests ? null : fault;
}
