import type { ClientSession, Document, MongoClient, ServerSessionId } from 'mongodb';

/**
 * A transaction whose client is gone stays open at the server for a minute, and until then every other transaction that
 * needs one of its documents fails. These end it at once. One that has been committed is not touched; a commit still
 * under way will be told that its transaction is gone.
 */

const kill = (client: MongoClient, sessions: readonly ServerSessionId[]): Promise<Document> =>
  client.db('admin').command({ killSessions: sessions });

/** Ends the transactions that wait for the next statement of a client that calls itself `appName`. */
export async function endTransactionsOf(client: MongoClient, appName: string): Promise<void> {
  const idle = await client
    .db('admin')
    .aggregate<{ readonly lsid: ServerSessionId }>(
      [
        { $currentOp: { allUsers: false, idleSessions: true } },
        { $match: { type: 'idleSession', appName, transaction: { $exists: true } } },
      ],
      { readConcern: { level: 'local' } },
    )
    .toArray();
  if (idle.length === 0) return;
  await kill(
    client,
    idle.map(({ lsid }) => ({ id: lsid.id })),
  );
}

/** Sessions of this process that were given up with a transaction perhaps still open. */
export class GivenUpSessions {
  readonly #client: MongoClient;
  #ids: ServerSessionId[] = [];

  constructor(client: MongoClient) {
    this.#client = client;
  }

  add(session: ClientSession): void {
    if (session.id !== undefined) this.#ids.push(session.id);
  }

  async end(): Promise<void> {
    if (this.#ids.length === 0) return;
    const ids = this.#ids;
    this.#ids = [];
    try {
      await kill(this.#client, ids);
    } catch {
      // The server cannot be reached yet: the next transaction tries again.
      this.#ids.push(...ids);
    }
  }
}
