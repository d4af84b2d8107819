import { hkdfSync } from 'node:crypto';
import type { MediaCipher } from '../received.ts';

const MEDIA_KEY_BYTES = 32;

const HKDF_INFO: Readonly<Record<MediaProof['cipher'], string>> = {
  image: 'WhatsApp Image Keys',
  sticker: 'WhatsApp Image Keys',
  video: 'WhatsApp Video Keys',
  ptv: 'WhatsApp Video Keys',
  audio: 'WhatsApp Audio Keys',
  document: 'WhatsApp Document Keys',
  history: 'WhatsApp History Keys',
};

/** What proves that a medium is the right one. Hashes are base64; null where the message names none. */
export interface MediaProof {
  /** Base64, 32 bytes. */
  readonly mediaKey: string | null;
  readonly cipher: MediaCipher | 'history';
  readonly fileSha256: string | null;
  readonly fileEncSha256: string | null;
  readonly declaredBytes: number | null;
}

export interface Damage {
  readonly kind: 'damaged';
  readonly reason: 'truncated' | 'bad_mac' | 'bad_hash' | 'bad_content';
}

/** Nothing follows: `lastBytes` are the last ones of the file, `sha256` is the file's, in hex. */
export interface Intact {
  readonly kind: 'intact';
  readonly lastBytes: Uint8Array;
  readonly sha256: string;
}

export const damaged = (reason: Damage['reason']): Damage => ({ kind: 'damaged', reason });

/** By HKDF-SHA-256 from the media key, as WhatsApp's security white paper says. */
export function mediaKeys(proof: MediaProof): { iv: Buffer; cipherKey: Buffer; macKey: Buffer } {
  const keys = Buffer.from(hkdfSync('sha256', keyIn(proof), Buffer.alloc(0), HKDF_INFO[proof.cipher], 112));
  return { iv: keys.subarray(0, 16), cipherKey: keys.subarray(16, 48), macKey: keys.subarray(48, 80) };
}

const keyIn = ({ mediaKey }: MediaProof): Buffer => Buffer.from(mediaKey ?? '', 'base64');

/** Whether a message carries what its medium can be decrypted with. */
export const hasUsableKey = (proof: MediaProof): boolean => keyIn(proof).length === MEDIA_KEY_BYTES;

export const isDigest = (digest: Buffer, base64: string | null): boolean =>
  digest.equals(Buffer.from(base64 ?? '', 'base64'));
