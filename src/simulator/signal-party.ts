import {
  addTransactionCapability,
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  encodeWAMessage,
  generateSignalPubKey,
  initAuthCreds,
  type KeyPair,
  proto,
  type SignalRepositoryWithLIDStore,
  unpadRandomMax16,
  writeRandomPadMax16,
} from '@whiskeysockets/baileys';
import { keepSignalJobsApart } from '../libsignal/signal-jobs.ts';
import { MemoryKeyStore } from './memory-key-store.ts';
import { silentBaileysLogger } from './silent-baileys-logger.ts';
import type { KeyBundle } from './pre-keys.ts';

/** One ciphertext of a stanza: `type` is the attribute of its `<enc>`. */
export interface Sealed {
  readonly type: 'pkmsg' | 'msg' | 'skmsg';
  readonly ciphertext: Uint8Array;
}

/** A plaintext that decodes to no message. */
export const NONSENSE = Symbol('nonsense');
export type Nonsense = typeof NONSENSE;

/** A text of which there is less than it says. */
const CUT_SHORT = Uint8Array.of(0x0a, 0xff, 0x01);

const plaintextOf = (message: proto.IMessage | Nonsense): Uint8Array =>
  message === NONSENSE ? writeRandomPadMax16(CUT_SHORT) : encodeWAMessage(message);

/** One phone's end of the Signal protocol: its keys, and its sessions with other devices, by their JIDs. */
export class SignalParty {
  readonly #creds = initAuthCreds();
  readonly #keys = addTransactionCapability(new MemoryKeyStore(), silentBaileysLogger, {
    maxCommitRetries: 1,
    delayBetweenTriesMs: 1,
  });
  readonly #repository: SignalRepositoryWithLIDStore;
  #nextPreKeyId = 1;

  constructor() {
    keepSignalJobsApart();
    this.#repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(
      { creds: this.#creds, keys: this.#keys },
      silentBaileysLogger,
    );
  }

  /** The key that this phone's account is known by. */
  get identityKey(): KeyPair {
    return this.#creds.signedIdentityKey;
  }

  /** A bundle with a fresh one-time pre-key, for a device that wants to write to this phone. */
  async offerBundle(): Promise<KeyBundle> {
    const { registrationId, signedIdentityKey, signedPreKey } = this.#creds;
    const keyId = this.#nextPreKeyId++;
    const preKey = Curve.generateKeyPair();
    await this.#keys.set({ 'pre-key': { [keyId]: preKey } });
    return {
      registrationId,
      identityKey: generateSignalPubKey(signedIdentityKey.public),
      signedPreKey: {
        keyId: signedPreKey.keyId,
        publicKey: generateSignalPubKey(signedPreKey.keyPair.public),
        signature: signedPreKey.signature,
      },
      preKey: { keyId, publicKey: generateSignalPubKey(preKey.public) },
    };
  }

  /** Starts a session with `device`, in place of one that may be there. */
  startSession(device: string, session: KeyBundle): Promise<void> {
    return this.#repository.injectE2ESession({ jid: device, session });
  }

  async hasSession(device: string): Promise<boolean> {
    return (await this.#repository.validateSession(device)).exists;
  }

  seal(device: string, message: proto.IMessage | Nonsense): Promise<Sealed> {
    return this.#repository.encryptMessage({ jid: device, data: plaintextOf(message) });
  }

  /** Seals once for a whole group; `senderKey` lets a device open it and must reach each one once. */
  async sealForGroup(group: string, self: string, message: proto.IMessage | Nonsense) {
    const { ciphertext, senderKeyDistributionMessage } = await this.#repository.encryptGroupMessage({
      group,
      meId: self,
      data: plaintextOf(message),
    });
    const sealed: Sealed = { type: 'skmsg', ciphertext };
    return { sealed, senderKey: distribution(group, senderKeyDistributionMessage) };
  }

  /** The sender key as it stands: it opens what is sealed for the group from now on. */
  async senderKey(group: string, self: string): Promise<proto.Message.ISenderKeyDistributionMessage> {
    return distribution(group, await this.#repository.getSenderKeyDistributionMessage({ group, meId: self }));
  }

  /** Opens what `device` sealed, and learns the sender key that may be in it. `group` is needed for `skmsg`. */
  async open(device: string, { type, ciphertext }: Sealed, group: string): Promise<proto.Message> {
    const padded =
      type === 'skmsg'
        ? await this.#repository.decryptGroupMessage({ group, authorJid: device, msg: ciphertext })
        : await this.#repository.decryptMessage({ jid: device, type, ciphertext });
    const message = proto.Message.decode(unpadRandomMax16(padded));
    if (message.senderKeyDistributionMessage) {
      await this.#repository.processSenderKeyDistributionMessage({
        item: message.senderKeyDistributionMessage,
        authorJid: device,
      });
    }
    return message;
  }

  /** Ends the timers of its caches. */
  close(): void {
    this.#repository.close?.();
  }
}

const distribution = (groupId: string, key: Uint8Array): proto.Message.ISenderKeyDistributionMessage => ({
  groupId,
  axolotlSenderKeyDistributionMessage: key,
});
