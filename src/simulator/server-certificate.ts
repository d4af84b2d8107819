import { Curve, type KeyPair, proto, WA_CERT_DETAILS } from '@whiskeysockets/baileys';

/** What a Noise server proves itself with: its static key, and the chain that a client checks up to the root. */
export interface ServerCertificate {
  /** The key that clients must pin instead of WhatsApp's own. */
  readonly rootPublicKey: Uint8Array;
  readonly staticKey: KeyPair;
  /** An encoded `proto.CertChain`: root signs intermediate, intermediate signs leaf. */
  readonly chain: Uint8Array;
}

const { Details } = proto.CertChain.NoiseCertificate;

export function issueServerCertificate(): ServerCertificate {
  const root = Curve.generateKeyPair();
  const intermediate = Curve.generateKeyPair();
  const staticKey = Curve.generateKeyPair();
  const chain = proto.CertChain.encode({
    intermediate: sign(root, { serial: 1, issuerSerial: WA_CERT_DETAILS.SERIAL, key: intermediate.public }),
    leaf: sign(intermediate, { serial: 2, issuerSerial: 1, key: staticKey.public }),
  }).finish();
  return { rootPublicKey: root.public, staticKey, chain };
}

function sign(issuer: KeyPair, details: proto.CertChain.NoiseCertificate.IDetails) {
  const encoded = Details.encode(details).finish();
  return { details: encoded, signature: Curve.sign(issuer.private, encoded) };
}
