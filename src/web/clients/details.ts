/** The details of a client, read only: every setting in words, and where each can be changed. */
import type { Client, ClientSettings } from '../../domain/clients/client.ts';
import { addressSet } from '../../domain/clients/ip-binding.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import { SECTIONS, type SectionName } from '../forms/client-form.ts';
import { clientOf, clientPath, showClientPage } from './client-page.ts';
import { fewLines, readable, settingLabel, settingLines } from './client-values.ts';
import { quotaState, quotaUsedInWords } from './effective-policy.ts';
import type { DetailsSection, MeterView, Notice, SummaryRow } from './views.ts';

export const detailsRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/clients/:clientId', role: 'viewer', handler: showDetails },
];

/** Settings that people copy, or read letter by letter. */
const CODES: ReadonlySet<string> = new Set([
  'clientName',
  'applicationNo',
  'ipBindings',
  'apiGroups',
  'apiScopes',
  'servedApiGroups',
  'redirectUris',
]);

async function showDetails(call: ConsoleCall): Promise<void> {
  const client = await clientOf(call);
  const names = Object.keys(SECTIONS) as SectionName[];
  const sections = await Promise.all(names.map((name) => sectionOf(call, client, name)));
  await showClientPage(call, client, {
    tab: 'details',
    view: 'admin/clients/details',
    locals: { sections: [...sections, recordOf(call, client)] },
  });
}

async function sectionOf(
  call: ConsoleCall,
  client: Client,
  name: SectionName,
): Promise<DetailsSection> {
  const reason = roleNeeded(call, 'operator');
  return {
    title: call.t(`client-form.section.${name}`),
    action: {
      href: clientPath(client, `/edit/${name}`),
      label: call.t('common.edit'),
      disabled: reason !== undefined,
      ...(reason !== undefined && { reason }),
    },
    rows: await rowsOf(call, client, name),
    notice: name === 'where' ? requestNotice(call, client) : null,
    meter: name === 'limits' ? await quotaMeter(call, client) : null,
  };
}

async function rowsOf(call: ConsoleCall, client: Client, name: SectionName): Promise<SummaryRow[]> {
  const rows = name === 'who' ? [idRow(call, client)] : [];
  for (const { field } of SECTIONS[name]) {
    if (field === 'clientId') continue;
    if (field === 'servedApiGroups' && client.kind !== 'resource_server') continue;
    rows.push(await settingRow(call, client, field));
  }
  return rows;
}

function idRow({ t }: ConsoleCall, { clientId }: Client): SummaryRow {
  return { label: t('client.id'), value: clientId, mono: true, copy: true };
}

async function settingRow(
  call: ConsoleCall,
  client: Client,
  field: keyof ClientSettings,
): Promise<SummaryRow> {
  const label = settingLabel(call.t, field);
  const value = await readable(call.services, field, client[field]);
  if (value instanceof Date) return { label, time: call.formats.instant(value) };
  const lines = fewLines(call, settingLines(call, field, value));
  const mono = CODES.has(field) && lines.length > 0 ? { mono: true } : {};
  return lines.length > 1
    ? { label, values: lines, ...mono }
    : { label, value: lines[0] ?? '', ...mono };
}

/** Where the reader's own request came from: the way to tell an address that is bound wrongly. */
function requestNotice({ actor, t }: ConsoleCall, { ipBindings }: Client): Notice | null {
  const { address } = actor;
  if (address === null) return null;
  const bound = ipBindings.map((row) => row.address);
  if (bound.length === 0) return { tone: 'info', text: t('client.request.any', { address }) };
  return addressSet(bound).has(address)
    ? { tone: 'good', text: t('client.request.bound', { address }) }
    : { tone: 'warning', text: t('client.request.not_bound', { address }) };
}

/** Used to this share, the meter warns. */
const WARNING_SHARE = 0.8;

async function quotaMeter(call: ConsoleCall, client: Client): Promise<MeterView | null> {
  const quota = await quotaState(call.services, client, call.formats.now);
  if (quota === null) return null;
  const { used, limit, resetsAt } = quota;
  const { formats, t } = call;
  return {
    label: t('client.quota'),
    used,
    limit,
    text: quotaUsedInWords(call, client, quota),
    reset:
      resetsAt === null
        ? t('client.meter.never_resets')
        : t('client.meter.resets', { ...formats.instant(resetsAt) }),
    tone: used >= limit ? 'danger' : used >= limit * WARNING_SHARE ? 'warning' : 'good',
  };
}

function recordOf({ formats, t }: ConsoleCall, client: Client): DetailsSection {
  const { createdAt, updatedAt, version, secrets } = client;
  return {
    title: t('client.record'),
    rows: [
      { label: t('client.created_at'), time: formats.instant(createdAt) },
      { label: t('client.updated_at'), time: formats.instant(updatedAt) },
      { label: t('client.version'), value: formats.number(version) },
      { label: t('client.setting.secrets'), value: formats.number(secrets.length) },
    ],
    notice: null,
    meter: null,
  };
}
