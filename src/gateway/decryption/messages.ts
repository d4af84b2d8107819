import type { DecryptionEnd, MediaProof } from './media-decryption.ts';

/** What the decrypting thread is told of one file, by its number. Buffers are handed over, not copied. */
export type DecryptionOrder =
  | { readonly kind: 'begin'; readonly file: number; readonly proof: MediaProof }
  | { readonly kind: 'update'; readonly file: number; readonly batch: ArrayBuffer; readonly bytes: number }
  | { readonly kind: 'end'; readonly file: number }
  /** Nobody waits for it any more. */
  | { readonly kind: 'drop'; readonly file: number };

/** What it answers, in the order in which it was told. */
export type DecryptionAnswer =
  /** `batch`: the buffer of the update, to be filled again. */
  | {
      readonly kind: 'plain';
      readonly file: number;
      readonly plain: Uint8Array<ArrayBuffer>;
      readonly batch: ArrayBuffer;
    }
  | { readonly kind: 'ended'; readonly file: number; readonly end: DecryptionEnd };
