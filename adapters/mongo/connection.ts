/**
 * The connection: one Mongoose instance of our own, so that no option here changes another's. Reads
 * and writes go to the primary, and both are of the majority: what one answers, no election undoes.
 */
import { type ClientSession, type Connection, Mongoose, type mongo } from 'mongoose';
import { invalidField } from '../../src/domain/errors.ts';

/** Every write is on the disks of a majority before it is answered. */
export const MAJORITY = { w: 'majority', journal: true, wtimeoutMS: 4000 } as const;

/** An open database. */
export interface Database {
  connection: Connection;
  /** False on a standalone server, which has no transactions. */
  transactions: boolean;
  /**
   * The driver's own collection, for hot paths: no hydration, no casting. Its callers compare with
   * `text()`, so that no operator comes in by a value.
   */
  native<T extends { _id: string }>(name: string): mongo.Collection<T>;
  /** Resolves when the primary answers. */
  ping(): Promise<void>;
}

/**
 * Connects.
 *
 * @param url connection string; the database is `tollgate` when it names none
 * @throws driver errors, within seconds, when no primary answers
 */
export async function connect(url: string): Promise<Database> {
  const library = new Mongoose({
    autoCreate: false,
    autoIndex: false,
    bufferCommands: false,
    sanitizeFilter: true,
    strictQuery: 'throw',
  });
  const named = /^[a-z+]+:\/\/[^/?]+\/[^?]/.test(url);
  const connection = library.createConnection(url, {
    ...(named ? {} : { dbName: 'tollgate' }),
    appName: 'tollgate',
    retryReads: true,
    retryWrites: true,
    readPreference: 'primary',
    readConcern: { level: 'majority' },
    writeConcern: MAJORITY,
    connectTimeoutMS: 3000,
    serverSelectionTimeoutMS: 3000,
    socketTimeoutMS: 5000,
    waitQueueTimeoutMS: 3000,
  });
  try {
    await connection.asPromise();
    const hello = await driver(connection).command({ hello: 1 });
    return {
      connection,
      transactions: Boolean(hello.setName) || hello.msg === 'isdbgrid',
      native: (name) => driver(connection).collection(name),
      ping: async () => void (await driver(connection).command({ ping: 1 })),
    };
  } catch (error) {
    await connection.close(true).catch(() => {});
    throw error;
  }
}

/** The driver's database. Throws, as any outage does, before the connection is open. */
function driver(connection: Connection): mongo.Db {
  return connection.getClient().db(connection.name);
}

/**
 * A value that is compared in a native query.
 *
 * @throws DomainError `validation_failed` for anything but a string: an object would be an operator
 */
export function text(value: string): string {
  if (typeof value === 'string') return value;
  throw invalidField('', 'invalid_type', 'an id or digest must be a string');
}

/** Options that put an operation into a session, where there is one. */
export function inSession(session: ClientSession | undefined): { session?: ClientSession } {
  return session ? { session } : {};
}
