/** `/admin/account/password`: how an admin changes their password. */
import { changeOwnPassword } from '../../domain/admins/own-password.ts';
import { type FieldProblem, invalidField } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { ACCOUNT } from './show.ts';

const PATH = `${ACCOUNT}/password`;

export const passwordRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: (call) => showForm(call, []) },
  { method: 'POST', path: PATH, role: 'viewer', handler: changePassword },
];

const FIELDS = ['current', 'password', 'confirmation'] as const;

async function changePassword(call: ConsoleCall): Promise<void> {
  const { actor, form, services, session, t } = call;
  const [current, password, confirmation] = FIELDS.map((name) => form.get(name) ?? '');
  await submit({
    async change() {
      if (password !== confirmation) throw invalidField('confirmation', 'differs', '');
      const { address } = actor;
      const input = { current: current ?? '', password: password ?? '', address };
      await changeOwnPassword(services, session, input);
      call.redirect(ACCOUNT, t('account.password.changed'));
    },
    again: (problems) => showForm(call, problems),
  });
}

async function showForm(call: ConsoleCall, problems: readonly FieldProblem[]): Promise<void> {
  const { t } = call;
  const told = problems.map((problem) => ({ ...problem, message: messageOf(call, problem) }));
  const errorOf = (name: string) => told.find(({ field }) => field === name)?.message;
  const fields = FIELDS.map((name) => {
    const error = errorOf(name);
    return {
      kind: 'field' as const,
      name,
      label: t(`account.password.${name}`),
      type: 'password',
      value: '',
      autocomplete: name === 'current' ? 'current-password' : 'new-password',
      required: true,
      width: 'medium' as const,
      ...(name === 'password' && { hint: t('account.password.hint') }),
      ...(error !== undefined && { error }),
    };
  });
  await call.show(
    'admin/noun/form',
    {
      ...{ action: PATH, version: null, read: '', conflict: null, fields, problems: told },
      submit: t('account.password.change'),
      cancel: { href: ACCOUNT, label: t('common.cancel') },
    },
    {
      title: t('account.password.change'),
      breadcrumbs: [{ label: t('account.title'), href: ACCOUNT }],
      status: told.length > 0 ? 422 : 200,
    },
  );
}

function messageOf({ t }: ConsoleCall, { field, code, message }: FieldProblem): string {
  if (field === 'current') return t('account.password.wrong');
  if (field === 'confirmation') return t('account.password.differs');
  return code === 'custom' ? t('account.password.rule', { rule: message }) : message;
}
