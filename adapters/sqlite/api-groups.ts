/** API groups. */
import type { ApiGroupStore } from '../../src/domain/apis/api-group.ts';
import { apiBundleStore } from './api-bundles.ts';
import type { Shared } from './noun.ts';

/** The API groups of a connection. */
export function apiGroupStore(shared: Shared): ApiGroupStore {
  return apiBundleStore(shared, {
    kind: 'api group',
    table: 'api_groups',
    heldAs: ['api_group', 'served_api_group'],
  });
}
