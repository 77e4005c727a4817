/** Client processes that ask at the same moment, and databases that several servers share. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type MongodServer, mongodFor, startReplicaSet } from '../support/mongod.ts';
import { type AnswerBody, run, startServer, type TestServer } from '../support/server.ts';
import type { LoadAnswer, LoadJob } from './load-child.ts';

/** Client processes. */
const PROCESSES = 4;
const CHILD = join(import.meta.dirname, 'load-child.ts');

/** An answer with its body parsed. */
export interface Told extends LoadAnswer {
  body: AnswerBody;
}

/** Sends a request `times` times from each of 4 processes; `onAnswer` sees each answer as it comes. */
export async function load(
  job: Omit<LoadJob, 'atOnce'> & { atOnce?: number },
  onAnswer: (count: number) => void = () => {},
): Promise<Told[]> {
  const env = { PATH: process.env['PATH'] ?? '' };
  const args = [JSON.stringify({ atOnce: 50, ...job })];
  const told: Told[] = [];
  const children = await Promise.all(
    Array.from({ length: PROCESSES }, async () => {
      const child = run(CHILD, { env, args });
      if (child.child.stdout === null) throw new Error('the child has no output');
      const lines = createInterface(child.child.stdout);
      const [first] = await Promise.race([once(lines, 'line'), child.ended.then(() => [])]);
      if (first !== 'ready') throw new Error(`the child did not start: ${child.output()}`);
      lines.on('line', (line) => {
        const answer = JSON.parse(line) as LoadAnswer;
        const isJson = answer.text.startsWith('{');
        told.push({ ...answer, body: isJson ? (JSON.parse(answer.text) as AnswerBody) : {} });
        onAnswer(told.length);
      });
      return child;
    }),
  );
  for (const { child } of children) child.stdin?.write('go\n');
  const codes = await Promise.all(children.map(({ ended }) => ended));
  if (codes.some((code) => code !== 0)) throw new Error(`clients ended with ${codes}`);
  return told;
}

/** A database that servers can share. */
export interface SharedDatabase {
  /** Starts two servers on it. */
  servers(): Promise<[TestServer, TestServer]>;
  stop(): Promise<void>;
}

const mongod = await mongodFor('test/flows on MongoDB');

/** The databases that this machine has. */
export const DATABASES = [
  { name: 'SQLite', open: async () => sharedDatabase({}, null) },
  ...(mongod ? [{ name: 'MongoDB', open: openMongo }] : []),
];

async function openMongo(): Promise<SharedDatabase> {
  const set = await startReplicaSet({ count: 1 });
  return sharedDatabase({ DATABASE_URL: set.uri(`tollgate_${randomUUID()}`) }, set);
}

function sharedDatabase(env: Record<string, string>, set: MongodServer | null): SharedDatabase {
  const started: TestServer[] = [];
  return {
    async servers() {
      const one = await startServer({ env });
      started.push(one);
      const other = await startServer({ env, dataDir: one.dataDir });
      started.push(other);
      return [one, other];
    },
    async stop() {
      for (const server of started) await server.stop();
      await set?.stop();
    },
  };
}
