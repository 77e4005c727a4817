/**
 * Creates an admin, or gives one a new set-up link: the way in when nobody can sign in any more.
 * Usage: npm run create-admin -- <user name> [viewer|operator|security|owner]
 */
import { openServices } from '../src/compose.ts';
import { loadConfig, readEnvironment } from '../src/config/load.ts';
import { type Admin, newAdmin, type Role } from '../src/domain/admins/admin.ts';
import {
  type Acting,
  createAdmin,
  issueSetUpLink,
  updateAdmin,
} from '../src/domain/admins/manage-admins.ts';
import type { Services } from '../src/domain/services.ts';
import { parse } from '../src/domain/validation.ts';
import { openLog } from '../src/http/log.ts';

const ACTING: Acting = {
  actor: { kind: 'command', id: 'create-admin', address: null },
  role: 'owner',
  adminId: null,
};

const [userName = '', role = 'owner'] = process.argv.slice(2);
const config = loadConfig(readEnvironment());
const { services, close } = await openServices({ config, log: openLog('error') });
try {
  const input = parse(newAdmin, { userName, role });
  const existing = await findByName(services, input.userName);
  const link =
    existing === null
      ? (await createAdmin(services, ACTING, input)).setUpLink
      : await renew(services, existing, input.role);
  console.log(
    `${existing === null ? 'Created' : 'Renewed'} ${input.role} "${input.userName}". The link works once, for 24 hours:\n${link?.url}`,
  );
} catch (error) {
  console.error(
    `${(error as Error).message}\nUsage: npm run create-admin -- <user name> [viewer|operator|security|owner]`,
  );
  process.exitCode = 1;
} finally {
  await close();
}

async function findByName({ stores }: Services, name: string): Promise<Admin | null> {
  const { items } = await stores.admins.list({ search: name, limit: 100 });
  return items.find((admin) => admin.userName.toLowerCase() === name.toLowerCase()) ?? null;
}

async function renew(services: Services, admin: Admin, role: Role) {
  if (admin.role !== role || admin.status !== 'enabled') {
    await updateAdmin(services, ACTING, {
      id: admin.adminId,
      version: admin.version,
      patch: { role, status: 'enabled' },
    });
  }
  return issueSetUpLink(services, ACTING, admin.adminId);
}
