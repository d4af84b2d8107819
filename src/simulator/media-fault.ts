import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';

const bytes = z.number().int().nonnegative();
const variant = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.object({
    kind: z.literal(kind),
    /** Only this many requests for the file fail; all of them when left out. */
    firstRequests: z.number().int().positive().optional(),
    ...shape,
  });

const oneFault = z.discriminatedUnion('kind', [
  /** An HTTP status instead of the file, e.g. 404, 410, 403, 429, 500. */
  variant('status', { status: z.number().int().min(400).max(599), retryAfterSeconds: bytes.optional() }),
  /** The line is cut after so many bytes (half the file when left out). */
  variant('reset', { afterBytes: bytes.optional() }),
  /** Nothing more comes after so many bytes (half the file when left out); the line stays. */
  variant('stall', { afterBytes: bytes.optional() }),
  /** The file comes at this speed. */
  variant('drip', { bytesPerSecond: z.number().int().positive() }),
  /** The file ends early, and cleanly. */
  variant('truncate', { afterBytes: bytes }),
  /** One bit of the ciphertext is flipped (in the middle when left out). */
  variant('flip_bit', { atByte: bytes.optional() }),
  /** A 200 without a body. */
  variant('empty', {}),
  /** The content-length is this, whatever the file's length. */
  variant('content_length', { bytes }),
  /** A body that never ends. */
  variant('endless', {}),
  variant('redirect', { location: z.string() }),
  /** The message declares hashes of some other file. */
  variant('wrong_hash', {}),
]);

/**
 * What may go wrong with one medium. `wrong_hash` is told by the message, all others by the media host. Of a list each
 * request meets the next one, null being none; after its end the file is served as it is.
 */
export const mediaFault = z.union([oneFault, z.array(oneFault.nullable()).min(1)]);

export type OneMediaFault = z.infer<typeof oneFault>;
export type MediaFault = z.infer<typeof mediaFault>;

const DRIP_INTERVAL_MS = 50;

/** Answers a request for `body` with what `fault` makes of it. */
export function serveWithFault(
  fault: OneMediaFault,
  body: Buffer,
  response: ServerResponse,
  clock: Clock,
): void {
  const half = Math.floor(body.length / 2);
  switch (fault.kind) {
    case 'status': {
      const retryAfter = fault.retryAfterSeconds;
      const headers = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
      response.writeHead(fault.status, headers).end();
      return;
    }
    case 'reset':
      writePart(response, body, fault.afterBytes ?? half, () => response.socket?.resetAndDestroy());
      return;
    case 'stall':
      writePart(response, body, fault.afterBytes ?? half, () => {});
      return;
    case 'drip':
      drip(response, body, fault.bytesPerSecond, clock);
      return;
    case 'truncate':
      // Without a content-length: only the hashes can tell.
      response.writeHead(200).end(body.subarray(0, fault.afterBytes));
      return;
    case 'flip_bit':
      serve(response, withFlippedBit(body, fault.atByte ?? half));
      return;
    case 'empty':
      serve(response, Buffer.alloc(0));
      return;
    case 'content_length':
      response.writeHead(200, { 'content-length': fault.bytes, connection: 'close' }).end(body);
      return;
    case 'endless':
      writeEndlessly(response);
      return;
    case 'redirect':
      response.writeHead(302, { location: fault.location }).end();
      return;
    case 'wrong_hash':
      serve(response, body);
      return;
  }
}

export function serve(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'content-length': body.length }).end(body);
}

function writePart(response: ServerResponse, body: Buffer, length: number, then: () => void): void {
  response.writeHead(200, { 'content-length': body.length });
  response.write(body.subarray(0, length), then);
}

function drip(response: ServerResponse, body: Buffer, bytesPerSecond: number, clock: Clock): void {
  const step = Math.max(1, Math.round((bytesPerSecond * DRIP_INTERVAL_MS) / 1_000));
  response.writeHead(200, { 'content-length': body.length });
  const sendFrom = (start: number): void => {
    if (response.destroyed) return;
    if (start >= body.length) {
      response.end();
      return;
    }
    response.write(body.subarray(start, start + step));
    clock.schedule(DRIP_INTERVAL_MS, () => sendFrom(start + step));
  };
  sendFrom(0);
}

function writeEndlessly(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * 1024);
  response.writeHead(200);
  const fill = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', fill);
  fill();
}

function withFlippedBit(body: Buffer, atByte: number): Buffer {
  const copy = Buffer.from(body);
  copy.writeUInt8(copy.readUInt8(atByte) ^ 1, atByte);
  return copy;
}
