/** The catalog: every API, API group, API scope and security level, indexed for decisions. */
import type { Client } from '../clients/client.ts';
import type { Api, ApiStore } from './api.ts';
import type { ApiGroup, ApiGroupStore } from './api-group.ts';
import type { ApiScope, ApiScopeStore } from './api-scope.ts';
import type { SecurityLevel, SecurityLevelStore } from './security-level.ts';

/** Why a client may not hold a group or scope that exists. */
export type HoldingProblem = 'level_too_low' | 'audience_mismatch';

interface CatalogStores {
  apis: ApiStore;
  apiGroups: ApiGroupStore;
  apiScopes: ApiScopeStore;
  securityLevels: SecurityLevelStore;
}

/** An immutable picture of the catalog. */
export class Catalog {
  readonly groups: ReadonlyMap<string, ApiGroup>;
  readonly scopes: ReadonlyMap<string, ApiScope>;
  readonly levels: ReadonlyMap<string, SecurityLevel>;
  readonly #routes: Route[];
  readonly #holders = new Map<string, string[]>();
  readonly #usable = new WeakMap<Client, ReadonlySet<string>>();

  constructor(apis: Api[], groups: ApiGroup[], scopes: ApiScope[], levels: SecurityLevel[]) {
    this.#routes = apis.map(toRoute).sort(mostSpecificFirst);
    this.groups = new Map(groups.map((g) => [g.name, g]));
    this.scopes = new Map(scopes.map((s) => [s.name, s]));
    this.levels = new Map(levels.map((l) => [l.name, l]));
    for (const holder of [...groups, ...scopes]) {
      for (const apiId of holder.apis) {
        const names = this.#holders.get(apiId);
        if (names === undefined) this.#holders.set(apiId, [holder.name]);
        else names.push(holder.name);
      }
    }
  }

  static async load(stores: CatalogStores): Promise<Catalog> {
    const [apis, groups, scopes, levels] = await Promise.all([
      stores.apis.all(),
      stores.apiGroups.all(),
      stores.apiScopes.all(),
      stores.securityLevels.all(),
    ]);
    return new Catalog(apis, groups, scopes, levels);
  }

  /** Why this client may not hold this group or scope now; null when it may. Unknown names: `level_too_low`. */
  holdingProblem(
    client: Pick<Client, 'securityLevel' | 'audience'>,
    name: string,
  ): HoldingProblem | null {
    const group = this.groups.get(name);
    const held = group ?? this.scopes.get(name);
    const needed = this.levels.get(held?.securityLevel ?? '');
    const own = this.levels.get(client.securityLevel);
    if (needed === undefined || own === undefined || needed.rank > own.rank) return 'level_too_low';
    if (group === undefined || group.audience === 'both' || client.audience === 'both') return null;
    return group.audience === client.audience ? null : 'audience_mismatch';
  }

  /** Names of the groups and scopes that a client holds and may hold now. */
  usableBy(client: Client): ReadonlySet<string> {
    let names = this.#usable.get(client);
    if (names === undefined) {
      const known = [
        ...client.apiGroups.filter((n) => this.groups.has(n)),
        ...client.apiScopes.filter((n) => this.scopes.has(n)),
      ];
      names = new Set(known.filter((name) => this.holdingProblem(client, name) === null));
      this.#usable.set(client, names);
    }
    return names;
  }

  /** The APIs that a call matches, the most specific first; empty when it matches none. */
  match(method: string, path: string): Api[] {
    const segments = pathSegments(path);
    if (segments === null) return [];
    return this.#routes
      .filter((route) => matches(route, method, segments))
      .map((route) => route.api);
  }

  /** Names of the groups and scopes that hold an API. */
  holdersOf(apiId: string): readonly string[] {
    return this.#holders.get(apiId) ?? [];
  }
}

/** A pattern, split once. */
interface Route {
  api: Api;
  segments: string[];
  /** Whether the pattern ends in `*` and so matches any rest. */
  open: boolean;
}

function toRoute(api: Api): Route {
  // A pattern that no call can match (`apiSettings` refuses new ones) holds a segment that no call has.
  const segments = pathSegments(api.path) ?? ['\0'];
  const open = segments.at(-1) === '*';
  return { api, segments: open ? segments.slice(0, -1) : segments, open };
}

function mostSpecificFirst(a: Route, b: Route): number {
  // One character for each segment, so that of equally many parameters the later one wins.
  const shape = (route: Route) => route.segments.map((s) => Number(s.startsWith(':'))).join('');
  const parameters = (route: Route) => shape(route).replaceAll('0', '').length;
  return (
    Number(a.open) - Number(b.open) ||
    b.segments.length - a.segments.length ||
    parameters(a) - parameters(b) ||
    Number(shape(a) > shape(b)) - Number(shape(a) < shape(b)) ||
    Number(a.api.method === '*') - Number(b.api.method === '*')
  );
}

function matches(route: Route, method: string, segments: string[]): boolean {
  if (route.api.method !== '*' && route.api.method !== method) return false;
  if (
    route.open ? segments.length < route.segments.length : segments.length !== route.segments.length
  )
    return false;
  return route.segments.every((s, i) =>
    s.startsWith(':') ? segments[i] !== '' : s === segments[i],
  );
}

/** What no request target may hold (RFC 9112 §3.2): some services end a path at `#`, others go on. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /[#\\\x00-\x20\x7f]/;

/**
 * The decoded segments of a request path; null for a path that a proxy and a service could read
 * differently (dot segments, also with `;` parameters, encoded slashes, malformed escapes), which then
 * matches no API.
 */
export function pathSegments(path: string): string[] | null {
  const plain = path.split('?', 1)[0] ?? '';
  if (!plain.startsWith('/') || UNSAFE.test(plain)) return null;
  try {
    const segments = plain.split('/').slice(1).map(decodeURIComponent);
    const ambiguous = segments.some(
      (s, i) => /^\.\.?(;|$)/.test(s) || /[/\\\0]/.test(s) || (s === '' && i < segments.length - 1),
    );
    if (ambiguous) return null;
    if (segments.length > 1 && segments.at(-1) === '') segments.pop();
    return segments;
  } catch {
    return null;
  }
}
