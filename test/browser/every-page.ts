/**
 * Every page that the server has, with addresses that open it: those of the console out of its table of
 * routes, so that a new one cannot be forgotten, and the few that stand before the sign-in.
 */
import type { Showcase } from '../../scripts/showcase/index.ts';
import { CONSOLE_ROUTES } from '../../src/web/admin/index.ts';
import { SECTIONS } from '../../src/web/forms/client-form.ts';

/** A page: the pattern of its route, and a path that opens it. */
export interface EveryPage {
  name: string;
  path: string;
  /** Whether it is opened by somebody who is not signed in. */
  isOpen: boolean;
  /** Whether it belongs to the console. */
  isConsole: boolean;
}

/** Answers that are files. */
const FILES = /\/export$|\.csv$/;

/** Values of `:id`, by what the path begins with. */
function idOf({ ids }: Showcase, path: string): string {
  const byNoun: Record<string, string> = {
    users: ids.userId,
    apis: ids.apiId,
    'api-groups': 'orders.read',
    'api-scopes': 'orders.history',
    'security-levels': 'C',
    admins: ids.adminId,
  };
  const noun = path.split('/')[2] ?? '';
  const id = byNoun[noun];
  if (id === undefined) throw new Error(`say in ${import.meta.filename} which id fills ${path}`);
  return id;
}

/** Values of parameters; of one with several, each is a page. */
function valuesOf(showcase: Showcase, path: string, name: string): readonly string[] {
  const { ids } = showcase;
  if (name === 'id') return [idOf(showcase, path)];
  if (name === 'step') return ['who', 'when', 'limits', 'access'];
  if (name === 'section') return Object.keys(SECTIONS);
  const values: Record<string, string> = {
    ...ids,
    tokenId: ids.accessTokenId,
    // Acts alone have these, and are refused before one is looked for.
    mailId: 'any',
    sessionId: 'any',
  };
  const value = values[name];
  if (value === undefined) throw new Error(`say in ${import.meta.filename} what fills :${name}`);
  return [value];
}

/** The paths of a pattern such as `/admin/clients/:clientId`. */
export function filledIn(showcase: Showcase, pattern: string): string[] {
  const name = /:(\w+)/.exec(pattern)?.[1];
  if (name === undefined) return [pattern];
  return valuesOf(showcase, pattern, name).flatMap((value) =>
    filledIn(showcase, pattern.replace(`:${name}`, encodeURIComponent(value))),
  );
}

/** Pages in a state that no route of its own shows. */
const STATES: readonly string[] = [
  '/admin/clients?q=nothing-has-this-name',
  '/admin/clients?status=locked',
  '/admin/search?q=pellgrove',
  '/admin/search?q=nothing-has-this-name',
  '/admin/decisions?reason=ip_not_allowed',
  '/admin/decisions?client=nobody',
  '/admin/clients/redkite-rates',
  '/admin/clients/tideway-customs/status',
  '/admin/clients/gateway-edge',
  '/admin/clients/papercrane-toys-none',
  '/admin/nowhere',
  '/admin/styleguide',
];

/** All pages of a filled server. */
export function everyPage(showcase: Showcase): EveryPage[] {
  const { ids } = showcase;
  const routes = CONSOLE_ROUTES.filter(({ method, path }) => method === 'GET' && !FILES.test(path));
  const console = [
    ...routes.flatMap(({ path }) => filledIn(showcase, path).map((one) => [path, one] as const)),
    ...STATES.map((path) => [path, path] as const),
  ];
  const before: [string, string][] = [
    ['/admin/sign-in', '/admin/sign-in'],
    ['/admin/set-up', `/admin/set-up?token=${ids.setUpToken}`],
    ['/reset-password', `/reset-password?token=${ids.resetToken}`],
    ['/reset-password, used', '/reset-password?token=gone'],
    ['/docs/errors', '/docs/errors'],
  ];
  return [
    ...console.map(([name, path]) => ({ name, path, isOpen: false, isConsole: true })),
    ...before.map(([name, path]) => {
      return { name, path, isOpen: true, isConsole: name.startsWith('/admin') };
    }),
  ];
}
