/** The pages of APIs. */
import { type Api, METHODS, newApi } from '../../domain/apis/api.ts';
import {
  apiPatch,
  createApi,
  deleteApi,
  findApi,
  updateApi,
} from '../../domain/apis/manage-apis.ts';
import { parse } from '../../domain/validation.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { callersSection } from './api-callers.ts';
import { callOf } from './api-views.ts';
import { bundleSections } from './bundles.ts';
import { type ConsoleNoun, type FormValues, recordPath } from './noun.ts';
import { nounRoutes } from './noun-routes.ts';
import { tryCall } from './try-path.ts';
import type { FieldView } from './views.ts';

const [AREA, PATH] = ['api', '/admin/apis'];

const APIS: ConsoleNoun<Api> = {
  area: AREA,
  section: 'apis',
  path: PATH,
  role: 'operator',
  idOf: ({ apiId }) => apiId,
  nameOf: callOf,
  find: findApi,
  list: {
    sorts: ['path', 'createdAt'],
    sorted: 'path',
    read: ({ services }, query) => services.stores.apis.list(query),
    columns: apiColumns,
    tried: tryCall,
  },
  form: {
    show: (api) => ({
      method: api?.method ?? 'GET',
      path: api?.path ?? '',
      name: api?.name ?? '',
    }),
    fields: async ({ t }, { values, errors }) => apiFields(t, values, errors),
    async create(call, values) {
      const { actor, services, t } = call;
      const { path, ...rest } = values;
      const api = await createApi(
        services,
        actor,
        parse(newApi, { ...rest, path: path || undefined }),
      );
      call.redirect(recordPath(PATH, api.apiId), t('noun.created', { name: callOf(api) }));
    },
    async update({ actor, services }, { id, version, values }) {
      const { path, ...rest } = values;
      // A blank path keeps the one that is stored.
      const patch = parse(apiPatch, { ...rest, path: path || undefined });
      return { record: await updateApi(services, actor, { id, version, patch }) };
    },
  },
  page: {
    async sections(call, api) {
      const { formats, t } = call;
      const { sections } = await bundleSections(call, AREA, { api: api.apiId });
      const summary = [
        { label: t('api.field.method'), value: api.method, mono: true },
        { label: t('api.field.path'), value: api.path, mono: true, copy: true },
        { label: t('api.field.name'), value: api.name },
        { label: t('noun.created_at'), time: formats.instant(api.createdAt) },
        { label: t('noun.updated_at'), time: formats.instant(api.updatedAt) },
      ];
      const details = { id: 'details', title: t('noun.details'), summary };
      return [details, ...sections, await callersSection(call, api)];
    },
  },
  removal: {
    async usedBy(call, api) {
      const { sections, total } = await bundleSections(call, AREA, { api: api.apiId });
      return { sections, refused: total > 0 ? call.t('api.in_use', { count: total }) : null };
    },
    remove: ({ actor, services }, apiId, version) => deleteApi(services, actor, apiId, { version }),
  },
};

/** The routes of APIs. */
export const apiRoutes = nounRoutes(APIS);

async function apiColumns(call: ConsoleCall) {
  const { formats, services, t } = call;
  const [groups, scopes] = await Promise.all([
    services.stores.apiGroups.all(),
    services.stores.apiScopes.all(),
  ]);
  const count = (holders: { apis: string[] }[], { apiId }: Api) =>
    holders.filter(({ apis }) => apis.includes(apiId)).length;
  return [
    {
      key: 'path',
      sort: 'path',
      cell: (api: Api) => ({
        name: { label: callOf(api), href: recordPath(PATH, api.apiId) },
        mono: true,
      }),
    },
    { key: 'name', cell: ({ name }: Api) => ({ text: name }) },
    {
      key: 'groups',
      number: true,
      cell: (api: Api) => ({
        text: t('noun.groups', { count: count(groups, api) }),
        number: true,
      }),
    },
    {
      key: 'scopes',
      number: true,
      cell: (api: Api) => ({
        text: t('noun.scopes', { count: count(scopes, api) }),
        number: true,
      }),
    },
    {
      key: 'createdAt',
      sort: 'createdAt',
      cell: ({ createdAt }: Api) => ({ time: formats.instant(createdAt) }),
    },
  ];
}

function apiFields(
  t: ConsoleCall['t'],
  values: FormValues,
  errors: Readonly<Record<string, string>>,
): FieldView[] {
  const field = (name: string) => ({
    name,
    label: t(`api.field.${name}`),
    hint: t(`api.hint.${name}`),
    value: values[name] ?? '',
    ...(errors[name] !== undefined && { error: errors[name] }),
  });
  const methods = METHODS.map((method) => ({
    value: method,
    label: method === '*' ? t('api.any_method') : method,
  }));
  return [
    { kind: 'select', ...field('method'), options: methods },
    { kind: 'field', ...field('path'), mono: true, spellcheck: false, required: true },
    { kind: 'field', ...field('name'), maxlength: 100, optional: true },
  ];
}
