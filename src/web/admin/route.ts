/**
 * Routes of the console as data: path, least role, handler. The dispatcher does the rest, so that no
 * page can forget a session, a role or a token against forged requests.
 */
import type { Context } from 'koa';
import { type Admin, includesRole, type Role } from '../../domain/admins/admin.ts';
import type { AdminSession } from '../../domain/admins/admin-session.ts';
import type { Acting } from '../../domain/admins/manage-admins.ts';
import type { Actor } from '../../domain/audit/audit-event.ts';
import type { Services } from '../../domain/services.ts';
import type { Formats } from '../formats.ts';
import type { Translate } from '../messages.ts';
import type { Views } from '../views.ts';
import type { PageOptions } from './page.ts';

/** One page, or one act, of the console. */
export interface ConsoleRoute {
  method: 'GET' | 'POST';
  /** Path with parameters, such as `/admin/clients/:clientId`. */
  path: string;
  /** The least role that may. */
  role: Role;
  /**
   * Whether the admin has to prove who they are once more, unless they did so in the last ten
   * minutes; on the form as well as on what it posts to.
   */
  stepUp?: boolean;
  handler(call: ConsoleCall): Promise<void>;
}

/** What the configuration gives this node, as far as pages tell of it. */
export interface NodeFacts {
  /** Whether proxies are named whose word of an address is believed. */
  trustsProxies: boolean;
  hasMailServer: boolean;
}

/** What a handler works with. */
export interface ConsoleCall {
  ctx: Context;
  services: Services;
  node: NodeFacts;
  admin: Admin;
  session: AdminSession;
  /** Who acts, for the audit. */
  actor: Actor;
  /** Who acts, with which role. */
  acting: Acting;
  params: Readonly<Record<string, string>>;
  /** Of the URL. */
  query: URLSearchParams;
  /** Of the body; empty where there is none. */
  form: URLSearchParams;
  /**
   * Path of what the form made, where the answer is a page that shows it; null where it redirects or
   * made nothing. Whoever sends the form again is led there.
   */
  made: string | null;
  t: Translate;
  formats: Formats;
  /** Whether the admin's role includes this one. */
  offers(role: Role): boolean;
  /** Answers with a page. */
  show<V extends keyof Views>(view: V, locals: Views[V], options: PageOptions): Promise<void>;
  /** Sends the browser on (303); the text is told on the page that it then shows. */
  redirect(path: string, flash?: string): void;
}

/** A parameter of the path. Throws where the route has none of this name. */
export function param(call: ConsoleCall, name: string): string {
  const value = call.params[name];
  if (value === undefined) throw new Error(`the route has no parameter "${name}"`);
  return value;
}

/** Why an act is not offered to this admin, in words; undefined where it is. */
export function roleNeeded(call: ConsoleCall, role: Role): string | undefined {
  return includesRole(call.admin.role, role) ? undefined : call.t('common.needs_role', { role });
}
