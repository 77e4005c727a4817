/** Acts on an admin beside editing: a new set-up link, unlocking, taking a lost second factor away. */
import type { Admin } from '../../domain/admins/admin.ts';
import { findAdmin, issueSetUpLink } from '../../domain/admins/manage-admins.ts';
import { dropSecondFactor, unlockAdmin } from '../../domain/admins/second-factor.ts';
import type { IssuedLink } from '../../domain/links.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';

const ONE = '/admin/admins/:id';
const ACT = { method: 'POST', role: 'security', stepUp: true } as const;

export const adminActRoutes: ConsoleRoute[] = [
  { ...ACT, path: `${ONE}/set-up-link`, handler: renewSetUpLink },
  { ...ACT, path: `${ONE}/unlock`, handler: unlock },
  { ...ACT, path: `${ONE}/second-factor/drop`, handler: dropFactor },
];

/** Shows a set-up link once, for handing over; no mail brings it, as its reader could act as the admin. */
export async function showSetUpLink(
  call: ConsoleCall,
  { adminId, userName }: Admin,
  link: IssuedLink,
  text: string,
): Promise<void> {
  const { formats, t } = call;
  call.made = pathOf(adminId);
  const { absolute } = formats.instant(link.expiresAt);
  await call.show(
    'admin/noun/secret',
    {
      text,
      secret: {
        label: t('admin.set_up_link.one', { userName }),
        value: link.url,
        hint: t('admin.set_up_link.hint', { when: absolute }),
        done: { href: pathOf(adminId), label: t('account.token.done') },
      },
    },
    {
      title: t('admin.set_up_link'),
      section: 'admins',
      breadcrumbs: [{ label: userName, href: pathOf(adminId) }],
    },
  );
}

async function renewSetUpLink(call: ConsoleCall): Promise<void> {
  const { services, acting, t } = call;
  const admin = await findAdmin(services, param(call, 'id'));
  const link = await issueSetUpLink(services, acting, admin.adminId);
  if (link !== null) await showSetUpLink(call, admin, link, t('admin.set_up_link.renewed'));
}

async function unlock(call: ConsoleCall): Promise<void> {
  const { services, acting, t } = call;
  const { adminId, userName } = await findAdmin(services, param(call, 'id'));
  await unlockAdmin(services, acting, adminId);
  call.redirect(pathOf(adminId), t('admin.unlocked', { userName }));
}

async function dropFactor(call: ConsoleCall): Promise<void> {
  const { services, acting, t } = call;
  const { adminId, userName } = await findAdmin(services, param(call, 'id'));
  await dropSecondFactor(services, acting, adminId);
  call.redirect(pathOf(adminId), t('admin.factor.dropped', { userName }));
}

function pathOf(adminId: string): string {
  return `/admin/admins/${encodeURIComponent(adminId)}`;
}
