import { z } from 'zod';
import type { MediaContext, MediaFile } from '../media.ts';

/** How a child's life begins. */
export interface ProcessorModule {
  /** The module's absolute path. */
  readonly file: string;
  /** The pool's `processorOptions`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Of the whole process, in MiB. */
  readonly maxMemoryMb: number;
}

/** One job, as a processor sees it. */
export interface ProcessorTask {
  readonly file: MediaFile;
  readonly mimeType: string;
  readonly context: MediaContext;
}

/** To a child: `load` once, first; then one `process` after another, each perhaps followed by an `abort`. */
export type ChildRequest =
  | { readonly kind: 'load'; readonly id: number; readonly module: ProcessorModule }
  | { readonly kind: 'process'; readonly id: number; readonly task: ProcessorTask }
  | { readonly kind: 'abort' };

/** From a child. Schemas, because the module's own code could send as well. */
export const childAnswer = z.object({
  /** The id of a request: what a module sends late, or by itself, is no answer to the next. */
  answers: z.number(),
  reply: z.unknown(),
});
export type ChildAnswer = z.infer<typeof childAnswer>;

/** In answer to `load`. */
export const loadReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('loaded') }),
  z.object({ kind: z.literal('refused'), reason: z.string() }),
]);
export type LoadReply = z.infer<typeof loadReply>;

/** In answer to `process`. */
export const taskReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('returned'), outcome: z.unknown() }),
  z.object({
    kind: z.literal('threw'),
    reason: z.string(),
    stack: z.string().nullable(),
    isRetryable: z.boolean(),
  }),
]);
export type TaskReply = z.infer<typeof taskReply>;
