/** Personal access tokens of admins. */
import type {
  PersonalAccessToken,
  PersonalAccessTokenFilter,
  PersonalAccessTokenStore,
} from '../../src/domain/admins/admin.ts';
import type { Shared } from './noun.ts';
import { equalities } from './page.ts';
import { recordStore } from './record-store.ts';

/** The personal access tokens of a connection. */
export function personalAccessTokenStore(shared: Shared): PersonalAccessTokenStore {
  const store = recordStore<PersonalAccessToken, PersonalAccessTokenFilter>(shared, {
    kind: 'access token',
    changeKind: 'access_token',
    table: 'personal_access_tokens',
    id: (token) => token.accessTokenId,
    columns: {
      admin_id: (token) => token.adminId,
      digest: (token) => token.digest,
      created_at: (token) => token.createdAt.getTime(),
    },
    unique: (token) => ({
      id: ['accessTokenId', token.accessTokenId],
      digest: ['digest', token.digest],
    }),
    searched: (token) => [token.label],
    sorts: { createdAt: 'created_at' },
    conditions: ({ adminId }) => equalities({ admin_id: adminId }),
  });
  return { ...store, findByDigest: store.findBy('digest') };
}
