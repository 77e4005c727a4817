/** What the page of an admin shows: details, how they sign in, what failed, their tokens. */
import { type Admin, includesRole } from '../../domain/admins/admin.ts';
import { listSessions } from '../../domain/admins/manage-sessions.ts';
import { lockEnd } from '../../domain/admins/proofs.ts';
import { tokenSection } from '../account/token-table.ts';
import { type ConsoleCall, roleNeeded } from '../admin/route.ts';
import type { SectionView } from '../catalog/views.ts';

/** Failed sign-ins that are shown; the audit has them all. */
const FAILURES = 10;

/** The sections of the page. */
export async function adminSections(call: ConsoleCall, admin: Admin): Promise<SectionView[]> {
  return [
    detailsOf(call, admin),
    setUpSection(call, admin),
    factorSection(call, admin),
    ...(await lockSections(call, admin)),
    await tokenSection(call, admin),
  ];
}

function detailsOf({ formats, t }: ConsoleCall, admin: Admin): SectionView {
  const { userName, displayName, email, role, createdAt, updatedAt } = admin;
  return {
    id: 'details',
    title: t('account.details'),
    summary: [
      { label: t('admin.field.userName'), value: userName },
      { label: t('admin.field.displayName'), value: displayName },
      { label: t('admin.field.email'), value: email ?? '' },
      {
        label: t('admin.field.role'),
        value: `${t(`admin.role.${role}`)}: ${t(`admin.role.${role}.about`)}`,
      },
      { label: t('admin.field.createdAt'), time: formats.instant(createdAt) },
      { label: t('admin.field.updatedAt'), time: formats.instant(updatedAt) },
    ],
  };
}

function setUpSection(call: ConsoleCall, admin: Admin): SectionView {
  const { t } = call;
  const isSetUp = admin.passwordHash !== null;
  return {
    id: 'set-up',
    title: t('account.password'),
    text: t(isSetUp ? 'admin.password.set' : 'admin.password.none'),
    post: postOf(call, admin, 'set-up-link', t('admin.set_up_link')),
  };
}

function factorSection(call: ConsoleCall, admin: Admin): SectionView {
  const { t } = call;
  const isOn = Boolean(admin.totpSecret);
  return {
    id: 'second-factor',
    title: t('account.factor'),
    text: t(isOn ? 'admin.factor.on.text' : 'admin.factor.off'),
    ...(isOn && { post: postOf(call, admin, 'second-factor/drop', t('admin.factor.drop')) }),
  };
}

async function lockSections(call: ConsoleCall, admin: Admin): Promise<SectionView[]> {
  const { formats, services, t } = call;
  const { adminId } = admin;
  const filter = { objectId: adminId, action: 'admin.sign_in_failed' };
  const [guard, sessions, failed] = await Promise.all([
    services.stores.adminGuards.find(adminId),
    listSessions(services, adminId),
    services.stores.audit.list({ filter, limit: FAILURES }),
  ]);
  const end = lockEnd(services, guard);
  const when = end === null ? '' : formats.instant(end).absolute;
  const rows = failed.items.map(({ at, actor }) => ({
    cells: [{ time: formats.instant(at) }, { text: actor.address ?? t('common.none'), mono: true }],
  }));
  const columns = [{ label: t('admin.failure.at') }, { label: t('admin.failure.address') }];
  return [
    {
      id: 'sign-ins',
      title: t('admin.sign_ins'),
      text: [
        end === null
          ? t('admin.lock.none', { count: guard.failedLogins })
          : t('admin.lock.until', { when }),
        t('admin.sessions', { count: sessions.length }),
      ].join(' '),
      ...(rows.length > 0
        ? { table: { caption: t('admin.failures'), columns, rows } }
        : { empty: t('admin.failures.none') }),
      ...(end !== null && { post: postOf(call, admin, 'unlock', t('admin.unlock')) }),
    },
  ];
}

/** A button, disabled with the reason where this admin may not. */
function postOf(call: ConsoleCall, admin: Admin, act: string, label: string) {
  const needed = includesRole('security', admin.role) ? 'security' : admin.role;
  const reason = roleNeeded(call, needed);
  const action = `/admin/admins/${encodeURIComponent(admin.adminId)}/${act}`;
  return { action, label, ...(reason !== undefined && { disabled: true, reason }) };
}
