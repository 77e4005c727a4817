/** A new client on one page: the required fields first, the others folded away. */
import type { FieldProblem } from '../../domain/errors.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { SECTIONS, typedValues } from '../forms/client-form.ts';
import { type ClientForm, clientForm, formValues } from '../forms/client-form-view.ts';
import type { FormValues } from '../forms/field-kinds.ts';
import { type EditedForm, editedForm } from '../forms/form-edits.ts';
import { showCreated } from './created.ts';
import { create, NEW_CLIENT, NEW_SECTIONS, readWhole } from './new-client.ts';
import { templateOf } from './templates.ts';

/** The parts of the page that are folded until they are needed. */
export const FOLDED = [
  'who',
  'when',
  'where',
  'limits',
  'access',
  'tokens',
  'status',
  'password',
] as const;

/** The locals of the view. */
export interface OnePageLocals {
  action: string;
  cancel: string;
  form: ClientForm;
  /** Parts to show unfolded: those with a problem, and those of the button that was pressed. */
  open: Record<(typeof FOLDED)[number], boolean>;
}

const PATH = `${NEW_CLIENT}/one-page`;

export const onePageRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'operator', handler: showNew },
  { method: 'POST', path: PATH, role: 'operator', handler: sendNew },
];

async function showNew(call: ConsoleCall): Promise<void> {
  const { client } = templateOf(call.query.get('template'));
  return show(call, { values: await formValues(call, NEW_SECTIONS, client) });
}

async function sendNew(call: ConsoleCall): Promise<void> {
  const edited = editedForm(call.form);
  if (edited !== null) return show(call, { values: typedValues(edited.form), edited });
  return submit({
    async change() {
      const made = await create(call, await readWhole(call, call.form));
      await showCreated(call, made);
    },
    again: (problems) => show(call, { values: typedValues(call.form), problems, status: 422 }),
  });
}

interface Shown {
  values: FormValues;
  problems?: FieldProblem[];
  edited?: EditedForm;
  status?: number;
}

async function show(call: ConsoleCall, shown: Shown): Promise<void> {
  const { values, problems = [], edited = null, status = 200 } = shown;
  const form = await clientForm(call, { mode: 'create', values, problems, edited });
  const pressed = edited === null ? [] : pressedIn(call.form);
  const open = Object.fromEntries(
    FOLDED.map((part) => [
      part,
      pressed.includes(part) || problems.some((p) => isIn(part, p.field)),
    ]),
  ) as OnePageLocals['open'];
  const { t } = call;
  await call.show(
    'admin/clients/create/one-page',
    { action: PATH, cancel: NEW_CLIENT, form, open },
    {
      title: t('client-create.one_page.title'),
      breadcrumbs: [{ label: t('client-create.title'), href: NEW_CLIENT }],
      section: 'clients',
      status,
    },
  );
}

/** The parts that the button belongs to, so that its effect is seen. */
function pressedIn(form: URLSearchParams): string[] {
  const row = `${form.get('rows.add') ?? ''}${form.get('rows.remove') ?? ''}`;
  if (row.startsWith('serviceHours')) return ['when'];
  if (row.startsWith('ipBindings') || form.has('users.search') || form.has('users.add'))
    return ['where'];
  return form.has('refresh') ? ['access'] : [];
}

function isIn(part: (typeof FOLDED)[number], field: string): boolean {
  const [first = ''] = field.split('.');
  if (part === 'password') return ['password', 'confirmation', 'passwordChoice'].includes(first);
  return (
    (part === 'when' && first === 'zone') || SECTIONS[part].some((each) => each.field === first)
  );
}
