/** The tab "Status": enabled or not, failed logins and the lock they lead to, unlocking. */
import type { Client } from '../../domain/clients/client.ts';
import { unlockClient } from '../../domain/clients/manage-clients.ts';
import { type ConsoleCall, type ConsoleRoute, roleNeeded } from '../admin/route.ts';
import { submit, versionOf } from '../admin/submit.ts';
import { type ClientHeader, clientPath, showClientPage } from '../clients/client-page.ts';
import type { TimeView } from '../formats.ts';
import type { ClientForm } from '../forms/client-form-view.ts';
import { type SectionTab, type ShownSection, saveSection, showSection } from './section-tab.ts';
import { clientAsRead, STALE_STATUS, type Stale, staleClient } from './security-page.ts';

/** The locals of the view. */
export interface StatusLocals {
  client: ClientHeader;
  form: ClientForm;
  stale: Stale | null;
  reason: string | undefined;
  lock: {
    /** Since when; null while it is not locked. */
    since: TimeView | null;
    /** Failures in a row, and how many lock. */
    count: number;
    limit: number;
    tone: 'good' | 'warning' | 'danger';
    text: string;
    failures: { at: TimeView; from: string }[];
    /** What the button says. */
    action: string;
    /** Why it does nothing now; undefined where it does something and the role allows it. */
    reason: string | undefined;
  };
}

const PATH = '/admin/clients/:clientId/status';

const TAB: SectionTab = { section: 'status', path: '/status', show: showTab };

export const statusRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: showStatus },
  { method: 'POST', path: PATH, role: 'operator', handler: saveStatus },
  { method: 'POST', path: `${PATH}/unlock`, role: 'operator', handler: unlock },
];

function showStatus(call: ConsoleCall): Promise<void> {
  return showSection(call, TAB);
}

function saveStatus(call: ConsoleCall): Promise<void> {
  return saveSection(call, TAB);
}

function showTab(call: ConsoleCall, { client, form, stale, status }: ShownSection): Promise<void> {
  return showClientPage(call, client, {
    ...{ tab: 'status', view: 'admin/security/status', status },
    locals: { form, stale, lock: lockOf(call, client), reason: roleNeeded(call, 'operator') },
  });
}

function lockOf(call: ConsoleCall, { lock, failedLoginLimit }: Client): StatusLocals['lock'] {
  const { t, formats } = call;
  const { lockedAt, failedLogins: count, failures } = lock;
  const isIdle = lockedAt === null && count === 0;
  const values = { count, limit: failedLoginLimit };
  return {
    since: formats.instant(lockedAt),
    ...{ count, limit: failedLoginLimit },
    tone: lockedAt !== null ? 'danger' : count > 0 ? 'warning' : 'good',
    text: t(lockedAt === null ? 'security.lock.counted' : 'security.lock.reached', values),
    failures: failures.map(({ at, address }) => ({
      at: formats.instant(at),
      from: address ?? t('security.lock.no_address'),
    })),
    action: t(lockedAt === null ? 'security.lock.reset' : 'security.lock.unlock'),
    reason: roleNeeded(call, 'operator') ?? (isIdle ? t('security.lock.idle') : undefined),
  };
}

/** Unlocks, and sets the count of failures to 0: the manual's "reset password attempts". */
async function unlock(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  return submit({
    async change() {
      const { clientId, version } = await clientAsRead(call);
      const lockedAt = lockedAtIn(call);
      const client = await unlockClient(services, actor, clientId, { version, lockedAt });
      const key = lockedAt === null ? 'security.lock.was_reset' : 'security.lock.unlocked';
      call.redirect(clientPath(client, TAB.path), t(key));
    },
    again: () => showSection(call, TAB),
    async stale(current) {
      // Counting and unlocking make no new version, so nobody's change of the client is to be told.
      const isLockAlone = (current as Client).version === versionOf(call.form);
      const text = t('security.lock.moved');
      const stale = isLockAlone ? { text, rows: [] } : await staleClient(call);
      await showSection(call, {
        ...TAB,
        show: (again, shown) => showTab(again, { ...shown, stale, status: STALE_STATUS }),
      });
    },
  });
}

/** Since when the client was locked on the page that was sent; null where it was not. */
function lockedAtIn({ form }: ConsoleCall): Date | null {
  const at = new Date(form.get('lockedAt') ?? '');
  return Number.isNaN(at.getTime()) ? null : at;
}
