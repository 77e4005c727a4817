/**
 * Creates an admin, or lets one in again who is shut out: enables and unlocks them, gives the role, and
 * a new set-up link; with --drop-second-factor also takes a lost authenticator away.
 * Usage: npm run create-admin -- <user name> [viewer|operator|security|owner] [--drop-second-factor]
 */
import { parseArgs } from 'node:util';
import { openServices } from '../src/compose.ts';
import { loadConfig, readEnvironment } from '../src/config/load.ts';
import { type Admin, newAdmin, type Role } from '../src/domain/admins/admin.ts';
import {
  type Acting,
  createAdmin,
  issueSetUpLink,
  updateAdmin,
} from '../src/domain/admins/manage-admins.ts';
import { dropSecondFactor, unlockAdmin } from '../src/domain/admins/second-factor.ts';
import type { Services } from '../src/domain/services.ts';
import { parse } from '../src/domain/validation.ts';
import { openLog } from '../src/http/log.ts';

const ACTING: Acting = {
  actor: { kind: 'command', id: 'create-admin', address: null },
  role: 'owner',
  adminId: null,
};

const USAGE =
  'Usage: npm run create-admin -- <user name> [viewer|operator|security|owner] [--drop-second-factor]';

const { values, positionals } = readArguments();
const [userName = '', role = 'owner'] = positionals;
const config = loadConfig(readEnvironment());
const { services, close } = await openServices({ config, log: openLog('error') });
try {
  const input = parse(newAdmin, { userName, role });
  const existing = await services.stores.admins.findByName(input.userName);
  const link =
    existing === null
      ? (await createAdmin(services, ACTING, input)).setUpLink
      : await renew(services, existing, input.role);
  console.log(
    `${existing === null ? 'Created' : 'Renewed'} ${input.role} "${input.userName}". The link works once, for 24 hours:\n${link?.url}`,
  );
} catch (error) {
  console.error(`${(error as Error).message}\n${USAGE}`);
  process.exitCode = 1;
} finally {
  await close();
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { 'drop-second-factor': { type: 'boolean', default: false } },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(1);
  }
}

async function renew(services: Services, admin: Admin, role: Role) {
  if (admin.role !== role || admin.status !== 'enabled') {
    await updateAdmin(services, ACTING, {
      id: admin.adminId,
      version: admin.version,
      patch: { role, status: 'enabled' },
    });
  }
  await unlockAdmin(services, ACTING, admin.adminId);
  if (values['drop-second-factor']) await dropSecondFactor(services, ACTING, admin.adminId);
  return issueSetUpLink(services, ACTING, admin.adminId);
}
