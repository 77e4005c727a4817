/** Objects of audit events as people know them: a name where the record still is, the id where it is gone. */
import type { AuditEvent } from '../../domain/audit/audit-event.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';

/** What an event is about. */
export interface ShownObject {
  /** Such as `Client`. */
  kind: string;
  label: string;
  /** The id, where the label is not that. */
  id: string | null;
  /** Page of the object; null where it has none. */
  href: string | null;
}

type Objects = Pick<ConsoleCall, 'services' | 't'>;
type NameOf = (services: ConsoleCall['services'], id: string) => Promise<string | null>;

/** Ids that tell people nothing have a name; all others are names themselves. */
const NAMES: Readonly<Record<string, NameOf>> = {
  client: async ({ directory }, id) => (await directory.client(id))?.displayName ?? null,
  user: async ({ directory }, id) => (await directory.user(id))?.userName ?? null,
  admin: async ({ stores }, id) => (await stores.admins.find(id))?.userName ?? null,
  async api({ stores }, id) {
    const api = await stores.apis.find(id);
    return api === null ? null : `${api.method} ${api.path}`;
  },
  api_key: async ({ stores }, id) => (await stores.apiKeys.find(keyIdOf(id)))?.alias ?? null,
};

const PAGES: Readonly<Record<string, string>> = {
  user: '/admin/users',
  api: '/admin/apis',
  api_group: '/admin/api-groups',
  api_scope: '/admin/api-scopes',
  security_level: '/admin/security-levels',
  admin: '/admin/admins',
};

/** Events name a key by its client and its id: `<client>/<key>`. */
function keyIdOf(id: string): string {
  return id.slice(id.indexOf('/') + 1);
}

/** Shows the objects of one page of events; each is looked up once. */
export async function objectNames({ services, t }: Objects) {
  await services.directory.sync();
  const found = new Map<string, Promise<string | null>>();
  return async function shown({ kind, id }: AuditEvent['object']): Promise<ShownObject> {
    const key = `${kind} ${id}`;
    const name = found.get(key) ?? NAMES[kind]?.(services, id) ?? Promise.resolve(null);
    found.set(key, name);
    const label = (await name) ?? id;
    return {
      kind: t.has(`audit.kind.${kind}`) ? t(`audit.kind.${kind}`) : kind,
      label,
      id: label === id ? null : id,
      href: pageOf(kind, id),
    };
  };
}

function pageOf(kind: string, id: string): string | null {
  if (kind === 'client') return clientPath({ clientId: id });
  if (kind === 'api_key') return clientPath({ clientId: id.split('/', 1)[0] ?? '' }, '/api-keys');
  const page = PAGES[kind];
  return page === undefined ? null : `${page}/${encodeURIComponent(id)}`;
}
