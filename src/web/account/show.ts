/** `/admin/account`: what an admin sees of themselves: details, second factor, sessions, tokens. */
import type { AdminSession } from '../../domain/admins/admin-session.ts';
import { listSessions } from '../../domain/admins/manage-sessions.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import type { SectionView } from '../catalog/views.ts';
import { browserName } from './browser-name.ts';
import { tokenSection } from './token-table.ts';

/** Path of the page. */
export const ACCOUNT = '/admin/account';

export const accountRoutes: ConsoleRoute[] = [
  { method: 'GET', path: ACCOUNT, role: 'viewer', handler: showAccount },
];

async function showAccount(call: ConsoleCall): Promise<void> {
  const { admin, services, session, t } = call;
  const [sessions, guard, tokens] = await Promise.all([
    listSessions(services, admin.adminId),
    services.stores.adminGuards.find(admin.adminId),
    tokenSection(call, admin),
  ]);
  const sections = [
    detailsOf(call),
    passwordSection(call),
    factorSection(call, guard.recoveryCodes.length),
    sessionSection(call, sessions, session),
    tokens,
  ];
  const name = admin.displayName || admin.userName;
  const head = { title: name, id: admin.adminId, idLabel: t('admin.id'), actions: [] };
  await call.show(
    'admin/noun/show',
    { head, sections },
    { title: t('account.title'), ownHeading: true },
  );
}

function detailsOf(call: ConsoleCall): SectionView {
  const { admin, t } = call;
  const reason = roleNeeded(call, 'security');
  return {
    id: 'details',
    title: t('account.details'),
    action: {
      href: `/admin/admins/${encodeURIComponent(admin.adminId)}/edit`,
      label: t('common.edit'),
      ...(reason !== undefined && { disabled: true, reason }),
    },
    summary: [
      { label: t('admin.field.userName'), value: admin.userName },
      { label: t('admin.field.displayName'), value: admin.displayName },
      { label: t('admin.field.email'), value: admin.email ?? '' },
      { label: t('admin.field.role'), value: t(`admin.role.${admin.role}`) },
    ],
  };
}

function passwordSection({ t }: ConsoleCall): SectionView {
  return {
    id: 'password',
    title: t('account.password'),
    text: t('account.password.text'),
    action: { href: `${ACCOUNT}/password`, label: t('account.password.change') },
  };
}

function factorSection({ admin, t }: ConsoleCall, codesLeft: number): SectionView {
  const isOn = Boolean(admin.totpSecret);
  return {
    id: 'second-factor',
    title: t('account.factor'),
    text: isOn ? t('account.factor.on', { count: codesLeft }) : t('account.factor.off'),
    action: {
      href: `${ACCOUNT}/second-factor`,
      label: t(isOn ? 'account.factor.manage' : 'account.factor.begin'),
    },
  };
}

function sessionSection(
  call: ConsoleCall,
  sessions: readonly AdminSession[],
  current: AdminSession,
): SectionView {
  const { t } = call;
  const columns = ['browser', 'address', 'started', 'seen', 'state'].map((key) => ({
    label: t(`account.session.${key}`),
  }));
  return {
    id: 'sessions',
    title: t('account.sessions'),
    text: t('account.sessions.text'),
    table: {
      caption: t('account.sessions.caption'),
      columns,
      rows: sessions.map((session) => sessionRow(call, session, current)),
    },
    ...(sessions.length > 1 && {
      post: { action: `${ACCOUNT}/sessions/end-others`, label: t('account.sessions.end_others') },
    }),
  };
}

function sessionRow({ formats, t }: ConsoleCall, session: AdminSession, current: AdminSession) {
  const isThis = session.sessionId === current.sessionId;
  const browser = browserName(session.userAgent) || t('account.session.unknown');
  const tone = isThis ? 'good' : 'neutral';
  const row = {
    cells: [
      { name: { label: browser } },
      { text: session.address ?? t('common.none'), mono: true },
      { time: formats.instant(session.createdAt) },
      { time: formats.instant(session.lastSeenAt) },
      {
        chip: { tone, word: t(isThis ? 'account.session.this' : 'account.session.other') } as const,
      },
    ],
  };
  if (isThis) return row;
  const action = `${ACCOUNT}/sessions/${encodeURIComponent(session.sessionId)}/end`;
  const menu = {
    label: t('account.session.menu', { browser }),
    items: [{ label: t('account.session.end'), post: { action } }],
  };
  return { ...row, menu };
}
