/** Who is at a security level: clients, groups, scopes. */
import type { SecurityLevel } from '../../domain/apis/security-level.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { bundleSection } from './bundles.ts';
import { clientSection, foundIn, NAMED_MOST } from './used-by.ts';
import type { SectionView } from './views.ts';

/** Clients, groups and scopes at a level. */
export async function levelUsers(
  call: ConsoleCall,
  { name }: SecurityLevel,
): Promise<{ sections: SectionView[]; total: number }> {
  const { formats, services, t } = call;
  const { apiGroups, apiScopes, clients } = services.stores;
  const filter = { at: formats.now, securityLevel: name };
  const found = foundIn(await clients.list({ filter, limit: NAMED_MOST }));
  const href = `/admin/clients?securityLevel=${encodeURIComponent(name)}`;
  const at = ({ securityLevel }: { securityLevel: string }) => securityLevel === name;
  const groups = (await apiGroups.all()).filter(at);
  const scopes = (await apiScopes.all()).filter(at);
  const empty = (kind: string) => t(`security_level.used_by.no_${kind}`);
  const holders = {
    id: 'clients',
    title: t('nav.clients'),
    found,
    empty: t('security_level.used_by.no_clients'),
    all: { href, label: t('noun.all') },
  };
  return {
    sections: [
      clientSection(call, holders),
      bundleSection(call, 'api_groups', { bundles: groups, empty: empty('api_groups') }),
      bundleSection(call, 'api_scopes', { bundles: scopes, empty: empty('api_scopes') }),
    ],
    total: found.total + groups.length + scopes.length,
  };
}
