/**
 * Acts on several clients: enable, disable, extend, export. What changes is shown first, with those that
 * stay as they are; it is then done to the versions that were shown, and told client by client.
 */
import type { Client } from '../../domain/clients/client.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { hrefWith } from '../lists.ts';
import { showExtend, showOutcome, showPlan } from './bulk-page.ts';
import {
  agreedChanges,
  BULK_ACTS,
  BULK_MOST,
  type ChangingAct,
  type Picked,
  planOf,
  readExtension,
} from './bulk-plan.ts';
import { changeEach } from './bulk-run.ts';
import { sendClients } from './export.ts';
import { clientListQuery } from './list.ts';
import { CLIENTS, CLIENTS_FILE } from './list-filters.ts';

export const clientBulkRoutes: ConsoleRoute[] = [
  { method: 'POST', path: '/admin/clients/bulk', role: 'operator', handler: actOnSeveral },
];

const PAGE = 100;

async function actOnSeveral(call: ConsoleCall): Promise<void> {
  const { form, t } = call;
  const act = BULK_ACTS.find((known) => known === form.get('act'));
  if (act === undefined) return call.redirect(listPath(form), t('clients.bulk.no_act'));
  if (act === 'export' && form.has('all'))
    return call.redirect(hrefWith(CLIENTS_FILE, listOf(form), {}));
  if (act !== 'export' && form.has('changes')) return run(call, act);
  const picked = await pickedClients(call);
  if (picked.clients.length + picked.gone.length === 0)
    return call.redirect(listPath(form), t('clients.bulk.none'));
  if (act === 'export') return sendClients(call, picked.clients);
  await plan(call, act, picked);
}

async function plan(call: ConsoleCall, act: ChangingAct, picked: Picked): Promise<void> {
  const back = listPath(call.form);
  if (act !== 'extend')
    return showPlan(call, { act, picked, back, plan: planOf(act, picked.clients, (_, at) => at) });
  const isEndless = picked.clients.every(({ expiresAt }) => expiresAt === null);
  if (!isEndless && !call.form.has('mode')) return showExtend(call, { picked, back, problems: [] });
  const { newExpiry, problems } = readExtension(call);
  if (!isEndless && problems.length > 0) return showExtend(call, { picked, back, problems });
  await showPlan(call, { act, picked, back, plan: planOf(act, picked.clients, newExpiry) });
}

async function run(call: ConsoleCall, act: ChangingAct): Promise<void> {
  const { form, t } = call;
  const agreed = agreedChanges(act, form.get('changes') ?? '');
  const failures = await changeEach(call, agreed);
  const done = agreed.length - failures.length;
  const back = listPath(form);
  if (failures.length === 0)
    return call.redirect(back, t(`clients.bulk.done.${act}`, { count: done }));
  await showOutcome(call, { act, done, failures, back });
}

/** The query of the list that a form was on. */
function listOf(form: URLSearchParams): URLSearchParams {
  return new URLSearchParams(form.get('query') ?? '');
}

function listPath(form: URLSearchParams): string {
  const query = listOf(form).toString();
  return query === '' ? CLIENTS : `${CLIENTS}?${query}`;
}

function pickedClients(call: ConsoleCall): Promise<Picked> {
  return call.form.has('all') ? allThatMatch(call) : ticked(call);
}

async function ticked({ form, services }: ConsoleCall): Promise<Picked> {
  const named = form.getAll('clientId').flatMap((ids) => ids.split(' '));
  const ids = [...new Set(named)].filter((id) => id !== '').slice(0, BULK_MOST);
  const found = await Promise.all(ids.map((id) => services.stores.clients.find(id)));
  return {
    clients: found.filter((client) => client !== null),
    gone: ids.filter((_, i) => found[i] === null),
    matching: null,
  };
}

async function allThatMatch({ form, formats, services }: ConsoleCall): Promise<Picked> {
  const { cursor: _, filter, ...query } = clientListQuery({ query: listOf(form), formats });
  const clients: Client[] = [];
  let [total, next]: [number, string | null] = [0, null];
  do {
    const page = await services.stores.clients.list({
      ...query,
      filter: { ...filter, at: formats.now },
      limit: PAGE,
      ...(next !== null && { cursor: next }),
    });
    clients.push(...page.items);
    ({ total, nextCursor: next } = page);
  } while (next !== null && clients.length < BULK_MOST);
  return { clients, gone: [], matching: total > BULK_MOST ? total : null };
}
