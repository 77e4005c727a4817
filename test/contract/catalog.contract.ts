/** The contracts of the catalog: APIs, API groups, API scopes and security levels. */
import { describe, expect, it } from '@jest/globals';
import type { Api } from '../../src/domain/apis/api.ts';
import type { ApiGroup } from '../../src/domain/apis/api-group.ts';
import type { ApiScope } from '../../src/domain/apis/api-scope.ts';
import type { SecurityLevel } from '../../src/domain/apis/security-level.ts';
import type { Versioned } from '../../src/domain/records.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  apiFixture,
  apiGroupFixture,
  apiScopeFixture,
  eventOf,
  fresh,
  securityLevelFixture,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';
import { describeRecordStore, type NounUnderTest } from './record-store.contract.ts';

type NoFilter = Record<string, never>;

export const APIS: NounUnderTest<Api, NoFilter> = {
  noun: 'api',
  changeKind: 'catalog',
  store: ({ apis }) => apis,
  fixture: apiFixture,
  id: ({ apiId }) => apiId,
  changed: (api) => ({ ...api, method: '*', path: `/files/${api.apiId}/*`, name: '' }),
  collisions: {
    apiId: ({ apiId }) => ({ apiId, path: `/${fresh('path')}` }),
    path: ({ method, path }) => ({ method, path }),
  },
  sorts: { path: ({ path }) => path, createdAt: ({ createdAt }) => createdAt.getTime() },
  searchable: { path: ({ path }) => path, method: () => 'patch', name: ({ name }) => name },
};

const BUNDLE = {
  changeKind: 'catalog',
  id: ({ name }: ApiScope) => name,
  collisions: { name: ({ name }: ApiScope) => ({ name }) },
  sorts: {
    name: ({ name }: ApiScope) => name,
    createdAt: ({ createdAt }: ApiScope) => createdAt.getTime(),
  },
  searchable: {
    name: ({ name }: ApiScope) => name,
    displayName: ({ displayName }: ApiScope) => displayName,
    description: ({ description }: ApiScope) => description,
  },
} as const;

const BUNDLE_CHANGES = { displayName: '', description: '', securityLevel: 'A', apis: [] };

export const API_GROUPS: NounUnderTest<ApiGroup, NoFilter> = {
  ...BUNDLE,
  noun: 'api_group',
  store: ({ apiGroups }) => apiGroups,
  fixture: apiGroupFixture,
  changed: (group) => ({ ...group, ...BUNDLE_CHANGES, audience: 'both' }),
};

export const API_SCOPES: NounUnderTest<ApiScope, NoFilter> = {
  ...BUNDLE,
  noun: 'api_scope',
  store: ({ apiScopes }) => apiScopes,
  fixture: apiScopeFixture,
  changed: (scope) => ({ ...scope, ...BUNDLE_CHANGES }),
};

export const SECURITY_LEVELS: NounUnderTest<SecurityLevel, NoFilter> = {
  noun: 'security_level',
  changeKind: 'catalog',
  store: ({ securityLevels }) => securityLevels,
  fixture: securityLevelFixture,
  id: ({ name }) => name,
  changed: (level) => ({ ...level, displayName: '', rank: level.rank + 500_000 }),
  collisions: { name: ({ name }) => ({ name }), rank: ({ rank }) => ({ rank }) },
  sorts: { rank: ({ rank }) => rank, name: ({ name }) => name },
  searchable: { name: ({ name }) => name, displayName: ({ displayName }) => displayName },
};

/** Describes the contracts. */
export function describeCatalog(open: Open): void {
  describeNoun(open, APIS, ({ apis }) => apis.all());
  describeNoun(open, API_GROUPS, ({ apiGroups }) => apiGroups.all());
  describeNoun(open, API_SCOPES, ({ apiScopes }) => apiScopes.all());
  describeNoun(open, SECURITY_LEVELS, ({ securityLevels }) => securityLevels.all());
}

function describeNoun<T extends Versioned>(
  open: Open,
  of: NounUnderTest<T, NoFilter>,
  all: (stores: Stores) => Promise<T[]>,
): void {
  describeRecordStore(open, of);
  describe(`all of ${of.noun}`, () => {
    const stores = useStores(open);
    it('answers every record', async () => {
      expect(await all(stores())).toEqual([]);
      const records = [of.fixture(), of.fixture()];
      for (const record of records) {
        await of.store(stores()).insert(record, eventOf(`${of.noun}.create`, of.id(record)));
      }
      const found = await all(stores());
      expect(found).toHaveLength(2);
      expect(found).toEqual(expect.arrayContaining(records));
    });
  });
}
