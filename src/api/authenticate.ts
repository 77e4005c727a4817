/**
 * Who calls the REST API (RFC 6750): the bootstrap token of the configuration, which acts as an
 * owner, or a personal access token, which acts as its admin with the lower of the two roles.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { includesRole, type Role } from '../domain/admins/admin.ts';
import type { Acting } from '../domain/admins/manage-admins.ts';
import { DomainError } from '../domain/errors.ts';
import type { Services } from '../domain/services.ts';
import { ApiError } from '../http/problem.ts';

/** Who calls, with which role. */
export type Caller = Acting;

/** What a request says about its sender. */
export interface Credentials {
  /** The Authorization header. */
  authorization: string | undefined;
  address: string | null;
}

/** What authentication is composed with. */
export interface AuthenticateOptions {
  /** The bootstrap token; null switches it off. */
  adminApiToken: string | null;
}

const CHALLENGE = 'Bearer realm="Tollgate REST API"';

/** The caller behind a request's credentials; throws `not_authenticated` with a challenge. */
export async function authenticate(
  services: Services,
  options: AuthenticateOptions,
  { authorization, address }: Credentials,
): Promise<Caller> {
  if (authorization === undefined) {
    const headers = { 'WWW-Authenticate': CHALLENGE };
    throw new ApiError('not_authenticated', 'send Authorization: Bearer <token>', headers);
  }
  const token = /^Bearer +(\S{1,512})$/i.exec(authorization)?.[1];
  if (token === undefined) throw refused('Authorization must be: Bearer <token>');
  if (options.adminApiToken !== null && equal(token, options.adminApiToken)) {
    const actor = { kind: 'bootstrap_token', id: 'ADMIN_API_TOKEN', address } as const;
    return { actor, role: 'owner', adminId: null };
  }
  return personalCaller(services, token, address);
}

/** Throws `not_allowed`, naming the role needed, unless the caller has it. */
export function requireRole(caller: Caller, needed: Role): void {
  if (includesRole(caller.role, needed)) return;
  throw new DomainError('not_allowed', {
    hint: `the role ${needed} is needed; yours is ${caller.role}`,
  });
}

async function personalCaller(
  services: Services,
  value: string,
  address: string | null,
): Promise<Caller> {
  const now = services.clock.now();
  const token = await findToken(services, value);
  if (token === null) throw refused('the token is unknown or was revoked');
  if (token.expiresAt !== null && token.expiresAt <= now) throw refused('the token has expired');
  const admin = await services.stores.admins.find(token.adminId);
  if (admin?.status !== 'enabled') throw refused('the admin of this token is disabled');
  services.lastUses.note(`access_token:${token.accessTokenId}`, now, address);
  const role = includesRole(token.role, admin.role) ? admin.role : token.role;
  const { adminId } = admin;
  return { actor: { kind: 'admin', id: adminId, address }, role, adminId };
}

async function findToken(services: Services, value: string) {
  if (!value.startsWith('tgp_')) return null;
  for (const digest of services.keys.digests('personal_access_token', value)) {
    const token = await services.stores.personalAccessTokens.findByDigest(digest);
    if (token !== null) return token;
  }
  return null;
}

/** Hashed first, so that not even the length of the right token shows in the time taken. */
function equal(presented: string, right: string): boolean {
  const [a, b] = [presented, right].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

function refused(hint: string): ApiError {
  const challenge = `${CHALLENGE}, error="invalid_token", error_description="${hint.replaceAll('"', "'")}"`;
  return new ApiError('not_authenticated', hint, { 'WWW-Authenticate': challenge });
}
