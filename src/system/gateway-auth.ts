import { createHash, timingSafeEqual } from 'node:crypto';

/** One gateway's right to dial in. */
export interface GatewayCredential {
  readonly gatewayId: string;
  readonly token: string;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Finds whose token an `Authorization: Bearer …` header carries. Every known token is compared, as hashes and in
 * constant time, so the answer's timing tells nothing about any of them.
 */
export function authenticate(
  credentials: readonly GatewayCredential[],
  authorization: string | undefined,
): GatewayCredential | null {
  const offered = digest(/^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '');
  let found: GatewayCredential | null = null;
  for (const credential of credentials) {
    if (timingSafeEqual(digest(credential.token), offered)) found = credential;
  }
  return found;
}
