/** Admins in the console: list, page, form, deletion; in the terms that all nouns share. */
import {
  type Admin,
  type adminSettings,
  includesRole,
  newAdmin,
  ROLES,
} from '../../domain/admins/admin.ts';
import * as manage from '../../domain/admins/manage-admins.ts';
import { parse } from '../../domain/validation.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import type { ConsoleNoun, FormValues, ShownForm } from '../catalog/noun.ts';
import { nounRoutes } from '../catalog/noun-routes.ts';
import type { FieldView } from '../catalog/views.ts';
import type { StatusChip } from '../clients/client-status.ts';
import { showSetUpLink } from './admin-acts.ts';
import { adminSections } from './admin-sections.ts';

/** Path of the list. */
export const ADMINS = '/admin/admins';

const adminNoun: ConsoleNoun<Admin> = {
  area: 'admin',
  section: 'admins',
  path: ADMINS,
  role: 'security',
  idOf: ({ adminId }) => adminId,
  nameOf: ({ userName }) => userName,
  find: (services, id) => manage.findAdmin(services, id),
  list: {
    sorts: ['userName', 'createdAt'],
    sorted: 'userName',
    read: ({ services }, query) => services.stores.admins.list(query),
    columns: async (call) => columnsOf(call),
  },
  form: {
    show: (admin) => valuesOf(admin),
    fields: async (call, shown) => fieldsOf(call, shown),
    async create(call, values) {
      const { services, acting, t } = call;
      const input = parse(newAdmin, settingsOf(values));
      const { admin, setUpLink } = await manage.createAdmin(services, acting, input);
      if (setUpLink !== null) await showSetUpLink(call, admin, setUpLink, t('admin.created'));
    },
    async update({ services, acting }, { id, version, values }) {
      const patch = parse(manage.adminPatch, settingsOf(values));
      return { record: await manage.updateAdmin(services, acting, { id, version, patch }) };
    },
  },
  page: {
    status: (call, admin) => statusOf(call, admin),
    sections: (call, admin) => adminSections(call, admin),
  },
  removal: {
    async consequences({ services, t }, { adminId }) {
      const filter = { adminId };
      const { total } = await services.stores.personalAccessTokens.list({ filter, limit: 1 });
      return [t('admin.delete.tokens', { count: total }), t('admin.delete.sessions')];
    },
    usedBy: async () => ({ sections: [], refused: null }),
    remove: ({ services, acting }, id, version) =>
      manage.deleteAdmin(services, acting, id, { version }),
  },
};

/** The routes; whoever changes an admin has just proved who they are. */
export const adminRoutes: ConsoleRoute[] = nounRoutes(adminNoun).map((route) =>
  route.role === 'viewer' ? route : { ...route, stepUp: true },
);

/** Whether an admin may sign in, in a word. */
export function statusOf({ t }: ConsoleCall, { status, passwordHash }: Admin): StatusChip {
  if (status === 'disabled') return { tone: 'neutral', word: t('admin.status.disabled') };
  if (passwordHash === null) return { tone: 'warning', word: t('admin.status.not_set_up') };
  return { tone: 'good', word: t('admin.status.enabled') };
}

function columnsOf(call: ConsoleCall) {
  const { formats, t } = call;
  return [
    {
      ...{ key: 'userName', sort: 'userName' },
      cell: ({ adminId, userName, displayName }: Admin) => ({
        name: {
          label: userName,
          href: `${ADMINS}/${encodeURIComponent(adminId)}`,
          below: displayName,
        },
      }),
    },
    { key: 'email', cell: ({ email }: Admin) => ({ text: email ?? t('common.none') }) },
    { key: 'role', cell: ({ role }: Admin) => ({ text: t(`admin.role.${role}`) }) },
    { key: 'status', cell: (admin: Admin) => ({ chip: statusOf(call, admin) }) },
    {
      key: 'secondFactor',
      cell: ({ totpSecret }: Admin) => ({
        text: t(totpSecret ? 'admin.factor.on' : 'admin.factor.off'),
      }),
    },
    {
      ...{ key: 'createdAt', sort: 'createdAt' },
      cell: ({ createdAt }: Admin) => ({ time: formats.instant(createdAt) }),
    },
  ];
}

type Settings = (typeof adminSettings)['shape'];

function valuesOf(admin: Admin | null): FormValues & Record<keyof Settings, string> {
  return {
    userName: admin?.userName ?? '',
    displayName: admin?.displayName ?? '',
    email: admin?.email ?? '',
    role: admin?.role ?? 'viewer',
    status: admin?.status ?? 'enabled',
  };
}

/** As a patch: an address that was emptied is gone. */
function settingsOf({ email, ...texts }: FormValues): Record<string, unknown> {
  return { ...texts, email: email || null };
}

function fieldsOf(call: ConsoleCall, { values, errors }: ShownForm<Admin>): FieldView[] {
  const { admin, t } = call;
  const base = (name: string) => ({
    ...{ name, label: t(`admin.field.${name}`), value: values[name] ?? '' },
    ...(errors[name] !== undefined && { error: errors[name] }),
  });
  const text = (name: string) => ({ kind: 'field', ...base(name), maxlength: 100 }) as const;
  // A role above one's own stays named where it is, so that the form changes nothing by itself.
  const offered = ROLES.filter((role) => includesRole(admin.role, role) || role === values['role']);
  return [
    {
      ...text('userName'),
      required: true,
      spellcheck: false,
      hint: t('admin.field.userName.hint'),
    },
    { ...text('displayName'), optional: true },
    { ...text('email'), optional: true, maxlength: 254, type: 'email', spellcheck: false },
    {
      ...{ kind: 'select', ...base('role'), hint: t('admin.field.role.hint') },
      options: offered.map((role) => ({
        value: role,
        label: `${t(`admin.role.${role}`)}: ${t(`admin.role.${role}.about`)}`,
      })),
    },
    {
      ...{ kind: 'select', ...base('status'), hint: t('admin.field.status.hint') },
      options: (['enabled', 'disabled'] as const).map((status) => ({
        value: status,
        label: t(`admin.status.${status}`),
      })),
    },
  ];
}
