/** The password of a new client: generated, or chosen and typed twice. */
import { passwordRule } from '../../domain/clients/client.ts';
import type { FieldProblem } from '../../domain/errors.ts';
import type { Translate } from '../messages.ts';

/** The password that a form chooses; without one a secret is generated. Never throws. */
export function readPassword(
  form: URLSearchParams,
  t: Translate,
): { input: { password?: string }; problems: FieldProblem[] } {
  if (form.get('passwordChoice') !== 'choose') return { input: {}, problems: [] };
  // As it was typed: spaces belong to a password.
  const password = form.get('password') ?? '';
  const judged = passwordRule.safeParse(password);
  if (!judged.success) {
    const message = judged.error.issues[0]?.message ?? '';
    return { input: {}, problems: [{ field: 'password', code: 'password', message }] };
  }
  if (password !== form.get('confirmation')) {
    const message = t('client-form.problem.differs');
    return { input: {}, problems: [{ field: 'confirmation', code: 'differs', message }] };
  }
  return { input: { password }, problems: [] };
}
