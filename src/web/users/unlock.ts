/** Unlocking a user, and forgetting the failed passwords. */
import { unlockUser } from '../../domain/users/manage-users.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { recordPath } from '../catalog/noun.ts';

export const unlockRoutes: ConsoleRoute[] = [
  { method: 'POST', path: '/admin/users/:id/unlock', role: 'operator', handler: unlock },
];

async function unlock(call: ConsoleCall): Promise<void> {
  const { actor, services, t } = call;
  const { userId, userName } = await unlockUser(services, actor, param(call, 'id'));
  call.redirect(recordPath('/admin/users', userId), t('user.unlocked', { name: userName }));
}
