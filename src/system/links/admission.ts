import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { authenticate, type GatewayCredential, isHardToGuess, WrongTokens } from './gateway-auth.ts';
import { type BucketSize, TokenBucket } from './token-bucket.ts';

export type Refusal = 401 | 403 | 404 | 429;

/** A gateway as the port knows it, and what it may say over all its links together. */
export interface AdmittedGateway extends GatewayCredential {
  readonly allowance: TokenBucket;
}

interface KnownGateway extends AdmittedGateway {
  readonly dials: TokenBucket;
}

export const GATEWAY_PATH = '/gateway';

/** Far more than a gateway makes that dials again and again, ever more slowly. */
const DIALS: BucketSize = { burst: 100, perSecond: 2 };

/**
 * Decides who may have a link.
 *   A1 Whoever has no token of a gateway, or comes from a browser, gets none; the answer's timing tells nothing of any token.
 *   A2 Of an address that was wrong too often within a minute, a token counts only if it is hard to guess: no neighbour
 *      behind the same address locks such a gateway out, and for any other there are few guesses.
 *   A3 A gateway may dial a hundred times at once, and then every half second.
 */
export class Admission {
  readonly #gateways: readonly KnownGateway[];
  readonly #guesses: WrongTokens;

  constructor(credentials: readonly GatewayCredential[], control: BucketSize, clock: Clock) {
    this.#gateways = credentials.map((credential) => ({
      ...credential,
      allowance: new TokenBucket(clock, control),
      dials: new TokenBucket(clock, DIALS),
    }));
    this.#guesses = new WrongTokens(clock);
  }

  /** The gateway that asks for a link, or the HTTP status that refuses it. */
  admit({ url, headers, socket }: IncomingMessage): AdmittedGateway | Refusal {
    if (url?.split('?', 1)[0] !== GATEWAY_PATH) return 404;
    // A gateway is a program and sends no Origin; a browser always does.
    if (headers.origin !== undefined) return 403;
    const { remoteAddress: remote = '' } = socket;
    const gateway = authenticate(this.#gateways, headers.authorization);
    if (this.#guesses.tooMany(remote) && (gateway === null || !isHardToGuess(gateway.token))) return 429;
    if (gateway === null) {
      this.#guesses.note(remote);
      return 401;
    }
    return gateway.dials.trySpend(1) ? gateway : 429;
  }
}
