/** The page that offers every way to a new client: a template, step by step or on one page, or a copy. */
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { roleNeeded } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import type { Option } from '../forms/holding-options.ts';
import { NEW_CLIENT } from './new-client.ts';
import { TEMPLATES, type TemplateName, templateOf } from './templates.ts';
import { WIZARD } from './wizard-steps.ts';

/** Clients that a search offers to copy. */
const OFFERED = 10;

/** The locals of the view. */
export interface ChooseLocals {
  path: string;
  wizardPath: string;
  onePagePath: string;
  templates: Option[];
  search: string;
  /** Clients to copy; null where nobody searched. */
  found: { displayName: string; clientName: string; href: string }[] | null;
  /** Clients that match beyond those. */
  more: number;
}

export const chooseRoutes: ConsoleRoute[] = [
  { method: 'GET', path: NEW_CLIENT, role: 'operator', handler: choose },
];

async function choose(call: ConsoleCall): Promise<void> {
  const search = (call.query.get('search') ?? '').trim();
  const { found, more } = await clientsToCopy(call, search);
  const locals = {
    path: NEW_CLIENT,
    wizardPath: WIZARD,
    onePagePath: `${NEW_CLIENT}/one-page`,
    templates: templateOptions(call),
    ...{ search, found, more },
  };
  const title = call.t('client-create.title');
  return call.show('admin/clients/create/choose', locals, { title, section: 'clients' });
}

function templateOptions(call: ConsoleCall): Option[] {
  const { t, query } = call;
  const chosen = templateOf(query.get('template')).name;
  return (Object.keys(TEMPLATES) as TemplateName[]).map((name) => {
    const missing = name === 'resource_server' ? roleNeeded(call, 'security') : undefined;
    return {
      value: name,
      label: t(`client-create.template.${name}`),
      hint: missing ?? t(`client-create.template.${name}.hint`),
      checked: name === chosen && missing === undefined,
      ...(missing !== undefined && { disabled: true }),
    };
  });
}

async function clientsToCopy({ services, formats }: ConsoleCall, search: string) {
  if (search === '') return { found: null, more: 0 };
  const filter = { at: formats.now };
  const { items, total } = await services.stores.clients.list({ search, filter, limit: OFFERED });
  const found = items.map((client) => ({
    displayName: client.displayName,
    clientName: client.clientName,
    href: clientPath(client, '/copy'),
  }));
  return { found, more: total - items.length };
}
