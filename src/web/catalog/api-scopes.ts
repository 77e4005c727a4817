/** The pages of API scopes. */
import { type ApiScope, newApiScope } from '../../domain/apis/api-scope.ts';
import {
  apiScopePatch,
  createApiScope,
  deleteApiScope,
  findApiScope,
  updateApiScope,
} from '../../domain/apis/manage-api-scopes.ts';
import { parse } from '../../domain/validation.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { searchesApis } from './api-picker.ts';
import { apiWords, bundleFields, bundleValues, changedApis, saveBundle } from './bundle-form.ts';
import { apisSection, bundleColumns, bundleSummary, holdingProblemOf } from './bundles.ts';
import { type ConsoleNoun, type FormUpdate, type FormValues, recordPath } from './noun.ts';
import { nounRoutes } from './noun-routes.ts';
import { clientSection, clientsFound } from './used-by.ts';
import type { SectionView } from './views.ts';

const [AREA, PATH] = ['api_scope', '/admin/api-scopes'];

const API_SCOPES: ConsoleNoun<ApiScope> = {
  area: AREA,
  section: 'api_scopes',
  path: PATH,
  role: 'operator',
  idOf: ({ name }) => name,
  nameOf: ({ name }) => name,
  find: findApiScope,
  list: {
    sorts: ['name', 'createdAt'],
    sorted: 'name',
    read: ({ services }, query) => services.stores.apiScopes.list(query),
    async columns(call) {
      const { name, securityLevel, apis } = bundleColumns(call, PATH);
      return [
        name,
        { key: 'description', cell: ({ description }) => ({ text: description }) },
        securityLevel,
        apis,
        {
          key: 'createdAt',
          sort: 'createdAt',
          cell: ({ createdAt }) => ({ time: call.formats.instant(createdAt) }),
        },
      ];
    },
  },
  form: {
    show: bundleValues,
    fields: (call, shown) => bundleFields(call, AREA, shown),
    searches: searchesApis,
    words: apiWords,
    create: createScope,
    update: updateScope,
  },
  page: { sections: scopeSections },
  removal: {
    async usedBy(call, scope) {
      const { section, total } = await usersOf(call, scope);
      const refused = total > 0 ? call.t('api_scope.in_use', { count: total }) : null;
      return { sections: [section], refused };
    },
    remove: ({ actor, services }, name, version) =>
      deleteApiScope(services, actor, name, { version }),
  },
};

/** The routes of API scopes. */
export const apiScopeRoutes = nounRoutes(API_SCOPES);

async function createScope(call: ConsoleCall, values: FormValues): Promise<void> {
  const { actor, services, t } = call;
  const { record, made } = await saveBundle(call, values, async (apis, options) => {
    const input = parse(newApiScope, {
      name: values['name'] || undefined,
      ...settings(values, apis),
    });
    return createApiScope(services, actor, input, options);
  });
  call.redirect(recordPath(PATH, record.name), t('noun.created', { name: record.name }) + made);
}

async function updateScope(call: ConsoleCall, { id, version, values }: FormUpdate) {
  const { actor, services, t } = call;
  const before = await findApiScope(services, id);
  const { record, made } = await saveBundle(call, values, async (apis, options) => {
    const patch = parse(apiScopePatch, settings(values, changedApis(apis, before)));
    return updateApiScope(services, actor, { id, version, patch }, options);
  });
  return { record, flash: t('noun.saved', { name: id }) + made };
}

function settings(values: FormValues, apis: string[] | undefined) {
  const { displayName, description, securityLevel } = values;
  return { displayName, description, securityLevel, apis };
}

async function scopeSections(call: ConsoleCall, scope: ApiScope): Promise<SectionView[]> {
  const { section } = await usersOf(call, scope);
  const summary = bundleSummary(call, AREA, scope);
  return [
    { id: 'details', title: call.t('noun.details'), summary },
    await apisSection(call, scope, PATH),
    section,
  ];
}

async function usersOf(call: ConsoleCall, { name }: ApiScope) {
  const { t } = call;
  const [found, problemOf] = await Promise.all([
    clientsFound(call, { naming: { fields: ['apiScopes'], anyOf: [name] } }),
    holdingProblemOf(call, name),
  ]);
  const section = {
    id: 'clients',
    title: t('api_scope.used_by.clients'),
    found,
    empty: t('api_scope.used_by.no_clients'),
  };
  return { section: clientSection(call, section, problemOf), total: found.total };
}
