/** Personal access tokens: issued to oneself or, by the role security, to others; revoked likewise. */
import { z } from 'zod';
import { DomainError, invalidField } from '../errors.ts';
import {
  type ChangeOptions,
  createRecord,
  findRecord,
  firstVersion,
  type Noun,
  type RemoveOptions,
  removeRecord,
} from '../manage-records.ts';
import { randomCredential, randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import {
  type Admin,
  includesRole,
  newPersonalAccessToken,
  type PersonalAccessToken,
} from './admin.ts';
import { type Acting, findAdmin, requireReach } from './manage-admins.ts';

/** A new personal access token: for oneself, or for the admin named. */
export const newAccessToken = newPersonalAccessToken.extend({
  adminId: z.string().min(1).max(40).optional().describe('Whose it is; left out: yours'),
});

const ACCESS_TOKEN: Noun<PersonalAccessToken> = {
  kind: 'access_token',
  label: 'personal access token',
  settings: z.strictObject({}),
  defaults: {},
  store: (stores) => stores.personalAccessTokens,
  idOf: (token) => token.accessTokenId,
};

/** The personal access token of this id. Throws `not_found`. */
export function findAccessToken(services: Services, id: string): Promise<PersonalAccessToken> {
  return findRecord(services, ACCESS_TOKEN, id);
}

/** A new personal access token and its value, answered this once (null on a dry run). */
export interface IssuedAccessToken {
  token: PersonalAccessToken;
  value: string | null;
}

/**
 * Issues a personal access token.
 *
 * @throws DomainError `validation_failed` (no or unknown admin, expired already, a role above that of
 *   its admin), `not_allowed` (somebody else's, or a role above one's own)
 */
export async function createAccessToken(
  services: Services,
  by: Acting,
  input: z.output<typeof newAccessToken>,
  options: ChangeOptions = {},
): Promise<IssuedAccessToken> {
  const { label, role, expiresAt = null } = input;
  const admin = await holder(services, by, input.adminId);
  requireReach(by, role, 'give');
  if (!includesRole(admin.role, role)) {
    throw invalidField('role', 'above_admin', `is above the role of its admin (${admin.role})`);
  }
  if (expiresAt !== null && expiresAt <= services.clock.now()) {
    throw invalidField('expiresAt', 'in_the_past', 'must be in the future');
  }
  const value = randomCredential('tgp_');
  const token: PersonalAccessToken = {
    accessTokenId: randomId(),
    adminId: admin.adminId,
    label,
    role,
    digest: services.keys.digest('personal_access_token', value),
    lastFour: value.slice(-4),
    expiresAt,
    ...firstVersion(services),
  };
  await createRecord(services, by.actor, ACCESS_TOKEN, token, options);
  return { token, value: options.dryRun ? null : value };
}

/** Ends a personal access token now. Throws `not_found`, `not_allowed`, `version_conflict`. */
export async function deleteAccessToken(
  services: Services,
  by: Acting,
  accessTokenId: string,
  options: RemoveOptions = {},
): Promise<PersonalAccessToken> {
  const token = await findAccessToken(services, accessTokenId);
  requireOwnOrSecurity(by, await findAdmin(services, token.adminId));
  return removeRecord(services, by.actor, ACCESS_TOKEN, accessTokenId, options);
}

/** The admin that a new token is for. */
async function holder(services: Services, by: Acting, named: string | undefined): Promise<Admin> {
  const adminId = named ?? by.adminId;
  if (adminId === null) {
    throw invalidField('adminId', 'required', 'is required: this credential belongs to no admin');
  }
  const admin = await services.stores.admins.find(adminId);
  if (admin === null) throw invalidField('adminId', 'unknown', `there is no admin "${adminId}"`);
  requireOwnOrSecurity(by, admin);
  return admin;
}

function requireOwnOrSecurity(by: Acting, admin: Admin): void {
  if (by.adminId === admin.adminId) return;
  if (!includesRole(by.role, 'security')) {
    throw new DomainError('not_allowed', {
      hint: `tokens of other admins need the role security; yours is ${by.role}`,
    });
  }
  requireReach(by, admin.role, 'touch');
}
