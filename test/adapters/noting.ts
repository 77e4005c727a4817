/** A connection that tells of what is prepared on it, for tests of query plans. */
import type { Connection } from '../../adapters/sqlite/connection.ts';

/** The same connection; `onPrepare` is told each statement. */
export function noting(connection: Connection, onPrepare: (sql: string) => void): Connection {
  return {
    ...connection,
    prepare: <Row>(sql: string) => {
      onPrepare(sql);
      return connection.prepare<Row>(sql);
    },
  };
}
