/** Which clients a list holds: filters, and counts by status. */
import { type Schema, trusted } from 'mongoose';
import type {
  ClientCounts,
  ClientFilter,
  ClientStatusFilter,
  ClientStore,
} from '../../src/domain/clients/client-store.ts';
import type { ListQuery, Page } from '../../src/domain/records.ts';
import type { Database } from './connection.ts';
import {
  allOf,
  type Condition,
  type Listing,
  pageOfWanted,
  type Sort,
  type Wanted,
  wantedOf,
} from './paging.ts';
import type { Stored } from './schema.ts';

/** The ends of time, for clients that are open on one side, or were never used. */
export const [BEGINNING, FOREVER] = [new Date(-8.64e15), new Date(8.64e15)];

/** What clients are sorted by. */
export const CLIENT_SORTS: readonly [Sort, ...Sort[]] = [
  { field: 'createdAt', path: 'createdAt', type: 'date' },
  { field: 'clientName', path: 'clientNameKey', type: 'string' },
  { field: 'displayName', path: 'displayNameKey', type: 'string' },
  { field: 'expiresAt', path: 'closesAt', type: 'date' },
  { field: 'lastUsedAt', path: 'lastUsedAt', type: 'date' },
];

/** Gives clients the indexes that lists are sorted, filtered and counted by. */
export function indexClientLists(schema: Schema): void {
  for (const { path } of CLIENT_SORTS) schema.index({ [path]: 1, _id: 1 });
  schema.index({ status: 1, 'lock.lockedAt': 1, closesAt: 1, opensAt: 1 });
  schema.index({ opensAt: 1 });
  schema.index({ lastUsedAt: 1, createdAt: 1 });
  for (const path of ['audience', 'environment', 'kind']) schema.index({ [path]: 1 });
}

/** The conditions of a filter. */
export function clientConditions(filter: ClientFilter): Condition[] {
  const { at, status, audience, securityLevel, apiGroup, environment, kind } = filter;
  const { naming, expiringBefore, idleSince } = filter;
  const equal = { audience, securityLevel, environment, kind, apiGroups: apiGroup };
  return [
    ...(status === undefined ? [] : [statusCondition(status, at)]),
    ...Object.entries(equal)
      .filter(([, value]) => value !== undefined)
      .map(([path, value]) => ({ [path]: value })),
    ...(naming === undefined ? [] : [namingOneOf(naming)]),
    ...(expiringBefore === undefined ? [] : [expiring(at, expiringBefore)]),
    ...(idleSince === undefined ? [] : [idle(idleSince)]),
  ];
}

function namingOneOf({ fields, anyOf }: NonNullable<ClientFilter['naming']>): Condition {
  return { $or: fields.map((field) => ({ [field]: trusted({ $in: [...anyOf] }) })) };
}

/** Those without end close at the end of time, which is before no instant. */
function expiring(after: Date, before: Date): Condition {
  return { closesAt: trusted({ $gt: after, $lt: before }) };
}

function idle(since: Date): Condition {
  return { lastUsedAt: trusted({ $lt: since }), createdAt: trusted({ $lt: since }) };
}

/** The first that applies is a client's status: disabled, locked, not started, expired, enabled. */
function statusCondition(status: ClientStatusFilter, at: Date): Condition {
  const live = { status: 'enabled', 'lock.lockedAt': null };
  const started = { opensAt: trusted({ $lte: at }) };
  switch (status) {
    case 'disabled':
      return { status: 'disabled' };
    case 'locked':
      return { status: 'enabled', 'lock.lockedAt': trusted({ $ne: null }) };
    case 'not_started':
      return { ...live, opensAt: trusted({ $gt: at }) };
    case 'expired':
      return { ...live, ...started, closesAt: trusted({ $lte: at }) };
    case 'enabled':
      return { ...live, ...started, closesAt: trusted({ $gt: at }) };
  }
}

type ClientListing<T> = Listing<T, ClientFilter>;

/** The lists of clients with counts. */
export function countedLists<T>(listing: ClientListing<T>): Pick<ClientStore, 'countByStatus'> & {
  listWithCounts(query: CountedQuery): Promise<Page<T> & { counts: ClientCounts }>;
} {
  const ofAnyStatus = ({ status: _, ...filter }: ClientFilter, search: string | undefined) =>
    wantedOf(listing, { filter, ...(search === undefined ? {} : { search }) });
  return {
    countByStatus: async (filter, search) =>
      countsOf(listing, await ofAnyStatus(filter, search), filter.at),
    async listWithCounts(query) {
      const { at, status } = query.filter;
      const { wanted, count } = await ofAnyStatus(query.filter, query.search);
      const counting = countsOf(listing, { wanted, count }, at);
      const page = pageOfWanted(listing, query, {
        wanted: status === undefined ? wanted : [statusCondition(status, at), ...wanted],
        count: async () => (await counting)[status ?? 'all'],
      });
      const [counts, rest] = await Promise.all([counting, page]);
      return { ...rest, counts };
    },
  };
}

type CountedQuery = ListQuery<ClientFilter> & { filter: ClientFilter };

/** Counts by status. The enabled ones, nearly all, are what the others leave: to count them takes longest. */
async function countsOf<T>(
  { model }: ClientListing<T>,
  { wanted, count }: Wanted,
  at: Date,
): Promise<ClientCounts> {
  const of = (status: ClientStatusFilter) =>
    model.countDocuments(allOf([statusCondition(status, at), ...wanted]));
  const [all, disabled, locked, not_started, expired] = await Promise.all([
    count(),
    of('disabled'),
    of('locked'),
    of('not_started'),
    of('expired'),
  ]);
  // Counted at the same time, not at one instant: a client that changes meanwhile may be counted twice.
  const enabled = Math.max(0, all - disabled - locked - not_started - expired);
  return { all, enabled, disabled, locked, not_started, expired };
}

/** Gives clients that an older version stored their place in lists by last use. */
export async function repairLastUsed(database: Database): Promise<void> {
  const clients = database.native<Stored>('clients');
  await clients.updateMany({ lastUsedAt: null }, { $set: { lastUsedAt: BEGINNING } });
}
