import { randomBytes } from 'node:crypto';
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  getBinaryNodeChild,
  getBinaryNodeChildBuffer,
  hkdf,
  hmacSign,
  type KeyPair,
  proto,
  S_WHATSAPP_NET,
  WA_ADV_ACCOUNT_SIG_PREFIX,
} from '@whiskeysockets/baileys';
import { DragomanError } from '../base/errors.ts';
import { deviceJid, type Identity } from './identity.ts';

/** What a bot shows its owner's phone, in a QR code or with the help of a pairing code. */
export interface Companion {
  readonly identityKey: Uint8Array;
  /** Known to bot and phone only: proves to the bot that it was this phone that linked it. */
  readonly advSecret: Buffer;
}

export interface QrCode extends Companion {
  /** Tells which connection shows this code, in base64. */
  readonly noiseKey: string;
}

/** Reads the text of a QR code: `https://wa.me/settings/linked_devices#ref,noiseKey,identityKey,advSecret,platform`. */
export function readQrCode(text: string): QrCode {
  const [, noiseKey, identityKey, advSecret] = text.slice(text.indexOf('#') + 1).split(',');
  if (!noiseKey || !identityKey || !advSecret) {
    throw new DragomanError('frame_invalid', 'expected the text of a linked-devices QR code');
  }
  return {
    noiseKey,
    identityKey: Buffer.from(identityKey, 'base64'),
    advSecret: Buffer.from(advSecret, 'base64'),
  };
}

/** The invitation to show QR codes: each ref makes one. */
export const pairDeviceRequest = (id: string): BinaryNode => ({
  tag: 'iq',
  attrs: { from: S_WHATSAPP_NET, type: 'set', id, xmlns: 'md' },
  content: [
    {
      tag: 'pair-device',
      attrs: {},
      content: Array.from({ length: 6 }, () =>
        leaf('ref', Buffer.from(`2@${randomBytes(24).toString('base64url')}`)),
      ),
    },
  ],
});

/** The news to the bot that the phone has linked it, signed by the account. */
export function pairSuccess(
  id: string,
  companion: Companion,
  account: { identity: Identity; identityKey: KeyPair; device: number; linkedAt: number },
): BinaryNode {
  const { identity, identityKey, device, linkedAt } = account;
  const details = proto.ADVDeviceIdentity.encode({
    rawId: device,
    timestamp: Math.floor(linkedAt / 1_000),
    keyIndex: device,
  }).finish();
  const signed = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, companion.identityKey]);
  const deviceIdentity = proto.ADVSignedDeviceIdentity.encode({
    details,
    accountSignatureKey: identityKey.public,
    accountSignature: Curve.sign(identityKey.private, signed),
  }).finish();
  const sealed = proto.ADVSignedDeviceIdentityHMAC.encode({
    details: deviceIdentity,
    hmac: hmacSign(deviceIdentity, companion.advSecret),
  }).finish();
  const jids = { jid: deviceJid(identity.pn, device), lid: deviceJid(identity.lid, device) };
  return {
    tag: 'iq',
    attrs: { from: S_WHATSAPP_NET, type: 'set', id, xmlns: 'md' },
    content: [
      {
        tag: 'pair-success',
        attrs: {},
        content: [
          leaf('device-identity', sealed),
          { tag: 'device', attrs: jids },
          { tag: 'platform', attrs: { name: 'android' } },
        ],
      },
    ],
  };
}

const LINK_CODE = 'link_code_companion_reg';
const SALT_BYTES = 32;
const CTR_IV_BYTES = 16;
const GCM_IV_BYTES = 12;
const KEY_BYTES = 32;

/**
 * The phone's side of pairing by code: `companionHello` (from the bot) → `hello` (to the bot) → `finish`
 * (from the bot). The code never crosses the wire: it wraps the ephemeral keys of both.
 */
export class PairingByCode {
  readonly phone: string;
  readonly #wrappedCompanionKey: Buffer;
  readonly #ephemeral = Curve.generateKeyPair();
  #companionEphemeral: Uint8Array | null = null;

  private constructor(phone: string, wrappedCompanionKey: Buffer) {
    this.phone = phone;
    this.#wrappedCompanionKey = wrappedCompanionKey;
  }

  /** Null when the iq does not begin a pairing by code. */
  static begin(iq: BinaryNode): PairingByCode | null {
    const hello = getBinaryNodeChild(iq, LINK_CODE);
    if (hello?.attrs['stage'] !== 'companion_hello') return null;
    const phone = (hello.attrs['jid'] ?? '').replace(/@.*$/, '');
    return new PairingByCode(phone, bytesOf(hello, 'link_code_pairing_wrapped_companion_ephemeral_pub'));
  }

  /** What the phone sends once its owner has typed the code. */
  async hello(code: string, identityKey: KeyPair): Promise<BinaryNode> {
    const [salt, iv, wrapped] = cut(this.#wrappedCompanionKey, SALT_BYTES, CTR_IV_BYTES);
    this.#companionEphemeral = aesDecryptCTR(wrapped, await derivePairingCodeKey(code, salt), iv);
    const ownSalt = randomBytes(SALT_BYTES);
    const ownIv = randomBytes(CTR_IV_BYTES);
    const ownKey = await derivePairingCodeKey(code, ownSalt);
    const wrappedOwn = aesEncryptCTR(this.#ephemeral.public, ownKey, ownIv);
    return {
      tag: 'notification',
      attrs: { from: S_WHATSAPP_NET, id: 'link-code', type: LINK_CODE },
      content: [
        {
          tag: LINK_CODE,
          attrs: { stage: 'primary_hello' },
          content: [
            leaf('link_code_pairing_ref', randomBytes(16)),
            leaf('primary_identity_pub', identityKey.public),
            leaf(
              'link_code_pairing_wrapped_primary_ephemeral_pub',
              Buffer.concat([ownSalt, ownIv, wrappedOwn]),
            ),
          ],
        },
      ],
    };
  }

  /** Null when the iq does not end a pairing by code; `token_wrong` when the typed code was not the bot's. */
  finish(iq: BinaryNode, identityKey: KeyPair): Companion | null {
    const finish = getBinaryNodeChild(iq, LINK_CODE);
    if (finish?.attrs['stage'] !== 'companion_finish' || !this.#companionEphemeral) return null;
    const shared = Curve.sharedKey(this.#ephemeral.private, this.#companionEphemeral);
    const [companionIdentity, random] = openKeyBundle(
      bytesOf(finish, 'link_code_pairing_wrapped_key_bundle'),
      shared,
    );
    const secret = Buffer.concat([shared, Curve.sharedKey(identityKey.private, companionIdentity), random]);
    return {
      identityKey: companionIdentity,
      advSecret: Buffer.from(hkdf(secret, KEY_BYTES, { info: 'adv_secret' })),
    };
  }
}

/** The bundle holds the bot's identity key, the account's, and a random part of the secret. */
function openKeyBundle(wrapped: Buffer, shared: Buffer): [companionIdentity: Buffer, random: Buffer] {
  const [salt, iv, ciphertext] = cut(wrapped, SALT_BYTES, GCM_IV_BYTES);
  const key = hkdf(shared, KEY_BYTES, { salt, info: 'link_code_pairing_key_bundle_encryption_key' });
  try {
    const bundle = aesDecryptGCM(ciphertext, key, iv, Buffer.alloc(0));
    const [companionIdentity, , random] = cut(bundle, KEY_BYTES, KEY_BYTES);
    return [companionIdentity, random];
  } catch (error) {
    throw new DragomanError('token_wrong', 'expected the pairing code that the bot shows', { cause: error });
  }
}

function cut(bytes: Buffer, first: number, second: number): [Buffer, Buffer, Buffer] {
  const third = first + second;
  return [bytes.subarray(0, first), bytes.subarray(first, third), bytes.subarray(third)];
}

function bytesOf(node: BinaryNode, tag: string): Buffer {
  const bytes = getBinaryNodeChildBuffer(node, tag);
  if (!bytes) throw new DragomanError('frame_invalid', `expected bytes in <${tag}>`);
  return Buffer.from(bytes);
}

const leaf = (tag: string, content: Uint8Array): BinaryNode => ({ tag, attrs: {}, content });
