/** The pages of an act on several clients: until when, what would change, what could not be changed. */
import type { Client } from '../../domain/clients/client.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { type ChangingAct, carried, EXTEND_MODES, type Picked, type Plan } from './bulk-plan.ts';
import type { Failure } from './bulk-run.ts';
import { clientPath } from './client-path.ts';
import type { ClientListViews, ExtendForm } from './list-views.ts';
import type { Notice } from './views.ts';

type BulkView = ClientListViews['admin/clients/bulk'];

/** Clients that a page names; it counts the others. */
const NAMED_MOST = 25;

/** What every page of an act is told. */
interface Shown {
  picked: Picked;
  /** Path of the list that the act began on. */
  back: string;
}

/** Asks until when the clients are to work. */
export function showExtend(
  call: ConsoleCall,
  { picked, back, problems }: Shown & { problems: FieldProblem[] },
): Promise<void> {
  const { t, form, formats } = call;
  const mode = form.get('mode') ?? 'to';
  const extend: ExtendForm = {
    modes: EXTEND_MODES.map((value) => ({
      value,
      label: t(`clients.extend.mode.${value}`),
      checked: value === mode,
    })),
    to: form.get('to') ?? '',
    days: form.get('days') ?? '',
    timeZone: form.get('timeZone') ?? formats.timeZone,
    errors: Object.fromEntries(problems.map(({ field, message }) => [field, message])),
  };
  const rows = picked.clients.map((client) =>
    rowOf(client, expiryText(call, client.expiresAt), null),
  );
  const hidden = [...hiddenOf(call, 'extend'), { name: 'clientId', value: idsOf(picked) }];
  const submit = t('common.continue');
  return show(call, 'extend', {
    back,
    problems,
    notices: pickNotices(call, picked),
    changes: tableOf(
      call,
      {
        caption: t('clients.bulk.picked', { count: rows.length }),
        before: t('clients.column.expires'),
      },
      rows,
    ),
    form: { hidden, extend, submit },
  });
}

/** Shows what would change and what would not, and asks whether to. */
export function showPlan(
  call: ConsoleCall,
  { act, picked, back, plan }: Shown & { act: ChangingAct; plan: Plan },
): Promise<void> {
  const { t } = call;
  const count = plan.changes.length;
  const rows = plan.changes.map(({ client, patch }) =>
    act === 'extend'
      ? rowOf(client, expiryText(call, client.expiresAt), expiryText(call, patch.expiresAt))
      : rowOf(client, t(`status.${client.status}`), t(`status.${patch.status}`)),
  );
  const told: Notice =
    count === 0
      ? { tone: 'info', text: t('clients.bulk.nothing') }
      : {
          tone: act === 'disable' ? 'warning' : 'info',
          text: t(`clients.bulk.would.${act}`, { count }),
        };
  const form = {
    hidden: [...hiddenOf(call, act), { name: 'changes', value: carried(plan) }],
    extend: null,
    submit: t(`clients.bulk.submit.${act}`, { count }),
  };
  return show(call, act, {
    back,
    notices: [told, ...pickNotices(call, picked), ...skipNotices(call, act, plan)],
    changes:
      count === 0
        ? null
        : tableOf(
            call,
            { caption: t('clients.bulk.changes'), before: t('clients.bulk.now') },
            rows,
          ),
    form: count === 0 ? null : form,
  });
}

/** Tells which clients were not changed. */
export function showOutcome(
  call: ConsoleCall,
  outcome: { act: ChangingAct; done: number; failures: Failure[]; back: string },
): Promise<void> {
  const { act, done, failures, back } = outcome;
  const { t } = call;
  const text = t(`clients.bulk.done.${act}`, { count: done });
  const heading = t('clients.bulk.failed', { count: failures.length });
  return show(call, act, { back, notices: [{ tone: 'warning', heading, text }], failures });
}

async function show(
  call: ConsoleCall,
  act: ChangingAct,
  { back, problems = [], ...parts }: Partial<Omit<BulkView, 'back'>> & { back: string },
): Promise<void> {
  const { t } = call;
  await call.show(
    'admin/clients/bulk',
    {
      problems,
      notices: [],
      changes: null,
      failures: [],
      form: null,
      ...parts,
      back: { href: back, label: t(parts.form ? 'common.cancel' : 'clients.bulk.back') },
    },
    {
      title: t(`clients.bulk.title.${act}`),
      section: 'clients',
      status: problems.length > 0 ? 422 : 200,
    },
  );
}

function hiddenOf({ form }: ConsoleCall, act: ChangingAct) {
  return [
    { name: 'act', value: act },
    { name: 'query', value: form.get('query') ?? '' },
  ];
}

function idsOf({ clients }: Picked): string {
  return clients.map(({ clientId }) => clientId).join(' ');
}

function rowOf(client: Client, before: string, after: string | null) {
  const { clientId, displayName: label } = client;
  return { clientId, label, href: clientPath(client), before, after };
}

function expiryText({ formats, t }: ConsoleCall, at: Date | null | undefined): string {
  return at ? formats.instant(at).absolute : t('clients.never');
}

function tableOf(
  { t }: ConsoleCall,
  told: { caption: string; before: string },
  rows: ReturnType<typeof rowOf>[],
) {
  const more = rows.length - NAMED_MOST;
  return {
    ...told,
    rows: rows.slice(0, NAMED_MOST),
    more: more > 0 ? t('noun.more', { count: more }) : null,
  };
}

/** What became of the ticks before anything was worked out. */
function pickNotices({ t, formats }: ConsoleCall, { gone, matching, clients }: Picked): Notice[] {
  const notices: Notice[] = [];
  if (matching !== null) {
    const values = { total: formats.number(matching), most: formats.number(clients.length) };
    notices.push({ tone: 'warning', text: t('clients.bulk.capped', values) });
  }
  if (gone.length > 0) {
    const heading = t('clients.bulk.gone', { count: gone.length });
    notices.push({ tone: 'warning', heading, items: gone.slice(0, NAMED_MOST) });
  }
  return notices;
}

function skipNotices({ t }: ConsoleCall, act: ChangingAct, { skipped }: Plan): Notice[] {
  return skipped.map(({ reason, clients }) => {
    const key = reason === 'same' ? `clients.skip.${act}` : `clients.skip.${reason}`;
    const names = clients.slice(0, NAMED_MOST).map(({ displayName }) => displayName);
    const more = clients.length - names.length;
    const items = more > 0 ? [...names, t('noun.more', { count: more })] : names;
    return { tone: 'info', heading: t(key, { count: clients.length }), items };
  });
}
