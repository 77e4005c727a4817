/**
 * npm run bench:lists: what lists of 100,000 clients with 200,000 live tokens take, on an SQLite file and
 * on MongoDB, in milliseconds of one call of the domain; median and slowest of 20. Filling takes a minute.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { clientDocument } from '../adapters/mongo/clients.ts';
import { openMongoStores } from '../adapters/mongo/index.ts';
import { encodeToken } from '../adapters/mongo/token-document.ts';
import { openSqliteStores } from '../adapters/sqlite/index.ts';
import { auditEvent } from '../src/domain/audit/audit-event.ts';
import { type ClientListQuery, listClients } from '../src/domain/clients/list-clients.ts';
import { plusSeconds, systemClock } from '../src/domain/clock.ts';
import { clientSubject } from '../src/domain/last-uses.ts';
import { LAST_PAGE } from '../src/domain/records.ts';
import { searchAll } from '../src/domain/search.ts';
import type { Stores } from '../src/domain/stores.ts';
import type { AccessToken } from '../src/domain/tokens/token.ts';
import { mongodFor, startReplicaSet } from '../test/support/mongod.ts';
import { COMMON_WORD, clientNumber, GROUPS, RARE_WORD } from './bench/many-clients.ts';

const CLIENTS = Number(process.env['BENCH_CLIENTS'] ?? 100_000);
const RUNS = 20;
const BATCH = 2000;
const DAY = 86_400;
const NOW = systemClock.now();
const ACTOR = { kind: 'command', id: 'bench', address: null } as const;

const ids: string[] = [];

const batches = Array.from({ length: Math.ceil(CLIENTS / BATCH) }, (_, i) => i * BATCH);

function clientsFrom(first: number) {
  const numbers = Array.from({ length: Math.min(BATCH, CLIENTS - first) }, (_, i) => first + i);
  return numbers.map((number) => clientNumber(number, NOW));
}

function tokensOf(clientId: string): AccessToken[] {
  return [1, 2].map((i) => ({
    ...{ tokenId: `t-${clientId}-${i}`, kind: 'access_token', clientId, userId: null },
    ...{ grantType: 'client_credentials', scopes: ['orders.v0'], familyId: null },
    ...{ issuedAt: plusSeconds(NOW, -i), expiresAt: plusSeconds(NOW, DAY), revokedAt: null },
    ...{ maxUses: 0, uses: 0 },
  }));
}

async function fillSqlite(stores: Stores): Promise<void> {
  for (const first of batches) {
    const clients = clientsFrom(first);
    const inserts = clients.map((client) => {
      const object = { kind: 'client', id: client.clientId };
      const event = { at: NOW, actor: ACTOR, action: 'client.create', object, changes: [] };
      return stores.clients.insert(client, auditEvent(event));
    });
    const tokens = clients.flatMap(({ clientId }) => tokensOf(clientId));
    await Promise.all([...inserts, ...tokens.map((token) => stores.tokens.issue(token, null))]);
  }
}

/** Past the stores, which write one governed change after the other. */
async function fillMongo(url: string): Promise<void> {
  const driver = await mongo.MongoClient.connect(url);
  const db = driver.db();
  for (const first of batches) {
    const clients = clientsFrom(first);
    const tokens = clients.flatMap(({ clientId }) => tokensOf(clientId));
    await db.collection('clients').insertMany(clients.map(clientDocument) as never);
    await db.collection('tokens').insertMany(tokens.map((token) => encodeToken(token)) as never);
  }
  await driver.close();
}

/** A third of the clients were used within the last 200 days. */
async function use(stores: Stores): Promise<void> {
  for (const first of batches) {
    const used = clientsFrom(first).filter((_, i) => i % 3 === 0);
    ids.push(...used.slice(0, 5).map(({ clientId }) => clientId));
    const uses = used.map(({ clientId }, i) => ({
      subject: clientSubject(clientId),
      at: plusSeconds(NOW, -((first + i) % (200 * DAY))),
      address: null,
    }));
    await stores.lastUses.record(uses);
  }
}

const by = (field: string, descending = false) => ({ sort: { field, descending } });

/** What is measured: the page of the console, with the facts of its 25 rows and the counts by status. */
const QUERIES: [name: string, query: Omit<ClientListQuery, 'limit'>][] = [
  ['first page', {}],
  ['last page', { cursor: LAST_PAGE }],
  ['by name, descending', by('clientName', true)],
  ['by display name', by('displayName')],
  ['by expiry', by('expiresAt')],
  ['by last use, latest first', by('lastUsedAt', true)],
  ['search, one has it', { search: RARE_WORD }],
  ['search, a ninth has it', { search: 'taipei' }],
  ['search, all have it', { search: COMMON_WORD }],
  ['search, all have it, last page', { search: COMMON_WORD, cursor: LAST_PAGE }],
  ['search, two letters', { search: 'qu' }],
  ['search, an address', { search: '198.18.22.7' }],
  ['enabled', { filter: { status: 'enabled' } }],
  ['disabled', { filter: { status: 'disabled' } }],
  ['locked', { filter: { status: 'locked' } }],
  ['not started', { filter: { status: 'not_started' } }],
  ['expired', { filter: { status: 'expired' } }],
  ['audience', { filter: { audience: 'internal' } }],
  ['security level', { filter: { securityLevel: 'B' } }],
  ['environment', { filter: { environment: 'testing' } }],
  ['API group', { filter: { apiGroup: GROUPS[0] ?? '' } }],
  ['expiring within 60 days', { filter: { expiringBefore: plusSeconds(NOW, 60 * DAY) } }],
  ['idle for 90 days', { filter: { idleSince: plusSeconds(NOW, -90 * DAY) } }],
];

interface Figures {
  median: number;
  slowest: number;
}

async function measure(call: () => Promise<unknown>): Promise<Figures> {
  const times: number[] = [];
  // The first call warms up.
  for (let run = 0; run <= RUNS; run += 1) {
    const before = performance.now();
    await call();
    if (run > 0) times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return { median: times[RUNS / 2] ?? Number.NaN, slowest: times.at(-1) ?? Number.NaN };
}

async function measureAll(stores: Stores): Promise<Map<string, Figures>> {
  const services = { stores, clock: systemClock, timeZone: 'UTC' };
  const figures = new Map<string, Figures>();
  for (const [name, query] of QUERIES) {
    const { sort, search, cursor, filter } = query;
    const page = { filter: { ...filter, at: NOW }, limit: 25 };
    const list = { ...page, ...(sort && { sort }), ...(search && { search }) };
    const whole = { ...query, limit: 25 };
    const rows = () => stores.clients.list({ ...list, ...(cursor && { cursor }) });
    figures.set(name, await measure(rows));
    figures.set(`${name}: whole page`, await measure(() => listClients(services, whole)));
  }
  figures.set('counts by status', await measure(() => stores.clients.countByStatus({ at: NOW })));
  figures.set('search over everything', await measure(() => searchAll(services, ids[7] ?? '')));
  return figures;
}

async function onSqlite(): Promise<Map<string, Figures>> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-lists-'));
  const stores = await openSqliteStores({ path: join(folder, 'lists.db') });
  try {
    await fillSqlite(stores);
    await use(stores);
    return await measureAll(stores);
  } finally {
    await stores.close();
    await rm(folder, { recursive: true });
  }
}

async function onMongo(): Promise<Map<string, Figures>> {
  if ((await mongodFor('MongoDB')) === null) return new Map();
  const server = await startReplicaSet({ count: 1 });
  const url = server.uri(`bench_lists_${process.pid}`);
  try {
    await (await openMongoStores({ url })).close();
    await fillMongo(url);
    const stores = await openMongoStores({ url });
    try {
      await use(stores);
      return await measureAll(stores);
    } finally {
      await stores.close();
    }
  } finally {
    await server.stop();
  }
}

const shown = (figures: Figures | undefined) =>
  figures === undefined
    ? '-'
    : `${figures.median.toFixed(1)} (${figures.slowest.toFixed(1)})`.padStart(16);

const sqlite = await onSqlite();
const mongodb = await onMongo();
console.log(`${CLIENTS} clients; ms, median (slowest) of ${RUNS}`);
console.log(`${''.padEnd(46)}${'SQLite'.padStart(16)}${'MongoDB'.padStart(16)}`);
for (const [name, figures] of sqlite) {
  console.log(`${name.padEnd(46)}${shown(figures)}${shown(mongodb.get(name))}`);
}
