/** APIs. */
import type { ApiStore } from '../../src/domain/apis/api.ts';
import type { Shared } from './noun.ts';
import { recordStore } from './record-store.ts';

/** The APIs of a connection. */
export function apiStore(shared: Shared): ApiStore {
  return recordStore(shared, {
    kind: 'api',
    changeKind: 'catalog',
    table: 'apis',
    id: (api) => api.apiId,
    columns: {
      method: (api) => api.method,
      path: (api) => api.path,
      created_at: (api) => api.createdAt.getTime(),
    },
    unique: (api) => ({
      id: ['apiId', api.apiId],
      path: ['path', `${api.method} ${api.path}`],
    }),
    searched: (api) => [api.path, api.method, api.name, api.apiId],
    sorts: { path: 'path', createdAt: 'created_at' },
    heldAs: ['api'],
  });
}
