/** Personal access tokens: making one of one's own, and deleting one. */
import {
  includesRole,
  type PersonalAccessToken,
  ROLES,
  type Role,
} from '../../domain/admins/admin.ts';
import {
  createAccessToken,
  deleteAccessToken,
  findAccessToken,
  newAccessToken,
} from '../../domain/admins/manage-access-tokens.ts';
import { plusSeconds } from '../../domain/clock.ts';
import { type FieldProblem, invalidField } from '../../domain/errors.ts';
import { parse } from '../../domain/validation.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import type { FieldView } from '../catalog/views.ts';
import { ACCOUNT } from './show.ts';

const PATH = `${ACCOUNT}/tokens`;
const OWN = { role: 'viewer', stepUp: true } as const;

export const tokenRoutes: ConsoleRoute[] = [
  { ...OWN, method: 'GET', path: `${PATH}/new`, handler: (call) => showForm(call, []) },
  { ...OWN, method: 'POST', path: `${PATH}/new`, handler: createToken },
  { ...OWN, method: 'GET', path: `${PATH}/:tokenId/delete`, handler: askToDelete },
  { ...OWN, method: 'POST', path: `${PATH}/:tokenId/delete`, handler: deleteToken },
];

const DAY_SECONDS = 86_400;
/** Days that a token may live, as they are offered; 0 = no end. */
const LIFETIMES = ['30', '90', '365', '0'];

async function createToken(call: ConsoleCall): Promise<void> {
  const { acting, form, services, t } = call;
  await submit({
    async change() {
      const expiresAt = endOf(call);
      const [label, role] = [form.get('label') ?? '', form.get('role') ?? ''];
      const input = parse(newAccessToken, { label, role, expiresAt: expiresAt?.toISOString() });
      const { value } = await createAccessToken(services, acting, input);
      call.made = ACCOUNT;
      await call.show(
        'admin/noun/secret',
        {
          text: t('account.token.created', { label: input.label }),
          secret: {
            label: t('account.token.one'),
            value: value ?? '',
            hint: t('account.token.once'),
            done: { href: ACCOUNT, label: t('account.token.done') },
          },
        },
        { ...optionsOf(call, t('account.token.created.title')), status: 200 },
      );
    },
    again: (problems) => showForm(call, problems),
  });
}

/** When the token of the form ends; null = never. Throws `validation_failed` for what is not offered. */
function endOf({ form, services, t }: ConsoleCall): Date | null {
  const chosen = LIFETIMES.find((days) => days === form.get('lifetime'));
  if (chosen === undefined)
    throw invalidField('lifetime', 'unknown', t('account.token.lifetime.unknown'));
  const days = Number(chosen);
  return days === 0 ? null : plusSeconds(services.clock.now(), days * DAY_SECONDS);
}

async function showForm(call: ConsoleCall, problems: readonly FieldProblem[]): Promise<void> {
  const { t } = call;
  const told = problems.map(({ field, message }) => ({
    field,
    message: t.has(`account.token.${field}`)
      ? t('account.problem', { field: t(`account.token.${field}`), message })
      : message,
  }));
  await call.show(
    'admin/noun/form',
    {
      ...{ action: `${PATH}/new`, version: null, read: '', conflict: null, problems: told },
      fields: fieldsOf(call, (name) => {
        const error = told.find(({ field }) => field === name)?.message;
        return error === undefined ? {} : { error };
      }),
      submit: t('account.token.create'),
      cancel: { href: ACCOUNT, label: t('common.cancel') },
    },
    { ...optionsOf(call, t('account.token.create')), status: told.length > 0 ? 422 : 200 },
  );
}

function fieldsOf(
  { admin, form, t }: ConsoleCall,
  errorOf: (name: string) => { error?: string },
): FieldView[] {
  const held = ROLES.filter((role) => includesRole(admin.role, role));
  return [
    {
      ...{ kind: 'field', name: 'label', label: t('account.token.label'), required: true },
      ...{ value: form.get('label') ?? '', maxlength: 100, hint: t('account.token.label.hint') },
      ...errorOf('label'),
    },
    {
      ...{ kind: 'select', name: 'role', label: t('account.token.role') },
      ...{ value: form.get('role') ?? 'viewer', hint: t('account.token.role.hint') },
      ...errorOf('role'),
      options: held.map((role: Role) => ({ value: role, label: t(`admin.role.${role}`) })),
    },
    {
      ...{ kind: 'select', name: 'lifetime', label: t('account.token.lifetime') },
      value: form.get('lifetime') ?? '90',
      ...errorOf('lifetime'),
      options: LIFETIMES.map((days) => ({
        value: days,
        label: t('account.token.days', { days: Number(days) }),
      })),
    },
  ];
}

async function askToDelete(call: ConsoleCall): Promise<void> {
  const { services, t } = call;
  const token = await findAccessToken(services, param(call, 'tokenId'));
  const title = t('account.token.delete.title', { label: token.label });
  await call.show(
    'admin/noun/confirm',
    {
      action: `${PATH}/${encodeURIComponent(token.accessTokenId)}/delete`,
      ...{ version: String(token.version), problems: [], refused: null, sections: [] },
      text: t('account.token.delete.text'),
      consequences: [],
      submit: t('account.token.delete'),
      cancel: { href: holderPath(call, token), label: t('common.cancel') },
    },
    optionsOf(call, title),
  );
}

async function deleteToken(call: ConsoleCall): Promise<void> {
  const token = await deleteAccessToken(call.services, call.acting, param(call, 'tokenId'));
  const { label } = token;
  call.redirect(holderPath(call, token), call.t('account.token.deleted', { label }));
}

function holderPath({ admin }: ConsoleCall, { adminId }: PersonalAccessToken): string {
  return adminId === admin.adminId ? ACCOUNT : `/admin/admins/${encodeURIComponent(adminId)}`;
}

function optionsOf({ t }: ConsoleCall, title: string) {
  return { title, breadcrumbs: [{ label: t('account.title'), href: ACCOUNT }] };
}
