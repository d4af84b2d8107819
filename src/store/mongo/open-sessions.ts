import type { ClientSession, MongoClient, ServerSessionId } from 'mongodb';

/**
 * Sessions that were given up with a transaction perhaps still open at the server. Left to itself, the server would
 * keep its documents locked for a minute, and every other transaction that needs them would fail.
 */
export class OpenSessions {
  readonly #client: MongoClient;
  #ids: ServerSessionId[] = [];

  constructor(client: MongoClient) {
    this.#client = client;
  }

  add(session: ClientSession): void {
    if (session.id !== undefined) this.#ids.push(session.id);
  }

  /** Aborts what is still open there. A commit that has happened stays; one still under way will find nothing. */
  async end(): Promise<void> {
    if (this.#ids.length === 0) return;
    const ids = this.#ids;
    this.#ids = [];
    try {
      await this.#client.db('admin').command({ killSessions: ids });
    } catch {
      // As unreachable as before: the next transaction tries again.
      this.#ids.push(...ids);
    }
  }
}
