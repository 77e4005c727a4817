/** Ending sessions of one's own. */
import { endOtherSessions, endSession } from '../../domain/admins/manage-sessions.ts';
import { type ConsoleCall, type ConsoleRoute, param } from '../admin/route.ts';
import { ACCOUNT } from './show.ts';

export const sessionRoutes: ConsoleRoute[] = [
  {
    ...{ method: 'POST', path: `${ACCOUNT}/sessions/end-others`, role: 'viewer' },
    handler: endOthers,
  },
  { method: 'POST', path: `${ACCOUNT}/sessions/:sessionId/end`, role: 'viewer', handler: endOne },
];

async function endOthers(call: ConsoleCall): Promise<void> {
  const { actor, services, session, t } = call;
  const count = await endOtherSessions(services, session, actor.address);
  call.redirect(ACCOUNT, t('account.sessions.ended', { count }));
}

async function endOne(call: ConsoleCall): Promise<void> {
  await endSession(call.services, call.acting, param(call, 'sessionId'));
  call.redirect(ACCOUNT, call.t('account.sessions.ended', { count: 1 }));
}
