/** The pages of users that every noun has: list, record, form, deletion. */

import { deleteUser, findUser, updateUser, userPatch } from '../../domain/users/manage-users.ts';
import type { User, UserFilter } from '../../domain/users/user.ts';
import { parse } from '../../domain/validation.ts';
import { type ConsoleCall, roleNeeded } from '../admin/route.ts';
import { type ConsoleNoun, recordPath } from '../catalog/noun.ts';
import { nounRoutes } from '../catalog/noun-routes.ts';
import { clientSection } from '../catalog/used-by.ts';
import type { MenuItem, OfferedLink } from '../catalog/views.ts';
import { createUserFromForm } from './create.ts';
import { userFields, userValues } from './fields.ts';
import { clientsNaming, userSections, userStatus } from './show.ts';

/** Path of the list of users. */
export const USERS_PATH = '/admin/users';

const STATUSES = ['enabled', 'disabled', 'locked'] as const;

const USERS: ConsoleNoun<User> = {
  area: 'user',
  section: 'users',
  path: USERS_PATH,
  role: 'operator',
  idOf: ({ userId }) => userId,
  nameOf: ({ userName }) => userName,
  find: findUser,
  list: {
    sorts: ['userName', 'createdAt'],
    sorted: 'userName',
    read: ({ query, services }, list) => {
      const status = STATUSES.find((known) => known === query.get('status'));
      const filter: UserFilter = status === undefined ? {} : { status };
      return services.stores.users.list({ ...list, filter });
    },
    selects: ({ t }) => [
      {
        name: 'status',
        options: STATUSES.map((value) => ({ value, label: t(`status.${value}`) })),
      },
    ],
    columns: userColumns,
    menu: (call, user) => acts(call, user) as MenuItem[],
  },
  form: {
    show: userValues,
    fields: userFields,
    create: createUserFromForm,
    async update({ actor, services }, { id, version, values }) {
      const { userName, displayName, email, status } = values;
      const patch = parse(userPatch, {
        // A blank name keeps the one that is stored.
        userName: userName || undefined,
        ...{ displayName, status },
        email: email || null,
      });
      return { record: await updateUser(services, actor, { id, version, patch }) };
    },
  },
  page: { status: userStatus, actions: acts, sections: userSections },
  removal: {
    async consequences(call, { userId }) {
      const { formats, services, t } = call;
      const { total } = await services.stores.tokens.list(
        { userId },
        { limit: 1, now: formats.now },
      );
      return [t('user.delete.tokens', { count: total }), t('user.delete.allowlists')];
    },
    async usedBy(call, user) {
      // A list of users that names one who is gone lets nobody in by it: nothing breaks.
      const found = await clientsNaming(call, user);
      const section = {
        id: 'clients',
        title: call.t('user.used_by.clients'),
        found,
        empty: call.t('user.used_by.no_clients'),
      };
      return { sections: [clientSection(call, section)], refused: null };
    },
    remove: ({ actor, services }, userId, version) =>
      deleteUser(services, actor, userId, { version }),
  },
};

/** List, create, view, edit, delete. */
export const userNounRoutes = nounRoutes(USERS);

async function userColumns(call: ConsoleCall) {
  const { formats } = call;
  return [
    {
      key: 'userName',
      sort: 'userName',
      cell: ({ userId, userName, displayName }: User) => ({
        name: { label: userName, href: recordPath(USERS_PATH, userId), below: displayName },
      }),
    },
    { key: 'status', cell: (user: User) => ({ chip: userStatus(call, user) }) },
    { key: 'email', cell: ({ email }: User) => ({ text: email ?? call.t('common.none') }) },
    {
      key: 'createdAt',
      sort: 'createdAt',
      cell: ({ createdAt }: User) => ({ time: formats.instant(createdAt) }),
    },
  ];
}

function acts(call: ConsoleCall, { userId }: User): OfferedLink[] {
  const reason = roleNeeded(call, 'operator');
  return [
    {
      href: recordPath(USERS_PATH, userId, '/password'),
      label: call.t('user.password.set'),
      ...(reason !== undefined && { disabled: true, reason }),
    },
  ];
}
