/** What an admin should look after: the first few of each kind, and how many there are. */
import type { ApiKey } from '../../domain/api-keys/api-key.ts';
import type { Client } from '../../domain/clients/client.ts';
import type { ClientCounts } from '../../domain/clients/client-store.ts';
import { plusSeconds } from '../../domain/clock.ts';
import type { Page } from '../../domain/records.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { EXPIRING_DAYS } from '../clients/list-filters.ts';

/** Days within which an X-Api-Key that expires is told. */
export const KEY_DAYS = 14;

const DAY_SECONDS = 86_400;
/** Records of a kind that are named. */
const NAMED_MOST = 3;

/** What there is to look after, and the clients by status. */
export interface Attention {
  counts: ClientCounts;
  locked: Page<Client>;
  expiring: Page<Client>;
  keys: Page<ApiKey>;
  failedMails: number;
}

/** Reads it, by five calls of the store. */
export async function readAttention({
  services,
  formats,
}: Pick<ConsoleCall, 'services' | 'formats'>): Promise<Attention> {
  const { clients, apiKeys, mails } = services.stores;
  const { now: at } = formats;
  const within = (days: number) => plusSeconds(at, days * DAY_SECONDS);
  const sort = { field: 'expiresAt', descending: false };
  const [counts, locked, expiring, keys, failed] = await Promise.all([
    clients.countByStatus({ at }),
    clients.list({ filter: { at, status: 'locked' }, limit: NAMED_MOST }),
    clients.list({
      filter: { at, expiringBefore: within(EXPIRING_DAYS) },
      sort,
      limit: NAMED_MOST,
    }),
    apiKeys.list({
      filter: { expiring: { after: at, before: within(KEY_DAYS) } },
      sort,
      limit: NAMED_MOST,
    }),
    mails.list({ filter: { state: 'failed' }, limit: 1, now: at }),
  ]);
  return { counts, locked, expiring, keys, failedMails: failed.total };
}
