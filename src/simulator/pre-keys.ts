import {
  type BinaryNode,
  encodeBigEndian,
  extractE2ESessionFromRetryReceipt,
  generateSignalPubKey,
  getBinaryNodeChild,
  getBinaryNodeChildBuffer,
  getBinaryNodeChildren,
  getBinaryNodeChildUInt,
  KEY_BUNDLE_TYPE,
  type SignalRepository,
} from '@whiskeysockets/baileys';
import { DragomanError } from '../base/errors.ts';

/** Everything that starts a Signal session with one device. */
export type KeyBundle = Parameters<SignalRepository['injectE2ESession']>[0]['session'];
type PreKey = NonNullable<KeyBundle['preKey']>;

const ID_BYTES = 3;
const REGISTRATION_BYTES = 4;
/** A public key as Signal keeps it begins with a type byte, which WhatsApp's stanzas leave out. */
const TYPE_BYTES = 1;

/** The keys that one linked device uploaded, as WhatsApp hands them out: each one-time pre-key once. */
export class PreKeyPool {
  #identity: Omit<KeyBundle, 'preKey'> | null = null;
  readonly #oneTime = new Map<number, PreKey>();

  /** How many one-time pre-keys are left. */
  get count(): number {
    return this.#oneTime.size;
  }

  get isFilled(): boolean {
    return this.#identity !== null;
  }

  /** Takes an `encrypt` set iq with a registration: identity, signed pre-key and a list of one-time pre-keys. */
  upload(iq: BinaryNode): void {
    this.#identity = {
      registrationId: uintOf(iq, 'registration', REGISTRATION_BYTES),
      identityKey: generateSignalPubKey(bytesOf(iq, 'identity')),
      signedPreKey: signedPreKeyOf(iq),
    };
    for (const key of getBinaryNodeChildren(getBinaryNodeChild(iq, 'list'), 'key')) {
      const preKey = preKeyOf(key);
      this.#oneTime.set(preKey.keyId, preKey);
    }
  }

  /** Takes a new signed pre-key out of a `rotate` iq. */
  rotate(iq: BinaryNode): void {
    const rotation = getBinaryNodeChild(iq, 'rotate');
    if (this.#identity && rotation) {
      this.#identity = { ...this.#identity, signedPreKey: signedPreKeyOf(rotation) };
    }
  }

  /** A bundle with the next one-time pre-key, or without one when all are used up. */
  take(): KeyBundle {
    if (!this.#identity)
      throw new DragomanError('not_found', 'expected keys of a device that logged in once');
    const [next] = this.#oneTime.values();
    if (!next) return this.#identity;
    this.#oneTime.delete(next.keyId);
    return { ...this.#identity, preKey: next };
  }
}

/** The bundle that a device sends along with a retry receipt, null when there is none. */
export function bundleOfRetryReceipt(receipt: BinaryNode): KeyBundle | null {
  const found = extractE2ESessionFromRetryReceipt(receipt);
  if (!found) return null;
  const { preKey, ...identity } = found;
  return preKey ? { ...identity, preKey } : identity;
}

/** One `<user>` in the answer to a request for key bundles. */
export function bundleNode(jid: string, bundle: KeyBundle): BinaryNode {
  const { registrationId, identityKey, signedPreKey, preKey } = bundle;
  return {
    tag: 'user',
    attrs: { jid },
    content: [
      leaf('registration', encodeBigEndian(registrationId, REGISTRATION_BYTES)),
      leaf('type', KEY_BUNDLE_TYPE),
      leaf('identity', withoutType(identityKey)),
      {
        tag: 'skey',
        attrs: {},
        content: [...keyFields(signedPreKey), leaf('signature', signedPreKey.signature)],
      },
      ...(preKey ? [{ tag: 'key', attrs: {}, content: keyFields(preKey) }] : []),
    ],
  };
}

const leaf = (tag: string, content: Uint8Array): BinaryNode => ({ tag, attrs: {}, content });
const keyFields = ({ keyId, publicKey }: PreKey): BinaryNode[] => [
  leaf('id', encodeBigEndian(keyId, ID_BYTES)),
  leaf('value', withoutType(publicKey)),
];
const withoutType = (publicKey: Uint8Array): Uint8Array => publicKey.subarray(TYPE_BYTES);

const preKeyOf = (node: BinaryNode): PreKey => ({
  keyId: uintOf(node, 'id', ID_BYTES),
  publicKey: generateSignalPubKey(bytesOf(node, 'value')),
});

function signedPreKeyOf(parent: BinaryNode): KeyBundle['signedPreKey'] {
  const node = getBinaryNodeChild(parent, 'skey');
  if (!node) throw new DragomanError('frame_invalid', 'expected <skey>');
  return { ...preKeyOf(node), signature: bytesOf(node, 'signature') };
}

function bytesOf(node: BinaryNode, tag: string): Uint8Array {
  const bytes = getBinaryNodeChildBuffer(node, tag);
  if (!bytes) throw new DragomanError('frame_invalid', `expected bytes in <${tag}>`);
  return bytes;
}

function uintOf(node: BinaryNode, tag: string, length: number): number {
  const value = getBinaryNodeChildUInt(node, tag, length);
  if (value === undefined) throw new DragomanError('frame_invalid', `expected a number in <${tag}>`);
  return value;
}
