/** What API groups and API scopes share: both are named sets of APIs at a security level. */
import type { ApiGroupFilter } from '../../src/domain/apis/api-group.ts';
import type { Versioned } from '../../src/domain/records.ts';
import { type Held, naming } from './holdings.ts';
import type { Noun, Shared } from './noun.ts';
import { type NounStore, recordStore } from './record-store.ts';

interface ApiBundle extends Versioned {
  name: string;
  displayName: string;
  description: string;
  securityLevel: string;
  apis: string[];
}

/** Where a kind of bundle is stored, and as what clients hold it. */
interface BundleKind {
  kind: Noun<never, never>['kind'];
  table: string;
  heldAs: Held['kind'][];
}

/** The store of a kind of bundle. */
export function apiBundleStore<T extends ApiBundle>(
  shared: Shared,
  of: BundleKind,
): NounStore<T, ApiGroupFilter> {
  const { kind } = of;
  return recordStore<T, ApiGroupFilter>(shared, {
    ...of,
    changeKind: 'catalog',
    id: (bundle) => bundle.name,
    columns: { created_at: (bundle) => bundle.createdAt.getTime() },
    unique: (bundle) => ({ id: ['name', bundle.name] }),
    searched: (bundle) => [bundle.name, bundle.displayName, bundle.description],
    sorts: { name: 'id', createdAt: 'created_at' },
    conditions: ({ api, securityLevel }) => [
      ...(api === undefined ? [] : [naming(kind, ['api'], [api])]),
      ...(securityLevel === undefined ? [] : [naming(kind, ['security_level'], [securityLevel])]),
    ],
    holds: (bundle) => [
      { kind: 'security_level', id: bundle.securityLevel },
      ...bundle.apis.map((id) => ({ kind: 'api', id }) as const),
    ],
  });
}
