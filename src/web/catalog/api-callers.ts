/** Which clients may call an API: through a group that they hold, or for a user through a scope. */
import type { Api } from '../../domain/apis/api.ts';
import type { Client } from '../../domain/clients/client.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { statusChip } from '../clients/client-status.ts';
import { recordPath } from './noun.ts';
import { clientsFound, clientsOfGroup, sectionOf } from './used-by.ts';
import type { SectionView } from './views.ts';

/** The section that names them. */
export async function callersSection(call: ConsoleCall, api: Api): Promise<SectionView> {
  const { services, t } = call;
  await services.directory.sync();
  const catalog = await services.directory.catalog();
  const holders = catalog.holdersOf(api.apiId);
  const groups = holders.filter((name) => catalog.groups.has(name));
  const scopes = holders.filter((name) => catalog.scopes.has(name));
  const fields = ['apiGroups', 'apiScopes'] as const;
  const found = await clientsFound(call, { naming: { fields, anyOf: holders } });
  const [only] = groups.length === 1 && scopes.length === 0 ? groups : [];
  const title = t('api.callers');
  const section = sectionOf(call, {
    id: 'clients',
    title,
    text: t('api.callers.about'),
    found,
    empty: t('api.callers.none'),
    ...(only !== undefined && { all: clientsOfGroup(call, only) }),
  });
  if (found.items.length === 0) return section;
  return {
    ...section,
    table: {
      caption: title,
      columns: ['client', 'status', 'through'].map((key) => ({ label: t(`noun.client.${key}`) })),
      rows: found.items.map((client) => {
        const usable = catalog.usableBy(client);
        const through = holders.filter((name) => held(client).includes(name));
        const isUsable = through.some((name) => usable.has(name));
        const problem = catalog.holdingProblem(client, through[0] ?? '') ?? 'level_too_low';
        const refused = { tone: 'warning' as const, word: t(`noun.problem.${problem}`) };
        return {
          cells: [
            {
              name: { label: client.displayName, href: clientPath(client), id: client.clientId },
            },
            { chip: isUsable ? statusChip(call, client) : refused },
            { links: through.map((name) => linkTo(name, groups)) },
          ],
        };
      }),
    },
  };
}

function held({ apiGroups, apiScopes }: Client): string[] {
  return [...apiGroups, ...apiScopes];
}

function linkTo(name: string, groups: readonly string[]) {
  const path = groups.includes(name) ? '/admin/api-groups' : '/admin/api-scopes';
  return { label: name, href: recordPath(path, name) };
}
