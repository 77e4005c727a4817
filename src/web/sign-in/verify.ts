/** Behind the sign-in: proving once more who one is, and signing out. */
import { signOut, verifyAgain } from '../../domain/admins/manage-sessions.ts';
import { isDomainError } from '../../domain/errors.ts';
import { SIGN_IN, VERIFY } from '../admin/dispatch.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { setSessionCookie } from '../admin/session-cookie.ts';
import { nextPath } from './next-path.ts';

export const verifyRoutes: ConsoleRoute[] = [
  { method: 'GET', path: VERIFY, role: 'viewer', handler: (call) => askAgain(call) },
  { method: 'POST', path: VERIFY, role: 'viewer', handler: takeProof },
  { method: 'POST', path: '/admin/sign-out', role: 'viewer', handler: leave },
];

async function askAgain(call: ConsoleCall, problem?: string): Promise<void> {
  const { admin, t } = call;
  const next = nextPath(call.form.get('next') ?? call.query.get('next'));
  const hasCode = Boolean(admin.totpSecret);
  await call.show(
    'admin/verify',
    {
      ...{ action: VERIFY, next, hasCode },
      problems: problem === undefined ? [] : [{ field: 'password', message: problem }],
    },
    { title: t('sign-in.verify.title'), status: problem === undefined ? 200 : 422 },
  );
}

async function takeProof(call: ConsoleCall): Promise<void> {
  const { form, services, session, actor, t } = call;
  const [password, code] = [form.get('password') ?? '', form.get('code') ?? ''];
  const proof = password === '' && code !== '' ? { code } : { password };
  try {
    await verifyAgain(services, session, { ...proof, address: actor.address });
  } catch (error) {
    if (!isDomainError(error) || error.code !== 'not_authenticated') throw error;
    return askAgain(call, t('sign-in.verify.refused'));
  }
  call.redirect(nextPath(form.get('next')));
}

async function leave(call: ConsoleCall): Promise<void> {
  await signOut(call.services, call.session, call.actor.address);
  setSessionCookie(call.ctx, null);
  call.redirect(SIGN_IN);
}
