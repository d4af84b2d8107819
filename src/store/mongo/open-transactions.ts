import type { ClientSession, MongoClient, ServerSessionId } from 'mongodb';

/**
 * A transaction whose client is gone stays open at the server for a minute, and until then every other transaction that
 * needs one of its documents fails. These end it at once. One that has been committed is not touched; a commit still
 * under way will be told that its transaction is gone.
 */

async function kill(client: MongoClient, ids: readonly ServerSessionId[]): Promise<void> {
  if (ids.length > 0) await client.db('admin').command({ killSessions: ids.map(({ id }) => ({ id })) });
}

/** A connection, or a session that waits with a transaction for its client's next statement. */
interface CurrentOp {
  readonly type: string;
  /** Of a session: the connection that its last statement came over. */
  readonly connectionId: number | undefined;
  readonly lsid: ServerSessionId;
}

async function openTransactions(client: MongoClient, appName: string): Promise<CurrentOp[]> {
  return client
    .db('admin')
    .aggregate<CurrentOp>(
      [
        { $currentOp: { allUsers: false, idleSessions: true, idleConnections: true } },
        {
          $match: {
            appName,
            $or: [{ type: 'op' }, { type: 'idleSession', transaction: { $exists: true } }],
          },
        },
        { $project: { type: 1, connectionId: 1, lsid: 1 } },
      ],
      { readConcern: { level: 'local' } },
    )
    .toArray();
}

/** Ends the transactions of the clients that call themselves `appName` and whose connection is gone. */
export async function endAbandonedTransactions(client: MongoClient, appName: string): Promise<void> {
  const current = await openTransactions(client, appName);
  const connections = new Set(
    current.filter(({ type }) => type === 'op').map(({ connectionId }) => connectionId),
  );
  const abandoned = current.filter(
    ({ type, connectionId }) => type === 'idleSession' && !connections.has(connectionId),
  );
  await kill(
    client,
    abandoned.map(({ lsid }) => lsid),
  );
}

/** Ends the transactions that wait for the next statement of a client that calls itself `appName`. */
export async function endTransactionsOf(client: MongoClient, appName: string): Promise<void> {
  const idle = (await openTransactions(client, appName)).filter(({ type }) => type === 'idleSession');
  await kill(
    client,
    idle.map(({ lsid }) => lsid),
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
