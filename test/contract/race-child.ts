/**
 * One of several processes that race for the same records. Arguments: the connection string of the
 * database, and a job as JSON. Opens the stores, writes `ready`, waits for a line on its standard
 * input, does the job as often as it says at once, and writes its answers as one line of JSON. With
 * `report`, each answer is written as soon as it is given, so that the process can be killed midway.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import type { Stores } from '../../src/domain/stores.ts';
import type { Bill } from '../../src/domain/usage/charge-store.ts';
import {
  accessTokenFixture,
  billFixture,
  digestOf,
  eventOf,
  fromNow,
  NOW,
  quotaFixture,
  retryFixture,
  spendUse,
} from '../support/contract-fixtures.ts';

/** What a process does. */
export interface Job {
  name: keyof typeof JOBS;
  /** The record that all race for. */
  id: string;
  /** Calls made at once. */
  times: number;
  report?: boolean;
}

/** What one call does; answers null or false where another call won. */
const JOBS = {
  open: async () => true,
  spend: (stores: Stores, { id }: Job) => spendUse(stores, id, NOW),
  bookQuota: (stores: Stores, { id }: Job) => bookQuota(stores, { id, limit: 500 }),
  bookWeights: async (stores: Stores, { id }: Job, call: number) => {
    const weight = 1 + (call % 3);
    return (await bookQuota(stores, { id, limit: 500, weight })) === null ? null : weight;
  },
  bookBoth: async (stores: Stores, { id }: Job) => {
    const quota = quotaFixture({ clientId: id, limit: 500 });
    const bill = billFixture({ quota, uses: { tokenId: id } });
    const receipt = await stores.charges.book(bill, NOW);
    return receipt.outcome === 'booked' ? receipt.uses : null;
  },
  bookOneKey: async (stores: Stores, { id }: Job, call: number) => {
    const retry = retryFixture({ key: digestOf(id), decisionId: `${process.pid}-${call}` });
    const bill = billFixture({ quota: quotaFixture({ clientId: id }), retry });
    const receipt = await stores.charges.book(bill, NOW);
    if (receipt.outcome === 'refused') return receipt.outcome;
    const { decisionId } = receipt.outcome === 'repeated' ? receipt : retry;
    return `${receipt.outcome} ${decisionId}`;
  },
  bookMixed: (stores: Stores, { id }: Job, call: number) =>
    bookQuota(stores, { id, limit: 500, retry: call % 2 === 0 ? retryFixture() : null }),
  rotate: async (stores: Stores, { id }: Job, call: number) => {
    const family = await stores.tokens.findFamily(id);
    return rotate(stores, id, family?.uses === 0 ? (family.currentDigest ?? '') : 'late', call);
  },
  rotateOnward: async (stores: Stores, { id }: Job, call: number) => {
    const family = await stores.tokens.findFamily(id);
    return rotate(stores, id, family?.currentDigest ?? '', call);
  },
  recordFailedLogin: async (stores: Stores, { id }: Job, call: number) => {
    const failure = { at: fromNow(call), address: `192.0.2.${process.pid % 250}` };
    return (await stores.clients.recordFailedLogin(id, failure, 100))?.failedLogins ?? null;
  },
  insertFirst: (stores: Stores, _: Job, call: number) =>
    stores.signingKeys.insertFirst({
      keyId: `${process.pid}-${call}`,
      encryptedJwk: 'v1.x',
      createdAt: NOW,
    }),
  consumeLink: async (stores: Stores, { id }: Job) =>
    (await stores.oneTimeLinks.consume(id, NOW)) !== null,
  insertArtifact: (stores: Stores, { id }: Job) =>
    stores.artifacts.insert(
      { model: 'ReplayDetection', digest: id, payload: {}, expiresAt: fromNow(60) },
      NOW,
    ),
  disableOwner: async (stores: Stores, _: Job, call: number) => {
    const { items } = await stores.admins.list({ limit: 100 });
    const owner = items[(call * 7 + process.pid) % items.length];
    if (owner === undefined || owner.status === 'disabled') return false;
    const disabled = { ...owner, status: 'disabled', version: owner.version + 1 } as const;
    const event = eventOf('admin.update', owner.adminId);
    return stores.admins.update(disabled, event).then(
      () => true,
      (error: { code: string }) => {
        if (error.code === 'last_owner' || error.code === 'version_conflict') return false;
        throw error;
      },
    );
  },
} as const;

/** Units used, or null when refused. */
async function bookQuota(
  { charges }: Stores,
  { id, limit, ...changes }: { id: string; limit: number } & Partial<Bill>,
): Promise<number | null> {
  const bill = billFixture({ quota: quotaFixture({ clientId: id, limit }), ...changes });
  const receipt = await charges.book(bill, NOW);
  return receipt.outcome === 'booked' ? receipt.quotaUsed : null;
}

function rotate(stores: Stores, familyId: string, fromDigest: string, call: number) {
  const toDigest = digestOf(`${process.pid}-${call}-${fromDigest}`);
  const access = accessTokenFixture({ familyId });
  return stores.tokens.rotate({ familyId, fromDigest, toDigest, access, now: NOW });
}

async function openStores(url: string): Promise<Stores> {
  // By name, so that a process loads only the adapter that it needs.
  if (url.startsWith('sqlite:')) {
    const { openSqliteStores } = await import('../../adapters/sqlite/index.ts');
    return openSqliteStores({ path: url.slice('sqlite:'.length) });
  }
  const { openMongoStores } = await import('../../adapters/mongo/index.ts');
  return openMongoStores({ url });
}

async function run(url: string, job: Job): Promise<void> {
  const opensInTheRace = job.name === 'open';
  const early = opensInTheRace ? null : await openStores(url);
  print('ready');
  await once(process.stdin, 'data');
  const stores = early ?? (await openStores(url));
  const answers = await Promise.all(
    Array.from({ length: job.times }, async (_, call) => {
      const answer = await JOBS[job.name](stores, job, call);
      if (job.report) print(JSON.stringify(answer));
      return answer;
    }),
  );
  if (!job.report) print(JSON.stringify(answers));
  await stores.close();
  process.stdin.destroy();
}

/** At once and whole: what was written has reached the parent even when this process is killed next. */
function print(line: string): void {
  writeSync(1, `${line}\n`);
}

const [url, job] = process.argv.slice(2);
if (url !== undefined && job !== undefined) await run(url, JSON.parse(job) as Job);
