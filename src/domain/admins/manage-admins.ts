/**
 * What admins do with each other: create, change, delete, hand out a set-up link. Nobody gives a role
 * above their own or touches an admin above their own role.
 */
import type { z } from 'zod';
import { type Actor, type AuditEvent, auditEvent } from '../audit/audit-event.ts';
import { DomainError } from '../errors.ts';
import { type IssuedLink, issueLink } from '../links.ts';
import { everyRow } from '../manage-dry-runs.ts';
import {
  type ChangeOptions,
  createRecord,
  findRecord,
  firstVersion,
  type Noun,
  patchOf,
  type RemoveOptions,
  recordEvent,
  removeRecord,
  type Update,
  updateRecord,
} from '../manage-records.ts';
import { randomId } from '../secrets/random.ts';
import type { Services } from '../services.ts';
import {
  ADMIN_DEFAULTS,
  type Admin,
  adminSettings,
  includesRole,
  type newAdmin,
  type Role,
} from './admin.ts';

/** Who acts, and with which role. */
export interface Acting {
  actor: Actor;
  /** The role that counts now: the lower one of credential and admin. */
  role: Role;
  /** Id of the admin who acts; null for the bootstrap token and commands. */
  adminId: string | null;
}

/** A merge patch of an admin. */
export const adminPatch = patchOf(adminSettings);

/** How long a set-up link works: 24 hours. */
export const SET_UP_LINK_SECONDS = 24 * 3600;

const ADMIN: Noun<Admin> = {
  kind: 'admin',
  label: 'admin',
  settings: adminSettings,
  defaults: ADMIN_DEFAULTS,
  store: (stores) => stores.admins,
  idOf: (admin) => admin.adminId,
  taken: sameName,
};

/** The admin of this id. Throws `not_found`. */
export function findAdmin(services: Services, adminId: string): Promise<Admin> {
  return findRecord(services, ADMIN, adminId);
}

/** A new admin, and the link behind which the password is chosen (null on a dry run). */
export interface CreatedAdmin {
  admin: Admin;
  setUpLink: IssuedLink | null;
}

/** Creates an admin. Throws `not_allowed` for a role above one's own, `conflict` when the name is taken. */
export async function createAdmin(
  services: Services,
  by: Acting,
  input: z.output<typeof newAdmin>,
  options: ChangeOptions = {},
): Promise<CreatedAdmin> {
  requireReach(by, input.role, 'give');
  const admin: Admin = {
    adminId: randomId(),
    ...adminSettings.parse({ ...ADMIN_DEFAULTS, ...input }),
    passwordHash: null,
    ...firstVersion(services),
  };
  await createRecord(services, by.actor, ADMIN, admin, options);
  return { admin, setUpLink: options.dryRun ? null : await newSetUpLink(services, admin) };
}

/**
 * Changes an admin; another role or status ends their sessions.
 *
 * @throws DomainError `not_found`, `not_allowed` (a role above one's own, before or after),
 *   `version_conflict`, `validation_failed`, `conflict`, `last_owner`
 */
export async function updateAdmin(
  services: Services,
  by: Acting,
  update: Update,
  options: ChangeOptions = {},
): Promise<Admin> {
  const before = await findAdmin(services, update.id);
  requireReach(by, before.role, 'touch');
  const role = update.patch.role as Role | null | undefined;
  if (role) requireReach(by, role, 'give');
  const after = await updateRecord(services, by.actor, ADMIN, update, options);
  const stands = after.role === before.role && after.status === before.status;
  if (!options.dryRun && !stands) await endSessions(services, by.actor, after.adminId);
  if (options.dryRun && !isActiveOwner(after)) await requireOtherOwner(services, before);
  return after;
}

/** Deletes an admin and their personal access tokens. Throws `not_found`, `not_allowed`, `last_owner`. */
export async function deleteAdmin(
  services: Services,
  by: Acting,
  adminId: string,
  options: RemoveOptions = {},
): Promise<Admin> {
  const admin = await findAdmin(services, adminId);
  requireReach(by, admin.role, 'touch');
  if (options.dryRun) await requireOtherOwner(services, admin);
  return removeRecord(services, by.actor, ADMIN, adminId, options);
}

/** Issues a new set-up link; the earlier one stops working. Throws `not_found`, `not_allowed`. */
export async function issueSetUpLink(
  services: Services,
  by: Acting,
  adminId: string,
  options: ChangeOptions = {},
): Promise<IssuedLink | null> {
  const admin = await findAdmin(services, adminId);
  requireReach(by, admin.role, 'touch');
  if (options.dryRun) return null;
  const event = recordEvent(services, by.actor, ADMIN, admin, 'issue_set_up_link', []);
  return newSetUpLink(services, admin, event);
}

/**
 * Ends every session of an admin. What they stand on has changed, so they are over already; but they
 * must not come back to life when it changes back.
 */
export async function endSessions(
  services: Services,
  actor: Actor,
  adminId: string,
): Promise<void> {
  const event = auditEvent({
    at: services.clock.now(),
    actor,
    action: 'admin.end_other_sessions',
    object: { kind: 'admin', id: adminId },
  });
  await services.stores.adminSessions.removeOthers(adminId, null, event);
}

/** Throws `not_allowed`, naming the role needed, unless the acting role includes `role`. */
export function requireReach(by: Acting, role: Role, verb: 'give' | 'touch'): void {
  if (includesRole(by.role, role)) return;
  const deed = verb === 'give' ? `give the role ${role}` : `change an admin of the role ${role}`;
  throw new DomainError('not_allowed', {
    hint: `to ${deed}, the role ${role} is needed; yours is ${by.role}`,
  });
}

function newSetUpLink(
  services: Services,
  { adminId }: Admin,
  event?: AuditEvent,
): Promise<IssuedLink> {
  const link = {
    purpose: 'admin_set_up',
    subjectId: adminId,
    seconds: SET_UP_LINK_SECONDS,
  } as const;
  return issueLink(services, { ...link, event });
}

function isActiveOwner(admin: Admin): boolean {
  return admin.role === 'owner' && admin.status === 'enabled';
}

/** For dry runs only; the store decides for real, in the same step as the change. */
async function requireOtherOwner(services: Services, admin: Admin): Promise<void> {
  if (!isActiveOwner(admin)) return;
  for await (const other of everyRow((query) => services.stores.admins.list(query))) {
    if (other.adminId !== admin.adminId && isActiveOwner(other)) return;
  }
  throw new DomainError('last_owner');
}

async function sameName(services: Services, admin: Admin): Promise<string | null> {
  const name = admin.userName.toLowerCase();
  const query = { search: admin.userName };
  for await (const other of everyRow((q) => services.stores.admins.list({ ...q, ...query }))) {
    const same = other.userName.toLowerCase() === name;
    if (same && other.adminId !== admin.adminId) return 'userName';
  }
  return null;
}
