import {
  aesDecryptGCM,
  aesEncryptGCM,
  Curve,
  hkdf,
  NOISE_MODE,
  NOISE_WA_HEADER,
  proto,
  sha256,
} from '@whiskeysockets/baileys';
import { DragomanError } from '../base/errors.ts';
import type { ServerCertificate } from './server-certificate.ts';

const NOTHING = Buffer.alloc(0);
const LENGTH_BYTES = 3;
const ROUTING_MARK = Buffer.from('ED');
const ROUTING_HEADER_BYTES = 7;

/** Both directions of an established Noise session; each side counts its own frames. */
export interface NoiseTransport {
  encrypt(plaintext: Uint8Array): Uint8Array;
  decrypt(ciphertext: Uint8Array): Uint8Array;
}

/** What a client tells at the end of the handshake. */
export interface ClientFinish {
  /** The client's static Noise key: the same for all connections of one linked device. */
  readonly clientKey: Uint8Array;
  readonly payload: proto.ClientPayload;
  readonly transport: NoiseTransport;
}

/** The server's side of one Noise_XX_25519_AESGCM_SHA256 handshake: `answerHello`, then `acceptFinish`. */
export class NoiseResponder {
  readonly #certificate: ServerCertificate;
  readonly #ephemeral = Curve.generateKeyPair();
  #hash: Buffer = Buffer.from(NOISE_MODE);
  #salt: Buffer = this.#hash;
  #key: Buffer = this.#hash;
  #counter = 0;

  constructor(certificate: ServerCertificate) {
    this.#certificate = certificate;
  }

  /** Takes the client's hello and returns the server's, certificate included. */
  answerHello(frame: Uint8Array): Uint8Array {
    const clientEphemeral = required(proto.HandshakeMessage.decode(frame).clientHello?.ephemeral);
    const { staticKey, chain } = this.#certificate;
    this.#authenticate(NOISE_WA_HEADER);
    this.#authenticate(clientEphemeral);
    this.#authenticate(this.#ephemeral.public);
    this.#mix(Curve.sharedKey(this.#ephemeral.private, clientEphemeral));
    const encryptedStatic = this.#encrypt(staticKey.public);
    this.#mix(Curve.sharedKey(staticKey.private, clientEphemeral));
    const payload = this.#encrypt(chain);
    const serverHello = { ephemeral: this.#ephemeral.public, static: encryptedStatic, payload };
    return proto.HandshakeMessage.encode({ serverHello }).finish();
  }

  acceptFinish(frame: Uint8Array): ClientFinish {
    const finish = proto.HandshakeMessage.decode(frame).clientFinish;
    const clientKey = this.#decrypt(required(finish?.static));
    this.#mix(Curve.sharedKey(this.#ephemeral.private, clientKey));
    const payload = proto.ClientPayload.decode(this.#decrypt(required(finish?.payload)));
    const [receiveKey, sendKey] = this.#deriveKeys(NOTHING);
    return { clientKey, payload, transport: new CountingCipher(sendKey, receiveKey) };
  }

  #authenticate(data: Uint8Array): void {
    this.#hash = sha256(Buffer.concat([this.#hash, data]));
  }

  #deriveKeys(secret: Uint8Array): [Buffer, Buffer] {
    const keys = Buffer.from(hkdf(Buffer.from(secret), 64, { salt: this.#salt, info: '' }));
    return [keys.subarray(0, 32), keys.subarray(32)];
  }

  #mix(secret: Uint8Array): void {
    [this.#salt, this.#key] = this.#deriveKeys(secret);
    this.#counter = 0;
  }

  #encrypt(plaintext: Uint8Array): Uint8Array {
    const ciphertext = aesEncryptGCM(plaintext, this.#key, nonce(this.#counter++), this.#hash);
    this.#authenticate(ciphertext);
    return ciphertext;
  }

  #decrypt(ciphertext: Uint8Array): Uint8Array {
    const plaintext = aesDecryptGCM(ciphertext, this.#key, nonce(this.#counter++), this.#hash);
    this.#authenticate(ciphertext);
    return plaintext;
  }
}

class CountingCipher implements NoiseTransport {
  readonly #sendKey: Buffer;
  readonly #receiveKey: Buffer;
  #sent = 0;
  #received = 0;

  constructor(sendKey: Buffer, receiveKey: Buffer) {
    this.#sendKey = sendKey;
    this.#receiveKey = receiveKey;
  }

  encrypt(plaintext: Uint8Array): Uint8Array {
    return aesEncryptGCM(plaintext, this.#sendKey, nonce(this.#sent++), NOTHING);
  }

  decrypt(ciphertext: Uint8Array): Uint8Array {
    return aesDecryptGCM(ciphertext, this.#receiveKey, nonce(this.#received++), NOTHING);
  }
}

/** Cuts a client's bytes into frames: an optional routing header and `WA`, then length-prefixed frames. */
export class FrameReader {
  #bytes: Buffer = NOTHING;
  #introRead = false;

  /** The frames that `chunk` completes. */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (!this.#introRead) this.#introRead = this.#readIntro();
    if (!this.#introRead) return;
    while (this.#bytes.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#bytes.readUIntBE(0, LENGTH_BYTES);
      if (this.#bytes.length < end) return;
      const frame = this.#bytes.subarray(LENGTH_BYTES, end);
      this.#bytes = this.#bytes.subarray(end);
      yield frame;
    }
  }

  #readIntro(): boolean {
    let start = 0;
    if (this.#bytes.subarray(0, ROUTING_MARK.length).equals(ROUTING_MARK)) {
      if (this.#bytes.length < ROUTING_HEADER_BYTES) return false;
      start = ROUTING_HEADER_BYTES + this.#bytes.readUIntBE(4, LENGTH_BYTES);
    }
    const end = start + NOISE_WA_HEADER.length;
    if (this.#bytes.length < end) return false;
    if (!this.#bytes.subarray(start, end).equals(NOISE_WA_HEADER)) {
      throw new DragomanError('frame_invalid', 'expected the WhatsApp Noise header');
    }
    this.#bytes = this.#bytes.subarray(end);
    return true;
  }
}

export function encodeFrame(payload: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUIntBE(payload.length, 0, LENGTH_BYTES);
  return Buffer.concat([length, payload]);
}

function nonce(counter: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(counter, 8);
  return bytes;
}

function required(field: Uint8Array | null | undefined): Uint8Array {
  if (!field) throw new DragomanError('frame_invalid', 'expected a complete handshake message');
  return field;
}
