/** The pages of security levels: ranked, the highest first. */
import {
  createSecurityLevel,
  deleteSecurityLevel,
  findSecurityLevel,
  securityLevelPatch,
  updateSecurityLevel,
} from '../../domain/apis/manage-security-levels.ts';
import { newSecurityLevel, type SecurityLevel } from '../../domain/apis/security-level.ts';
import { CLIENT_DEFAULTS } from '../../domain/clients/client.ts';
import { parse } from '../../domain/validation.ts';
import { type ConsoleCall, roleNeeded } from '../admin/route.ts';
import { levelUsers } from './level-users.ts';
import { type Column, type ConsoleNoun, type FormValues, recordPath } from './noun.ts';
import { nounRoutes } from './noun-routes.ts';
import type { FieldView, MenuItem } from './views.ts';

const [AREA, PATH] = ['security_level', '/admin/security-levels'];

const SECURITY_LEVELS: ConsoleNoun<SecurityLevel> = {
  area: AREA,
  section: 'security_levels',
  path: PATH,
  role: 'security',
  idOf: ({ name }) => name,
  nameOf: ({ name }) => name,
  find: findSecurityLevel,
  list: {
    sorts: ['rank', 'name'],
    sorted: '-rank',
    read: ({ services }, query) => services.stores.securityLevels.list(query),
    columns: async (call, levels) => levelColumns(call, await countClients(call, levels)),
    menu: moves,
  },
  form: {
    show: (level) => ({
      ...(level === null && { name: '' }),
      displayName: level?.displayName ?? '',
      rank: level === null ? '' : String(level.rank),
    }),
    fields: async ({ t }, { values, errors }) => levelFields(t, values, errors),
    async create(call, values) {
      const { actor, services, t } = call;
      const { name, displayName, rank } = values;
      const input = { name: name || undefined, displayName, rank: rankOf(rank) };
      const level = await createSecurityLevel(services, actor, parse(newSecurityLevel, input));
      call.redirect(recordPath(PATH, level.name), t('noun.created', { name: level.name }));
    },
    async update({ actor, services }, { id, version, values }) {
      const { displayName, rank } = values;
      const patch = parse(securityLevelPatch, { displayName, rank: rankOf(rank) });
      return { record: await updateSecurityLevel(services, actor, { id, version, patch }) };
    },
  },
  page: {
    async sections(call, level) {
      const { formats, t } = call;
      const { sections } = await levelUsers(call, level);
      const summary = [
        { label: t('security_level.field.name'), value: level.name, mono: true, copy: true },
        { label: t('security_level.field.displayName'), value: level.displayName },
        { label: t('security_level.field.rank'), value: formats.number(level.rank) },
        { label: t('noun.created_at'), time: formats.instant(level.createdAt) },
        { label: t('noun.updated_at'), time: formats.instant(level.updatedAt) },
      ];
      return [{ id: 'details', title: t('noun.details'), summary }, ...sections];
    },
  },
  removal: {
    async usedBy(call, level) {
      const { t } = call;
      const { sections, total } = await levelUsers(call, level);
      if (level.name === CLIENT_DEFAULTS.securityLevel)
        return { sections, refused: t('security_level.default_stays', { name: level.name }) };
      return { sections, refused: total > 0 ? t('security_level.in_use', { count: total }) : null };
    },
    remove: ({ actor, services }, name, version) =>
      deleteSecurityLevel(services, actor, name, { version }),
  },
};

/** The routes of security levels, but for those that move one. */
export const securityLevelRoutes = nounRoutes(SECURITY_LEVELS);

/** A rank as it was typed; what is no whole number is left to the domain to refuse. */
function rankOf(typed: string | undefined): unknown {
  if (typed === undefined || typed === '') return undefined;
  return /^\d{1,9}$/.test(typed) ? Number(typed) : typed;
}

function levelColumns(
  call: ConsoleCall,
  clients: ReadonlyMap<string, number>,
): Column<SecurityLevel>[] {
  const { formats, t } = call;
  return [
    {
      key: 'name',
      sort: 'name',
      cell: ({ name, displayName }) => ({
        name: {
          label: name,
          href: recordPath(PATH, name),
          below: displayName === name ? '' : displayName,
        },
        mono: true,
      }),
    },
    {
      key: 'rank',
      sort: 'rank',
      number: true,
      cell: ({ rank }) => ({ text: formats.number(rank), number: true }),
    },
    {
      key: 'clients',
      number: true,
      cell: ({ name }) => ({
        text: t('noun.clients', { count: clients.get(name) ?? 0 }),
        number: true,
      }),
    },
    { key: 'updatedAt', cell: ({ updatedAt }) => ({ time: formats.instant(updatedAt) }) },
  ];
}

async function countClients({ formats, services }: ConsoleCall, levels: readonly SecurityLevel[]) {
  const counts = levels.map(async ({ name }) => {
    const filter = { at: formats.now, securityLevel: name };
    return [name, (await services.stores.clients.list({ filter, limit: 1 })).total] as const;
  });
  return new Map(await Promise.all(counts));
}

function moves(call: ConsoleCall, { name, version }: SecurityLevel): MenuItem[] {
  const reason = roleNeeded(call, 'security');
  const action = recordPath(PATH, name, '/move');
  return ['up', 'down'].map((direction) => ({
    label: call.t(`security_level.move.${direction}`),
    ...(reason === undefined
      ? { post: { action, fields: { direction, version: String(version) } } }
      : { disabled: true, reason }),
  }));
}

function levelFields(
  t: ConsoleCall['t'],
  values: FormValues,
  errors: Readonly<Record<string, string>>,
): FieldView[] {
  const field = (name: string) => ({
    kind: 'field' as const,
    name,
    label: t(`security_level.field.${name}`),
    hint: t(`security_level.hint.${name}`),
    value: values[name] ?? '',
    ...(errors[name] !== undefined && { error: errors[name] }),
  });
  const name = { ...field('name'), mono: true, spellcheck: false, maxlength: 50, required: true };
  return [
    ...(values['name'] === undefined ? [] : [name]),
    { ...field('displayName'), maxlength: 100, optional: true },
    { ...field('rank'), width: 'short', inputmode: 'numeric', required: true },
  ];
}
