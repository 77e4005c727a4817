/** Setting the password of a user: generated or typed; it unlocks the user. */
import type { FieldProblem } from '../../domain/errors.ts';
import { findUser, setUserPassword } from '../../domain/users/manage-users.ts';
import type { User } from '../../domain/users/user.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { recordPath } from '../catalog/noun.ts';
import { toldProblems } from '../catalog/noun-form.ts';
import { chosenPassword, showPassword } from './chosen-password.ts';
import { passwordFields } from './fields.ts';

const PATH = '/admin/users/:id/password';

export const passwordRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'operator', stepUp: true, handler: showPasswordForm },
  { method: 'POST', path: PATH, role: 'operator', stepUp: true, handler: setPassword },
];

async function showPasswordForm(call: ConsoleCall): Promise<void> {
  await showForm(call, await findUser(call.services, param(call, 'id')));
}

async function setPassword(call: ConsoleCall): Promise<void> {
  const { actor, services, t } = call;
  const user = await findUser(services, param(call, 'id'));
  const version = versionOf(call.form);
  const done = recordPath('/admin/users', user.userId);
  await submit({
    async change() {
      const { password, isGenerated } = chosenPassword(call);
      await setUserPassword(services, actor, user.userId, { password, version });
      const name = user.userName;
      const changed = t('user.password.changed', { name });
      if (!isGenerated) return call.redirect(done, changed);
      const [title, text] = [t('user.password.of', { name }), t('user.password.made')];
      await showPassword(call, { title, text: `${changed} ${text}`, password, done });
    },
    again: (problems) => showForm(call, user, { status: 422, problems }),
    stale: (current) =>
      showForm(call, current as User, {
        status: 409,
        problems: [{ field: '', code: 'stale', message: t('user.password.stale') }],
      }),
  });
}

async function showForm(
  call: ConsoleCall,
  user: User,
  { status = 200, problems = [] }: { status?: number; problems?: FieldProblem[] } = {},
): Promise<void> {
  const { form, t } = call;
  const { userId, userName, version } = user;
  const path = recordPath('/admin/users', userId);
  const { errors, summary } = toldProblems(call, 'user', problems);
  await call.show(
    'admin/noun/form',
    {
      action: `${path}/password`,
      version: String(version),
      read: '',
      problems: summary,
      conflict: null,
      fields: passwordFields(t, form, errors),
      submit: t('user.password.set'),
      cancel: { href: path, label: t('common.cancel') },
    },
    {
      title: t('user.password.title', { name: userName }),
      section: 'users',
      breadcrumbs: [{ label: userName, href: path }],
      crumb: t('user.password.set'),
      status,
    },
  );
}
