/** API scopes. */
import type { ApiScopeStore } from '../../src/domain/apis/api-scope.ts';
import { apiBundleStore } from './api-bundles.ts';
import type { Shared } from './noun.ts';

/** The API scopes of a connection. */
export function apiScopeStore(shared: Shared): ApiScopeStore {
  return apiBundleStore(shared, { kind: 'api scope', table: 'api_scopes', heldAs: ['api_scope'] });
}
