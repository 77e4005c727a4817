/** Revoking every live token of a user, after a page that says how many they are. */
import { revokeAllTokens } from '../../domain/tokens/manage-tokens.ts';
import { findUser } from '../../domain/users/manage-users.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { recordPath } from '../catalog/noun.ts';

const PATH = '/admin/users/:id/revoke-tokens';

export const revokeTokenRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'operator', handler: askToRevoke },
  { method: 'POST', path: PATH, role: 'operator', handler: revokeTokens },
];

async function askToRevoke(call: ConsoleCall): Promise<void> {
  const { actor, services, t } = call;
  const { userId, userName } = await findUser(services, param(call, 'id'));
  const count = await revokeAllTokens(services, actor, { userId }, { dryRun: true });
  const path = recordPath('/admin/users', userId);
  await call.show(
    'admin/noun/confirm',
    {
      action: `${path}/revoke-tokens`,
      version: null,
      problems: [],
      text: t('user.tokens.revoke.text'),
      consequences: [t('user.delete.tokens', { count })],
      refused: count === 0 ? t('user.tokens.none') : null,
      sections: [],
      submit: count === 0 ? null : t('user.tokens.revoke', { count }),
      cancel: { href: path, label: t(count === 0 ? 'common.back' : 'common.cancel') },
    },
    {
      title: t('user.tokens.revoke.title', { name: userName }),
      section: 'users',
      breadcrumbs: [{ label: userName, href: path }],
      crumb: t('user.tokens.revoke_all'),
    },
  );
}

async function revokeTokens(call: ConsoleCall): Promise<void> {
  const { actor, services, t } = call;
  const { userId } = await findUser(services, param(call, 'id'));
  const count = await revokeAllTokens(services, actor, { userId });
  call.redirect(recordPath('/admin/users', userId), t('user.tokens.revoked', { count }));
}
