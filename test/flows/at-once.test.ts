/**
 * At once, on every node: an admin changes something on node A, and the very next question to node B
 * is answered by it; 1,000 trials on each database, without a miss.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBeside } from '../support/app.ts';
import type { TestServer } from '../support/server.ts';
import { DATABASES, type SharedDatabase } from './load.ts';
import { castOf, ownerToken, runRound, TRIALS_IN_ROUND } from './trials.ts';

const TIMEOUT_MS = 180_000;
/** Series of trials side by side, and rounds in each. */
const SERIES = 4;
const ROUNDS = 25;

describe.each(DATABASES)('two nodes on $name', ({ open }) => {
  let database: SharedDatabase;
  let servers: [TestServer, TestServer];
  beforeAll(async () => {
    database = await open();
    servers = await database.servers();
  }, TIMEOUT_MS);
  afterAll(() => database.stop(), TIMEOUT_MS);

  it(
    'agree at once on every change of a client, a key and a secret, in 1,000 trials',
    async () => {
      const [one, other] = servers;
      const records = await openBeside(one.env);
      const admin = await ownerToken(records);
      async function series(index: number): Promise<object[]> {
        // Half of them go the other way.
        const nodes = index % 2 ? { changed: other, asked: one } : { changed: one, asked: other };
        const cast = await castOf(records, nodes);
        const misses: object[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          misses.push(...(await runRound(nodes, admin, cast)));
        }
        return misses;
      }
      const missed = await Promise.all(Array.from({ length: SERIES }, (_, i) => series(i)));
      await records.close();
      expect(missed.flat()).toEqual([]);
      expect(SERIES * ROUNDS * TRIALS_IN_ROUND).toBe(1000);
    },
    TIMEOUT_MS,
  );
});
