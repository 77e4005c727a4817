/** The password that a form gives a user: generated, and then shown once, or typed twice. */
import { invalid } from '../../domain/errors.ts';
import { randomId } from '../../domain/secrets/random.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { readPassword } from '../forms/password-choice.ts';

/** A password, and whether it has to be shown, as nobody knows it yet. */
export interface ChosenPassword {
  password: string;
  isGenerated: boolean;
}

/** The password of the form. Throws `validation_failed`. */
export function chosenPassword({ form, t }: ConsoleCall): ChosenPassword {
  const chosen = new URLSearchParams(form);
  if (isTyped(form)) chosen.set('passwordChoice', 'choose');
  const { input, problems } = readPassword(chosen, t);
  if (problems.length > 0) throw invalid(problems);
  const { password } = input;
  // 96 random bits, of characters that a person can type.
  if (password === undefined) return { password: randomId(), isGenerated: true };
  return { password, isGenerated: false };
}

/** Whether a form holds a password of its own: one that somebody typed is never passed over. */
export function isTyped(form: URLSearchParams): boolean {
  const typed = ['password', 'confirmation'].some((name) => Boolean(form.get(name)));
  return typed || form.get('passwordChoice') === 'choose';
}

/** Shows a generated password, this once. */
export function showPassword(
  call: ConsoleCall,
  { title, text, password, done }: { title: string; text: string; password: string; done: string },
): Promise<void> {
  const { t } = call;
  call.made = done;
  const secret = {
    label: t('user.field.password'),
    value: password,
    hint: t('user.password.once'),
    done: { href: done, label: t('common.continue') },
  };
  return call.show('admin/noun/secret', { text, secret }, { title, section: 'users' });
}
