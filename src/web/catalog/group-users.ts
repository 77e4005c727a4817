/** Who uses an API group: clients that hold it, resource servers that serve it, keys that have it. */
import type { ApiKey } from '../../domain/api-keys/api-key.ts';
import type { ApiGroup } from '../../domain/apis/api-group.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { holdingProblemOf } from './bundles.ts';
import {
  clientSection,
  clientsFound,
  clientsOfGroup,
  type Found,
  NAMED_MOST,
  sectionOf,
} from './used-by.ts';
import type { SectionView } from './views.ts';

/** Who uses a group, and how many clients keep it from being deleted. */
export async function groupUsers(
  call: ConsoleCall,
  group: ApiGroup,
): Promise<{ sections: SectionView[]; total: number }> {
  const { services, t } = call;
  const { name } = group;
  const anyOf = [name];
  const [holding, serving, users, keys, problemOf] = await Promise.all([
    clientsFound(call, { apiGroup: name }),
    clientsFound(call, { naming: { fields: ['servedApiGroups'], anyOf } }),
    clientsFound(call, { naming: { fields: ['apiGroups', 'servedApiGroups'], anyOf } }),
    services.stores.apiKeys.list({ filter: { apiGroup: name }, limit: NAMED_MOST }),
    holdingProblemOf(call, name),
  ]);
  const holders = {
    id: 'clients',
    title: t('api_group.used_by.clients'),
    found: holding,
    empty: t('api_group.used_by.no_clients'),
    all: clientsOfGroup(call, name),
  };
  const servers = {
    id: 'resource-servers',
    title: t('api_group.used_by.servers'),
    text: t('api_group.used_by.servers.about'),
    found: serving,
    empty: t('api_group.used_by.no_servers'),
  };
  return {
    sections: [
      clientSection(call, holders, problemOf),
      clientSection(call, servers),
      keySection(call, keys),
    ],
    total: users.total,
  };
}

function keySection(call: ConsoleCall, found: Found<ApiKey>): SectionView {
  const { formats, t } = call;
  const title = t('api_group.used_by.keys');
  const section = sectionOf(call, {
    id: 'api-keys',
    title,
    found,
    empty: t('api_group.used_by.no_keys'),
  });
  if (found.items.length === 0) return section;
  return {
    ...section,
    table: {
      caption: title,
      columns: ['key', 'client', 'expires'].map((key) => ({ label: t(`noun.key.${key}`) })),
      rows: found.items.map((key) => {
        const href = clientPath(key);
        return {
          cells: [
            { name: { label: key.alias, href: `${href}/api-keys` } },
            { links: [{ href, label: key.clientId }] },
            { time: formats.instant(key.expiresAt) },
          ],
        };
      }),
    },
  };
}
