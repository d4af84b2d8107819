import { z } from 'zod';
import {
  type BackendFrame,
  backendFrame,
  type BackendFrameBody,
  type GatewayFrame,
  gatewayFrame,
  type GatewayFrameBody,
  PROTOCOL_VERSION,
  WIRE_LIMITS,
} from './frames.ts';

/** `seq` is there when the frame is refused but tells which one it was, so that it can be nacked: never of another version's. */
export type Decoded<F> =
  | { readonly kind: 'frame'; readonly frame: F }
  | { readonly kind: 'malformed'; readonly reason: string; readonly seq: number | null };

export const encodeFrame = (frame: GatewayFrameBody | BackendFrameBody): string =>
  JSON.stringify({ v: PROTOCOL_VERSION, ...frame });

export const decodeGatewayFrame = (raw: string): Decoded<GatewayFrame> => decode(gatewayFrame, raw);
export const decodeBackendFrame = (raw: string): Decoded<BackendFrame> => decode(backendFrame, raw);

const readableSeq = z.object({ seq: z.number().int().positive() });
const otherVersion = z.object({ v: z.number().refine((version) => version !== PROTOCOL_VERSION) });

function decode<F>(schema: z.ZodType<F>, raw: string): Decoded<F> {
  const bytes = Buffer.byteLength(raw);
  if (bytes > WIRE_LIMITS.frameBytes) {
    return malformed(`expected at most ${WIRE_LIMITS.frameBytes} bytes, got ${bytes}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return malformed('expected JSON');
  }
  const result = schema.safeParse(value);
  if (result.success) return { kind: 'frame', frame: result.data };
  // It may be sound in its own version: nothing that its peer could take for a judgement is said of it.
  const other = otherVersion.safeParse(value);
  if (other.success)
    return malformed(`v: expected ${PROTOCOL_VERSION}, got ${other.data.v}: update the older side`);
  const seq = readableSeq.safeParse(value);
  return malformed(describe(result.error), seq.success ? seq.data.seq : null);
}

const malformed = (reason: string, seq: number | null = null) =>
  ({ kind: 'malformed', reason: reason.slice(0, WIRE_LIMITS.reasonCharacters), seq }) as const;

/** Paths and expectations only: a refused frame's content never reaches a log. */
const describe = (error: z.ZodError): string =>
  error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'frame'}: ${issue.message}`)
    .join('; ');
