/** The fields of the form of a user. */
import type { User } from '../../domain/users/user.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { FormValues, ShownForm } from '../catalog/noun.ts';
import type { FieldView } from '../catalog/views.ts';
import { isTyped } from './chosen-password.ts';

/** The texts of the form of a user. */
export function userValues(user: User | null): FormValues {
  return {
    userName: user?.userName ?? '',
    displayName: user?.displayName ?? '',
    email: user?.email ?? '',
    status: user?.status ?? 'enabled',
  };
}

/** Name, mail, status; of a new user the password besides. */
export async function userFields(
  { form, t }: ConsoleCall,
  { record, values, errors }: ShownForm<User>,
): Promise<FieldView[]> {
  const field = (name: string) => ({
    name,
    label: t(`user.field.${name}`),
    value: values[name] ?? '',
    ...(t.has(`user.hint.${name}`) && { hint: t(`user.hint.${name}`) }),
    ...(errors[name] !== undefined && { error: errors[name] }),
  });
  const { label: legend, value: status, ...statusField } = field('status');
  return [
    { kind: 'field', ...field('userName'), maxlength: 100, spellcheck: false, required: true },
    { kind: 'field', ...field('displayName'), maxlength: 100, optional: true },
    { kind: 'field', ...field('email'), type: 'email', spellcheck: false, optional: true },
    {
      kind: 'radios',
      ...statusField,
      legend,
      options: ['enabled', 'disabled'].map((value) => ({
        value,
        label: t(`status.${value}`),
        checked: value === status,
      })),
    },
    ...(record === null ? passwordFields(t, form, errors) : []),
  ];
}

/** A generated password, or one that is typed twice; neither is ever shown again. */
export function passwordFields(
  t: ConsoleCall['t'],
  form: URLSearchParams,
  errors: Readonly<Record<string, string>>,
): FieldView[] {
  const isChosen = isTyped(form);
  const field = (name: string) => ({
    kind: 'field' as const,
    name,
    label: t(`user.field.${name}`),
    value: '',
    type: 'password',
    autocomplete: 'new-password',
    whenChosen: true,
    ...(t.has(`user.hint.${name}`) && { hint: t(`user.hint.${name}`) }),
    ...(errors[name] !== undefined && { error: errors[name] }),
  });
  return [
    {
      kind: 'radios',
      name: 'passwordChoice',
      legend: t('user.field.passwordChoice'),
      options: ['generate', 'choose'].map((value) => ({
        value,
        label: t(`user.password.${value}`),
        hint: t(`user.password.${value}.about`),
        checked: (value === 'choose') === isChosen,
      })),
    },
    field('password'),
    field('confirmation'),
  ];
}
