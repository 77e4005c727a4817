/** Which limits a client has none of. */
import type { Client } from '../../domain/clients/client.ts';

type Limited = Pick<Client, 'apiQuota' | 'tps' | 'accessToken' | 'refreshToken'>;

/** Names of the fields of limits that the client has none of. */
export function unlimitedOf({ apiQuota, tps, accessToken, refreshToken }: Limited): Set<string> {
  const limits = {
    'apiQuota.calls': apiQuota.calls,
    tps,
    'accessToken.maxUses': accessToken.maxUses,
    'refreshToken.maxUses': refreshToken.maxUses,
  };
  return new Set(Object.entries(limits).flatMap(([name, limit]) => (limit === 0 ? [name] : [])));
}
