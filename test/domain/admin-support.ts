/** Admins in the world of the rules. */
import type { Admin, Role } from '../../src/domain/admins/admin.ts';
import {
  type Acting,
  createAdmin,
  findAdmin,
  issueSetUpLink,
  updateAdmin,
} from '../../src/domain/admins/manage-admins.ts';
import { setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import type { AuditEvent } from '../../src/domain/audit/audit-event.ts';
import { ACTOR, type World } from './support.ts';

type Services = Pick<World, 'services'>;

/** An owner whom no record knows. */
export const BY: Acting = { actor: ACTOR, role: 'owner', adminId: null };

export const PASSWORD = 'correct horse battery';

/** Where the admins of these tests sit. */
export const ADDRESS = '192.0.2.44';

/** An admin, with `PASSWORD` unless they are not set up. */
export async function newAdmin(
  { services }: Services,
  userName: string,
  options: { role?: Role; status?: Admin['status']; isSetUp?: boolean } = {},
): Promise<Admin> {
  const { role = 'owner', status = 'enabled', isSetUp = true } = options;
  const { admin, setUpLink } = await createAdmin(services, BY, { userName, role });
  const { adminId } = admin;
  if (isSetUp) {
    const token = tokenIn(setUpLink?.url);
    await setUpAdmin(services, { token, password: PASSWORD, address: null });
  }
  const { version } = await findAdmin(services, adminId);
  return updateAdmin(services, BY, { id: adminId, version, patch: { status } });
}

/** Token of a new set-up link. */
export async function setUpToken({ services }: Services, adminId: string): Promise<string> {
  return tokenIn((await issueSetUpLink(services, BY, adminId))?.url);
}

function tokenIn(url = ''): string {
  return new URL(url).searchParams.get('token') ?? '';
}

/** What the audit says of an admin, of one action. */
export async function eventsOf(
  { services }: Services,
  objectId: string,
  action: string,
): Promise<AuditEvent[]> {
  const filter = { objectId, action };
  return (await services.stores.audit.list({ filter, limit: 100 })).items;
}
