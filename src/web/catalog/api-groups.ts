/** The pages of API groups. */
import { type ApiGroup, newApiGroup } from '../../domain/apis/api-group.ts';
import {
  apiGroupPatch,
  createApiGroup,
  deleteApiGroup,
  findApiGroup,
  updateApiGroup,
} from '../../domain/apis/manage-api-groups.ts';
import { parse } from '../../domain/validation.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { searchesApis } from './api-picker.ts';
import { apiWords, bundleFields, bundleValues, changedApis, saveBundle } from './bundle-form.ts';
import { apisSection, bundleColumns, bundleSummary } from './bundles.ts';
import { groupUsers } from './group-users.ts';
import { type ConsoleNoun, type FormUpdate, type FormValues, recordPath } from './noun.ts';
import { nounRoutes } from './noun-routes.ts';
import type { SectionView } from './views.ts';

const [AREA, PATH] = ['api_group', '/admin/api-groups'];
const AUDIENCES = ['internal', 'external', 'both'] as const;

const API_GROUPS: ConsoleNoun<ApiGroup> = {
  area: AREA,
  section: 'api_groups',
  path: PATH,
  role: 'operator',
  idOf: ({ name }) => name,
  nameOf: ({ name }) => name,
  find: findApiGroup,
  list: {
    sorts: ['name', 'createdAt'],
    sorted: 'name',
    read: ({ services }, query) => services.stores.apiGroups.list(query),
    async columns(call, items) {
      const { name, securityLevel, apis } = bundleColumns(call, PATH);
      const clients = new Map(
        await Promise.all(items.map(async (g) => [g.name, await countHolders(call, g)] as const)),
      );
      return [
        name,
        securityLevel,
        {
          key: 'audience',
          cell: ({ audience }) => ({ text: call.t(`noun.audience.${audience}`) }),
        },
        apis,
        {
          key: 'clients',
          number: true,
          cell: (group) => ({
            text: call.t('noun.clients', { count: clients.get(group.name) ?? 0 }),
            number: true,
          }),
        },
        {
          key: 'createdAt',
          sort: 'createdAt',
          cell: ({ createdAt }) => ({ time: call.formats.instant(createdAt) }),
        },
      ];
    },
  },
  form: {
    show: (group) => ({ ...bundleValues(group), audience: group?.audience ?? 'both' }),
    fields: (call, shown) => {
      const { t } = call;
      const audience = {
        kind: 'radios' as const,
        name: 'audience',
        legend: t('api_group.field.audience'),
        hint: t('api_group.hint.audience'),
        ...(shown.errors['audience'] !== undefined && { error: shown.errors['audience'] }),
        options: AUDIENCES.map((value) => ({
          value,
          label: t(`noun.audience.${value}`),
          checked: shown.values['audience'] === value,
        })),
      };
      return bundleFields(call, AREA, shown, [audience]);
    },
    searches: searchesApis,
    words: apiWords,
    create: createGroup,
    update: updateGroup,
  },
  page: { sections: groupSections },
  removal: {
    async usedBy(call, group) {
      const { sections, total } = await groupUsers(call, group);
      return { sections, refused: total > 0 ? call.t('api_group.in_use', { count: total }) : null };
    },
    remove: ({ actor, services }, name, version) =>
      deleteApiGroup(services, actor, name, { version }),
  },
};

/** The routes of API groups. */
export const apiGroupRoutes = nounRoutes(API_GROUPS);

async function createGroup(call: ConsoleCall, values: FormValues): Promise<void> {
  const { actor, services, t } = call;
  const { record, made } = await saveBundle(call, values, async (apis, options) => {
    const input = parse(newApiGroup, {
      name: values['name'] || undefined,
      ...settings(values, apis),
    });
    return createApiGroup(services, actor, input, options);
  });
  call.redirect(recordPath(PATH, record.name), t('noun.created', { name: record.name }) + made);
}

async function updateGroup(call: ConsoleCall, { id, version, values }: FormUpdate) {
  const { actor, services, t } = call;
  const before = await findApiGroup(services, id);
  const { record, made } = await saveBundle(call, values, async (apis, options) => {
    const patch = parse(apiGroupPatch, settings(values, changedApis(apis, before)));
    return updateApiGroup(services, actor, { id, version, patch }, options);
  });
  return { record, flash: t('noun.saved', { name: id }) + made };
}

function settings(values: FormValues, apis: string[] | undefined) {
  const { displayName, description, securityLevel, audience } = values;
  return { displayName, description, securityLevel, audience, apis };
}

async function groupSections(call: ConsoleCall, group: ApiGroup): Promise<SectionView[]> {
  const { t } = call;
  const audience = t(`noun.audience.${group.audience}`);
  const summary = bundleSummary(call, AREA, group);
  summary.splice(4, 0, { label: t('api_group.field.audience'), value: audience });
  const { sections } = await groupUsers(call, group);
  return [
    { id: 'details', title: t('noun.details'), summary },
    await apisSection(call, group, PATH),
    ...sections,
  ];
}

async function countHolders({ formats, services }: ConsoleCall, { name }: ApiGroup) {
  const filter = { at: formats.now, apiGroup: name };
  return (await services.stores.clients.countByStatus(filter)).all;
}
