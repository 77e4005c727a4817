/** Who is at a security level: clients, groups, scopes. */
import type { SecurityLevel } from '../../domain/apis/security-level.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { bundleSections } from './bundles.ts';
import { clientSection, clientsFound } from './used-by.ts';
import type { SectionView } from './views.ts';

/** Clients, groups and scopes at a level. */
export async function levelUsers(
  call: ConsoleCall,
  { name }: SecurityLevel,
): Promise<{ sections: SectionView[]; total: number }> {
  const { t } = call;
  const filter = { securityLevel: name };
  const [found, bundles] = await Promise.all([
    clientsFound(call, filter),
    bundleSections(call, 'security_level', filter),
  ]);
  const href = `/admin/clients?securityLevel=${encodeURIComponent(name)}`;
  const holders = {
    id: 'clients',
    title: t('nav.clients'),
    found,
    empty: t('security_level.used_by.no_clients'),
    all: { href, label: t('noun.all') },
  };
  return {
    sections: [clientSection(call, holders), ...bundles.sections],
    total: found.total + bundles.total,
  };
}
