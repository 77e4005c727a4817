/** What the suites on MongoDB share: a server for a group of tests, and stores that are closed for sure. */
import { afterAll, beforeAll } from '@jest/globals';
import type { Stores } from '../../src/domain/stores.ts';
import type { MongodServer } from '../support/mongod.ts';

/** Time for servers to start or stop on a busy machine. */
export const START_MS = 60_000;

/** A server for the tests of the surrounding `describe`. */
export function useServer(start: () => Promise<MongodServer>): () => MongodServer {
  let server: MongodServer | null = null;
  beforeAll(async () => {
    server = await start();
  }, START_MS);
  afterAll(async () => {
    await server?.stop();
  }, START_MS);
  return () => {
    if (server === null) throw new Error('the server is started before the first test');
    return server;
  };
}

/** Closes what it opened whatever happens: an open connection would keep Jest from ending. */
export async function withStores(
  open: () => Promise<Stores>,
  use: (stores: Stores) => Promise<void>,
): Promise<void> {
  const stores = await open();
  try {
    await use(stores);
  } finally {
    await stores.close();
  }
}
