import type { Clock } from '../../base/clock.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { isSameSecret } from '../../base/secrets.ts';

/** One gateway's right to dial in. */
export interface GatewayCredential {
  readonly gatewayId: string;
  readonly token: string;
}

/**
 * Finds whose token an `Authorization: Bearer …` header carries. Every known token is compared, so that the time which
 * that takes does not tell whose it is.
 */
export function authenticate<C extends GatewayCredential>(
  credentials: readonly C[],
  authorization: string | undefined,
): C | null {
  const offered = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? '';
  let found: C | null = null;
  for (const credential of credentials) {
    if (isSameSecret(credential.token, offered)) found = credential;
  }
  return found;
}

/** Random tokens have nearly as many different characters as they can. */
const FEWEST_CHARACTERS = 10;
export const SHORTEST_STRONG = 32;

/** Whether a token looks random, and so long that no number of guesses finds it. */
export const isHardToGuess = (token: string): boolean =>
  token.length >= SHORTEST_STRONG && new Set(token).size >= FEWEST_CHARACTERS;

const WINDOW_MS = 60_000;
const MOST_GUESSES = 20;
const MOST_ADDRESSES = 10_000;

/** Counts tokens that were wrong, per address and minute: guessing ends before it begins to pay. Memory is bounded. */
export class WrongTokens {
  readonly #clock: Clock;
  readonly #guesses = new RecentMap<string, { readonly since: number; readonly count: number }>(
    MOST_ADDRESSES,
  );

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(address: string): void {
    const now = this.#clock.now();
    const known = this.#known(address);
    this.#guesses.set(address, { since: known?.since ?? now, count: (known?.count ?? 0) + 1 });
  }

  tooMany(address: string): boolean {
    return (this.#known(address)?.count ?? 0) >= MOST_GUESSES;
  }

  #known(address: string) {
    const known = this.#guesses.get(address);
    return known === undefined || known.since <= this.#clock.now() - WINDOW_MS ? undefined : known;
  }
}
