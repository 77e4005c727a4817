/** Creating a user. */
import type { FieldProblem } from '../../domain/errors.ts';
import { invalid, isDomainError } from '../../domain/errors.ts';
import { createUser } from '../../domain/users/manage-users.ts';
import { newUser } from '../../domain/users/user.ts';
import { parse } from '../../domain/validation.ts';
import type { ConsoleCall } from '../admin/route.ts';
import { type FormValues, recordPath } from '../catalog/noun.ts';
import { chosenPassword, showPassword } from './chosen-password.ts';

/** Makes a user of the form; a generated password is shown once, on this answer. */
export async function createUserFromForm(call: ConsoleCall, values: FormValues): Promise<void> {
  const { actor, services, t } = call;
  const { userName, displayName, email, status } = values;
  const settings = { userName: userName || undefined, displayName, email: email || null, status };
  const problems = [
    // Any right password: that of the form is judged beside the rest, so that all is told at once.
    ...problemsOf(() => parse(newUser, { ...settings, password: 'a right password' })),
    ...problemsOf(() => chosenPassword(call)),
  ];
  if (problems.length > 0) throw invalid(problems);
  const { password, isGenerated } = chosenPassword(call);
  const user = await createUser(services, actor, parse(newUser, { ...settings, password }));
  const path = recordPath('/admin/users', user.userId);
  const name = user.userName;
  const created = t('noun.created', { name });
  if (!isGenerated) return call.redirect(path, created);
  const [title, text] = [t('user.password.of', { name }), t('user.password.made')];
  await showPassword(call, { title, text: `${created} ${text}`, password, done: path });
}

function problemsOf(step: () => unknown): FieldProblem[] {
  try {
    step();
    return [];
  } catch (error) {
    if (!isDomainError(error)) throw error;
    return error.problems;
  }
}
