import { createCipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { MediaReference } from '../../src/gateway/received.ts';

export interface EncryptedMedia {
  readonly plain: Buffer;
  /** As the media host serves it: AES-CBC, then 10 bytes of MAC. */
  readonly ciphertext: Buffer;
  readonly reference: MediaReference;
}

/** Encrypts as a sender's phone does; `overrides` make the message lie. */
export function encryptMedia(plain: Buffer, overrides: Partial<MediaReference> = {}): EncryptedMedia {
  const mediaKey = randomBytes(32);
  const keys = Buffer.from(hkdfSync('sha256', mediaKey, '', 'WhatsApp Image Keys', 112));
  const iv = keys.subarray(0, 16);
  const cipher = createCipheriv('aes-256-cbc', keys.subarray(16, 48), iv);
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  const mac = createHmac('sha256', keys.subarray(48, 80))
    .update(iv)
    .update(encrypted)
    .digest()
    .subarray(0, 10);
  const ciphertext = Buffer.concat([encrypted, mac]);
  return {
    plain,
    ciphertext,
    reference: {
      kind: 'image',
      cipher: 'image',
      mimeType: 'image/jpeg',
      fileName: null,
      mediaKey: mediaKey.toString('base64'),
      directPath: '/file.enc',
      fileSha256: sha256(plain).toString('base64'),
      fileEncSha256: sha256(ciphertext).toString('base64'),
      declaredBytes: plain.length,
      ...overrides,
    },
  };
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
