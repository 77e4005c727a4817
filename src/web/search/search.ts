/** The search of the console: over everything that has a page, by id, name and text. */
import { type FieldProblem, isDomainError } from '../../domain/errors.ts';
import { type Hits, type SearchResult, searchAll } from '../../domain/search.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { type StatusChip, statusChip } from '../clients/client-status.ts';
import { callInWords } from '../decisions/list.ts';
import { outcomeChip } from '../decisions/trace.ts';
import { keyState } from '../security/api-key-words.ts';
import { userStatus } from '../users/show.ts';
import type { HitGroup, HitView } from './views.ts';

/** Path of the search; its words are the parameter `q`. */
export const SEARCH = '/admin/search';

export const searchRoutes: ConsoleRoute[] = [
  { method: 'GET', path: SEARCH, role: 'viewer', handler: showSearch },
];

async function showSearch(call: ConsoleCall): Promise<void> {
  const { query, t } = call;
  // A pattern of MongoDB cannot hold NUL.
  const words = (query.get('q') ?? '').replaceAll('\0', '').trim();
  const { groups, problems } = await found(call, words);
  const empty = {
    text: t('search.nothing', { words }),
    link: { href: SEARCH, label: t('search.again') },
  };
  await call.show(
    'admin/search',
    {
      words,
      problems,
      groups,
      empty: words === '' ? { text: t('search.empty') } : groups.length === 0 ? empty : null,
    },
    { title: t('search.title'), status: problems.length > 0 ? 422 : 200 },
  );
}

async function found(call: ConsoleCall, words: string) {
  const problems: FieldProblem[] = [];
  try {
    const result = await searchAll(call.services, words);
    return { groups: groupsOf(call, result, words), problems };
  } catch (error) {
    if (!isDomainError(error) || error.code !== 'validation_failed') throw error;
    return { groups: [], problems: error.problems.map((one) => ({ ...one, field: 'q' })) };
  }
}

/** Groups that hold something, those with what was searched for by its id first. */
function groupsOf(call: ConsoleCall, result: SearchResult, words: string): HitGroup[] {
  const { clients, users, apiGroups, apiScopes, apis, apiKeys, decisions } = result;
  const under = (list: string, id: string) => `${list}/${encodeURIComponent(id)}`;
  const make = maker(call, words);
  const groups = [
    make('clients', clients, '/admin/clients', (client) => ({
      ...{ id: client.clientId, label: client.displayName, href: clientPath(client) },
      status: statusChip(call, client),
    })),
    make('users', users, '/admin/users', (user) => ({
      ...{ id: user.userId, label: user.userName, href: under('/admin/users', user.userId) },
      about: user.displayName || user.userId,
      status: userStatus(call, user),
    })),
    make('api_groups', apiGroups, '/admin/api-groups', ({ name, displayName }) => ({
      ...{ id: name, label: name, href: under('/admin/api-groups', name), about: displayName },
    })),
    make('api_scopes', apiScopes, '/admin/api-scopes', ({ name, displayName }) => ({
      ...{ id: name, label: name, href: under('/admin/api-scopes', name), about: displayName },
    })),
    make('apis', apis, '/admin/apis', ({ apiId, method, path, name }) => ({
      ...{ id: apiId, label: `${method} ${path}`, href: under('/admin/apis', apiId), about: name },
    })),
    // No list shows the keys of all clients.
    make('api_keys', apiKeys, null, (key) => ({
      ...{ id: key.apiKeyId, label: key.alias, href: clientPath(key, '/api-keys') },
      about: call.t('search.key', { client: key.clientId, lastFour: key.current.lastFour }),
      status: keyState(call, key),
    })),
    make('decisions', decisions, null, (decision) => ({
      id: decision.decisionId,
      label: decision.decisionId,
      href: under('/admin/decisions', decision.decisionId),
      about: callInWords(call, decision),
      status: outcomeChip(call, decision.reason),
    })),
  ].filter(({ hits }) => hits.length > 0);
  const isExact = ({ hits }: HitGroup) => hits[0]?.isExact === true;
  return [...groups.filter(isExact), ...groups.filter((group) => !isExact(group))];
}

/** What a noun says of a record; `about` is its id where nothing else is said. */
type Told = Pick<HitView, 'label' | 'href'> & {
  id: string;
  about?: string;
  status?: StatusChip;
};

function maker({ t, formats }: ConsoleCall, words: string) {
  return <T>(
    noun: string,
    found: Hits<T>,
    list: string | null,
    tell: (one: T) => Told,
  ): HitGroup => {
    const hits = found.items.map((one): HitView => {
      const { id, about, status = null, ...told } = tell(one);
      return { ...told, about: about || id, status, isExact: id === words };
    });
    const more = found.total - hits.length;
    const label = t('search.more', { count: more, number: formats.number(more) });
    const href = list === null ? null : `${list}?${new URLSearchParams({ search: words })}`;
    const title = t(`search.noun.${noun}`, { count: formats.number(found.total) });
    return { title, hits, more: more > 0 ? { label, href } : null };
  };
}
