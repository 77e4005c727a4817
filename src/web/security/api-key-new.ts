/** A new X-Api-Key of a client: alias, dates in a zone, groups; its value is shown on the answer. */
import { newApiKey } from '../../domain/api-keys/api-key-input.ts';
import { createApiKey } from '../../domain/api-keys/manage-api-keys.ts';
import type { Client } from '../../domain/clients/client.ts';
import { invalid, isDomainError } from '../../domain/errors.ts';
import { timeZoneOf } from '../../domain/usage/quota-window.ts';
import { parse } from '../../domain/validation.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { type ClientHeader, clientOf, clientPath, showClientPage } from '../clients/client-page.ts';
import { FormReader } from '../forms/form-reader.ts';
import { instantFrom } from '../forms/local-times.ts';
import { keyCommands, keyFacts, toldText } from './api-key-words.ts';
import { showIssued } from './issued.ts';
import { catalogNow } from './level.ts';
import {
  clientAsRead,
  type FormProblems,
  outcomeOf,
  type SentForm,
  type Stale,
  staleClient,
} from './security-page.ts';

/** The locals of the view. */
export interface ApiKeyNewLocals {
  client: ClientHeader;
  path: string;
  values: { alias: string; startsAt: string; expiresAt: string; zone: string };
  groups: { value: string; label: string; hint: string; checked: boolean }[];
  /** Names one a line, where there are too many groups to tick; else null. */
  groupLines: string | null;
  problems: FormProblems;
  stale: Stale | null;
  /** Who will be told. */
  mail: string;
}

const PATH = '/admin/clients/:clientId/api-keys/new';

export const apiKeyNewRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'security', stepUp: true, handler: (call) => showForm(call) },
  { method: 'POST', path: PATH, role: 'security', stepUp: true, handler: create },
];

async function showForm(call: ConsoleCall, sent: SentForm = {}): Promise<void> {
  const { form, services, t } = call;
  const client = await clientOf(call);
  const text = (name: string) => form.get(name) ?? '';
  const groups = await groupOptions(call, client);
  const { status, ...told } = outcomeOf(sent, labelsOf(call));
  return showClientPage(call, client, {
    ...{ tab: 'api_keys', view: 'admin/security/api-key-new', title: t('security.key.new') },
    status,
    locals: {
      path: clientPath(client, '/api-keys'),
      values: {
        ...{ alias: text('alias'), startsAt: text('startsAt'), expiresAt: text('expiresAt') },
        zone: text('zone') || timeZoneOf(client, services.timeZone),
      },
      groups,
      groupLines: groups.length > MOST_TICKS ? groupsIn(call).join('\n') : null,
      ...told,
      mail: t('security.key.will_mail', { count: client.emails.length }),
    },
  });
}

/** Groups that are offered to tick at most; beyond, one writes their names. */
const MOST_TICKS = 200;

/** Names that are ticked, or written one a line. */
function groupsIn({ form }: ConsoleCall): string[] {
  const lines = form.getAll('apiGroups').flatMap((text) => text.split(/[\r\n]+/));
  return [...new Set(lines.map((line) => line.trim()).filter((line) => line !== ''))];
}

function labelsOf({ t }: ConsoleCall): Record<string, string> {
  return {
    alias: t('security.key.alias'),
    startsAt: t('security.key.startsAt'),
    expiresAt: t('security.key.expiresAt'),
    zone: t('client-form.zone'),
    apiGroups: t('security.key.groups'),
  };
}

/** The groups that the client holds and may hold. */
async function groupOptions(call: ConsoleCall, client: Client): Promise<ApiKeyNewLocals['groups']> {
  const catalog = await catalogNow(call.services);
  const ticked = new Set(groupsIn(call));
  return client.apiGroups
    .filter((name) => catalog.holdingProblem(client, name) === null)
    .sort()
    .map((name) => ({
      ...{ value: name, label: name, checked: ticked.has(name) },
      hint: catalog.groups.get(name)?.displayName ?? '',
    }));
}

async function create(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  return submit({
    async change() {
      const client = await clientAsRead(call);
      const input = readKey(call);
      const { apiKey, value } = await createApiKey(services, actor, client.clientId, input);
      if (value === null) throw new Error('a key that was created has a value');
      await showIssued(call, client, {
        ...{ tab: 'api_keys', path: '/api-keys', heading: t('security.key.created') },
        ...{ label: t('security.key.label', { alias: apiKey.alias }), value },
        told: toldText(call, client),
        facts: keyFacts(call, apiKey),
        code: await keyCommands(call, client, { apiGroups: apiKey.apiGroups, value }),
        env: { TOLLGATE_API_KEY: value },
      });
    },
    again: (problems) => showForm(call, { problems }),
    stale: async () => showForm(call, { stale: await staleClient(call) }),
  });
}

/** The key that the form describes. Throws `validation_failed`, naming every bad field. */
function readKey(call: ConsoleCall) {
  const { form, formats, t } = call;
  const reader = new FormReader(form, { mode: 'create', t, timeZone: formats.timeZone });
  const raw = {
    alias: reader.text('alias') ?? '',
    startsAt: instantOf(reader, 'startsAt') ?? null,
    expiresAt: instantOf(reader, 'expiresAt'),
    apiGroups: groupsIn(call),
  };
  try {
    const input = parse(newApiKey, raw);
    if (reader.problems.length === 0) return input;
  } catch (error) {
    if (!isDomainError(error)) throw error;
    const known = new Set(reader.problems.map(({ field }) => field));
    reader.problems.push(...error.problems.filter(({ field }) => !known.has(field)));
  }
  throw invalid(reader.problems);
}

function instantOf(reader: FormReader, field: 'startsAt' | 'expiresAt'): string | undefined {
  const typed = reader.filled(field);
  if (typed === undefined || reader.zone === null) return undefined;
  const at = instantFrom(typed, reader.zone);
  if (typeof at !== 'string') return at.toISOString();
  return reader.refuse(field, at, { zone: reader.zone, time: typed });
}
