import type { Damage, Intact, MediaProof } from './media-proof.ts';

/** `seal` proves that the ciphertext is the right one, `content` decrypts it: neither needs what the other finds. */
export type ThreadRole = 'seal' | 'content';

/** What both decrypting threads are told of one file, by its number. */
export type DecryptionOrder =
  | {
      readonly kind: 'begin';
      readonly file: number;
      readonly proof: MediaProof;
      /** Where its batches lie, one after another and round again. Shared once, since each sharing costs. */
      readonly ring: SharedArrayBuffer;
    }
  /** The next batch lies there, and stays until both threads are done with it. */
  | { readonly kind: 'update'; readonly file: number; readonly bytes: number }
  | { readonly kind: 'end'; readonly file: number; readonly tag: Uint8Array }
  /** Nobody waits for it any more. */
  | { readonly kind: 'drop'; readonly file: number };

/** What they answer, each in the order in which it was told. */
export type DecryptionAnswer =
  /** `seal` is done with a batch. */
  | { readonly kind: 'proved'; readonly file: number }
  /** Null when nothing speaks against the whole. */
  | { readonly kind: 'sealed'; readonly file: number; readonly damage: Damage | null }
  /** `content` is done with a batch; `plain` is handed over. */
  | { readonly kind: 'decrypted'; readonly file: number; readonly plain: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'ended'; readonly file: number; readonly end: Intact | Damage };
