/** The catalog: APIs, API groups, API scopes and security levels, which name one another. */
import type { Model, SchemaDefinition } from 'mongoose';
import type { Api, ApiStore } from '../../src/domain/apis/api.ts';
import type { ApiGroup, ApiGroupFilter, ApiGroupStore } from '../../src/domain/apis/api-group.ts';
import type { ApiScope, ApiScopeStore } from '../../src/domain/apis/api-scope.ts';
import type { SecurityLevel, SecurityLevelStore } from '../../src/domain/apis/security-level.ts';
import type { Database } from './connection.ts';
import { type Holder, refuseWhileHeld } from './holders.ts';
import type { Sort } from './paging.ts';
import { type Noun, recordStore } from './record-store.ts';
import { collection, type Stored, VERSIONED } from './schema.ts';
import type { Transactions } from './unit-of-work.ts';

const CREATED: Sort = { field: 'createdAt', path: 'createdAt', type: 'date' };
const NAME: Sort = { field: 'name', path: '_id', type: 'string' };

const API_SORTS: Sorts = [{ field: 'path', path: 'path', type: 'string' }, CREATED];
const GROUP_SORTS: Sorts = [NAME, CREATED];
const LEVEL_SORTS: Sorts = [{ field: 'rank', path: 'rank', type: 'number' }, NAME];
type Sorts = readonly [Sort, ...Sort[]];

export const apiSchema = collection({ ...VERSIONED, method: String, path: String, name: String });
apiSchema.index({ path: 1, method: 1 }, { unique: true });
apiSchema.index({ path: 1, _id: 1 });
apiSchema.index({ createdAt: 1, _id: 1 });

const GROUPED: SchemaDefinition = {
  ...VERSIONED,
  displayName: String,
  description: String,
  securityLevel: String,
  apis: [String],
};
export const apiGroupSchema = collection({ ...GROUPED, audience: String });
export const apiScopeSchema = collection(GROUPED);
for (const schema of [apiGroupSchema, apiScopeSchema]) {
  schema.index({ createdAt: 1, _id: 1 });
  schema.index({ apis: 1 });
  schema.index({ securityLevel: 1 });
}

export const securityLevelSchema = collection({ ...VERSIONED, displayName: String, rank: Number });
securityLevelSchema.index({ rank: 1 }, { unique: true });

/** The stores of the catalog. */
export interface Catalog {
  apis: ApiStore;
  apiGroups: ApiGroupStore;
  apiScopes: ApiScopeStore;
  securityLevels: SecurityLevelStore;
}

/**
 * The catalog of a database.
 *
 * @param clients they hold groups and scopes, and are at a level
 */
export function catalog(
  { connection }: Database,
  transactions: Transactions,
  clients: Model<Stored>,
): Catalog {
  const apis = connection.model<Stored>('Api', apiSchema, 'apis');
  const groups = connection.model<Stored>('ApiGroup', apiGroupSchema, 'apiGroups');
  const scopes = connection.model<Stored>('ApiScope', apiScopeSchema, 'apiScopes');
  const levels = connection.model<Stored>('SecurityLevel', securityLevelSchema, 'securityLevels');
  const heldBy = (holders: (id: string) => Holder[]) => ({
    beforeRemove: (id: string, { session }: { session: Parameters<typeof refuseWhileHeld>[1] }) =>
      refuseWhileHeld(holders(id), session),
  });
  const client = (naming: Holder['naming']): Holder => ({ word: 'client', model: clients, naming });
  const groupsAndScopes = (naming: Holder['naming']): Holder[] => [
    { word: 'api group', model: groups, naming },
    { word: 'api scope', model: scopes, naming: { ...naming } },
  ];
  return {
    apis: recordStore<Api>(
      {
        ...{ model: apis, word: 'api', change: 'catalog', id: 'apiId', sorts: API_SORTS },
        unique: { path: 'path' },
        searched: ({ path, method, name, apiId }) => [path, method, name, apiId],
        ...heldBy((apiId) => groupsAndScopes({ apis: apiId })),
      },
      transactions,
    ),
    apiGroups: recordStore<ApiGroup, ApiGroupFilter>(
      {
        ...grouping(groups, 'api group'),
        ...heldBy((name) => [client({ $or: [{ apiGroups: name }, { servedApiGroups: name }] })]),
      },
      transactions,
    ),
    apiScopes: recordStore<ApiScope, ApiGroupFilter>(
      { ...grouping(scopes, 'api scope'), ...heldBy((name) => [client({ apiScopes: name })]) },
      transactions,
    ),
    securityLevels: recordStore<SecurityLevel>(
      {
        ...{ model: levels, word: 'security level', change: 'catalog', id: 'name' },
        ...{ sorts: LEVEL_SORTS, unique: { rank: 'rank' } },
        searched: ({ name, displayName }) => [name, displayName],
        ...heldBy((name) => [
          client({ securityLevel: name }),
          ...groupsAndScopes({ securityLevel: name }),
        ]),
      },
      transactions,
    ),
  };
}

/** What groups and scopes have in common. */
function grouping<T extends ApiScope>(model: Model<Stored>, word: string): Noun<T, ApiGroupFilter> {
  return {
    ...{ model, word, change: 'catalog', id: 'name', sorts: GROUP_SORTS, unique: {} },
    searched: ({ name, displayName, description }) => [name, displayName, description],
    conditions: ({ api, securityLevel }) => [
      ...(api === undefined ? [] : [{ apis: api }]),
      ...(securityLevel === undefined ? [] : [{ securityLevel }]),
    ],
  };
}
