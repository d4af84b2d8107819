import { readFile, unlink } from 'node:fs/promises';
import { encryptedStream, type MediaType, sha256 } from '@whiskeysockets/baileys';
import type { MediaFault } from './media-fault.ts';
import type { MediaHost } from './media-host.ts';

/** The fields that every media message has, whatever its kind. */
export interface UploadedMedium {
  readonly url: string;
  readonly directPath: string;
  readonly mediaKey: Uint8Array;
  readonly fileSha256: Uint8Array;
  readonly fileEncSha256: Uint8Array;
  readonly fileLength: number;
}

const PUBLIC_ORIGIN = 'https://mmg.whatsapp.net';
const SOME_OTHER_FILE = sha256(Buffer.from('some other file'));

/** Encrypts `plaintext` as a phone does and puts it on the media host. `cipher` names WhatsApp's media key. */
export async function uploadMedium(
  host: MediaHost,
  plaintext: Buffer,
  cipher: MediaType,
  fault: MediaFault | null,
): Promise<UploadedMedium> {
  const encrypted = await encryptedStream(plaintext, cipher);
  const ciphertext = await readFile(encrypted.encFilePath);
  await unlink(encrypted.encFilePath);
  const directPath = host.store(ciphertext, fault);
  const lies = fault !== null && !Array.isArray(fault) && fault.kind === 'wrong_hash';
  return {
    url: `${PUBLIC_ORIGIN}${directPath}`,
    directPath,
    mediaKey: encrypted.mediaKey,
    fileSha256: lies ? SOME_OTHER_FILE : encrypted.fileSha256,
    fileEncSha256: lies ? SOME_OTHER_FILE : encrypted.fileEncSha256,
    fileLength: encrypted.fileLength,
  };
}
