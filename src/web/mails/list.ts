/** What became of every mail, newest first; never what it says. */
import { MAIL_STATES, type MailRecord, type MailState } from '../../domain/mails/mail.ts';
import { retryMail } from '../../domain/mails/retry-mail.ts';
import { type ConsoleCall, type ConsoleRoute, param, roleNeeded } from '../admin/route.ts';
import { submit } from '../admin/submit.ts';
import { clientPath } from '../clients/client-path.ts';
import { hrefWith, listRequest, pagerOf } from '../lists.ts';
import type { MailRow } from './views.ts';

export const mailRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin/mails', role: 'viewer', handler: (call) => listMails(call) },
  { method: 'POST', path: '/admin/mails/:mailId/retry', role: 'operator', handler: retryOne },
];

const PATH = '/admin/mails';

const TONES = {
  queued: 'info',
  retrying: 'warning',
  sent: 'good',
  failed: 'danger',
  outbox: 'neutral',
} as const;

async function listMails(
  call: ConsoleCall,
  problems: { field: string; message: string }[] = [],
): Promise<void> {
  const { query, services, formats, t } = call;
  const state = MAIL_STATES.find((one) => one === query.get('state'));
  const filter = state === undefined ? {} : { state };
  const page = await services.stores.mails.list({
    ...listRequest(query),
    filter,
    now: formats.now,
  });
  await call.show(
    'admin/mails/list',
    {
      states: [
        { label: t('mail.all'), href: PATH, current: state === undefined },
        ...MAIL_STATES.map((one) => ({
          label: t(`mail.state.${one}`),
          href: hrefWith(PATH, query, { state: one }),
          current: one === state,
        })),
      ],
      rows: page.items.map((mail) => rowOf(call, mail)),
      problems,
      pager: pagerOf(call, page),
    },
    { title: t('nav.mails'), section: 'mails', status: problems.length > 0 ? 422 : 200 },
  );
}

async function retryOne(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  await submit({
    async change() {
      const { subject } = await retryMail(services, actor, param(call, 'mailId'));
      call.redirect(PATH, t('mail.retried', { subject }));
    },
    again: (problems) => listMails(call, problems),
  });
}

function rowOf(call: ConsoleCall, mail: MailRecord): MailRow {
  const { formats, node, t } = call;
  const { mailId, at, to, subject, object, state, error, attempts, nextAttemptAt } = mail;
  const reason =
    roleNeeded(call, 'operator') ?? (node.hasMailServer ? undefined : t('mail.no_server'));
  return {
    mailId,
    at: formats.instant(at),
    subject,
    to,
    object:
      object?.kind === 'client'
        ? { label: object.id, href: clientPath({ clientId: object.id }) }
        : null,
    state: { tone: TONES[state], word: t(`mail.state.${state}`) },
    error,
    attempts: attempts === 0 ? '' : t('mail.attempts', { count: attempts }),
    next: formats.instant(nextAttemptAt),
    retry: isAtRest(state)
      ? {
          action: `${PATH}/${encodeURIComponent(mailId)}/retry`,
          label: t(attempts === 0 ? 'mail.send' : 'mail.retry'),
          disabled: reason !== undefined,
          reason,
        }
      : null,
  };
}

function isAtRest(state: MailState): boolean {
  return state !== 'sent';
}
