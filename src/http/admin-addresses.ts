/**
 * Where admins are: with `ADMIN_ADDRESSES` set, the console and the REST API answer callers from these
 * addresses only. Of all other requests nothing is read but path and address. What partners and gateways
 * use stays open, and so do the static files, which tell nothing and which open pages need as well.
 */
import type { Context, Middleware, Next } from 'koa';
import { addressSet } from '../domain/clients/ip-binding.ts';
import { carryByKoa } from './answer.ts';
import type { ReadClientAddress } from './client-address.ts';
import type { Log } from './log.ts';
import { ApiError, problemAnswer } from './problem.ts';
import type { RequestState } from './request-state.ts';

/** What the gate works with. */
export interface AdminAddressOptions {
  /** Canonical addresses and ranges; none lets everybody in. */
  adminAddresses: readonly string[];
  /** Who calls; null, where that is hidden, is let in nowhere. */
  readCaller: ReadClientAddress;
  /** Answers what was asked of the console; the status is set. */
  refuseBrowser(ctx: Context): Promise<void>;
  log: Pick<Log, 'warn'>;
}

/** Routes behind the gate, as metrics and log name them. */
const CONSOLE = '/admin{/*rest}';
const API = '/api{/*rest}';

/** Koa middleware in front of the routers of the console and the REST API. */
export function adminAddressGate(options: AdminAddressOptions): Middleware {
  const { adminAddresses, readCaller, refuseBrowser, log } = options;
  if (adminAddresses.length === 0) return (_ctx, next) => next();
  const admins = addressSet(adminAddresses);
  const tell = tellOfRefused(log);

  return async function guardAdminRoutes(ctx: Context, next: Next): Promise<void> {
    const route = routeAt(ctx.path);
    if (route === null) return next();
    const caller = readCaller(ctx.req);
    if (caller !== null && admins.has(caller)) return next();

    const state = ctx.state as RequestState;
    // One who is let in by the address that could be read hides behind it.
    const { address } = state;
    tell(state, { route, isHidden: address !== null && admins.has(address) });
    ctx['_matchedRoute'] = route;
    ctx.set('Cache-Control', 'no-store');
    ctx.status = 403;
    if (route === CONSOLE) await refuseBrowser(ctx);
    else carryByKoa(ctx, problemAnswer(new ApiError('address_not_allowed', HINT)));
  };
}

const HINT =
  'ask whoever runs this server; its log says why, under the X-Request-Id of this answer';

/** Of either case, as the routers match paths. */
function routeAt(path: string): string | null {
  const first = /^\/(admin|api)(?:\/|$)/i.exec(path)?.[1];
  if (first === undefined) return null;
  return first.toLowerCase() === 'admin' ? CONSOLE : API;
}

/** The shortest time between two lines of one kind. */
const TELL_MS = 1_000;

const OUTSIDE =
  'refused an address outside ADMIN_ADDRESSES: add it there if an admin works from it';
const HIDDEN =
  'refused a caller whom a forwarding header hides: name the proxy in TRUSTED_PROXIES, and let it strip the forwarding header that it does not set';

/**
 * Warns of refused requests, of each kind once a second at most; `untold` counts those since the line
 * before. The log of requests has every one of them, at level info.
 */
function tellOfRefused(log: Pick<Log, 'warn'>) {
  const told = new Map<string, { at: number; untold: number }>();

  return function tell(
    { requestId, arrivedAt, address }: RequestState,
    { route, isHidden }: { route: string; isHidden: boolean },
  ): void {
    const message = isHidden ? HIDDEN : OUTSIDE;
    const at = arrivedAt.getTime();
    const last = told.get(route + message);
    // A clock that was set back must not silence it.
    if (last !== undefined && Math.abs(at - last.at) < TELL_MS) {
      last.untold += 1;
      return;
    }
    told.set(route + message, { at, untold: 0 });
    log.warn({ requestId, address, route, untold: last?.untold ?? 0 }, message);
  };
}
