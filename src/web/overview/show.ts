/** The overview: what needs somebody, how many clients there are, what was refused, and this node. */
import { CLIENT_STATUS_FILTERS } from '../../domain/clients/client-store.ts';
import { MOST_COUNTED } from '../../domain/decision/decision-store.ts';
import type { ConsoleCall, ConsoleRoute } from '../admin/route.ts';
import { clientPath } from '../clients/client-path.ts';
import { EXPIRING_DAYS } from '../clients/list-filters.ts';
import { nodeRows } from './node.ts';
import { type Attention, KEY_DAYS, readAttention } from './read-attention.ts';
import { readDecisions } from './read-decisions.ts';
import { setUpSteps } from './set-up.ts';
import type { AttentionRow, BarsView, OverviewViews } from './views.ts';

type OverviewView = OverviewViews['admin/overview'];

export const overviewRoutes: ConsoleRoute[] = [
  { method: 'GET', path: '/admin', role: 'viewer', handler: showOverview },
];

/** Hours that decisions can be looked back on; the last is the default. */
const PERIODS = [1, 24] as const;

async function showOverview(call: ConsoleCall): Promise<void> {
  const { query, t } = call;
  const hours = PERIODS.find((period) => String(period) === query.get('hours')) ?? 24;
  const [attention, decisions, setUp, node] = await Promise.all([
    readAttention(call),
    decisionsView(call, hours),
    setUpSteps(call),
    nodeRows(call),
  ]);
  await call.show(
    'admin/overview',
    {
      attention: attentionRows(call, attention),
      clients: clientBars(call, attention.counts),
      decisions,
      setUp,
      node,
    },
    { title: t('nav.overview'), section: 'overview' },
  );
}

function clientBars({ t, formats }: ConsoleCall, counts: Attention['counts']): BarsView {
  const bar = (status: string, label: string, value: number) => ({
    label,
    value,
    text: formats.number(value),
    href: status === '' ? '/admin/clients' : `/admin/clients?status=${status}`,
  });
  return {
    caption: t('overview.clients.caption'),
    rows: [
      bar('', t('clients.status.all'), counts.all),
      ...CLIENT_STATUS_FILTERS.map((status) => bar(status, t(`status.${status}`), counts[status])),
    ],
  };
}

/** Rows for what there is any of. */
function attentionRows(call: ConsoleCall, found: Attention): AttentionRow[] {
  const { t, formats } = call;
  const { locked, expiring, keys, failedMails } = found;
  const when = (at: Date | null) => formats.instant(at)?.relative ?? '';
  const rows = [
    {
      total: locked.total,
      label: t('overview.locked'),
      href: '/admin/clients?status=locked',
      first: locked.items.map((client) => ({
        ...{ href: clientPath(client, '/status'), label: client.displayName },
        about: when(client.lock.lockedAt),
      })),
    },
    {
      total: expiring.total,
      label: t('overview.expiring', { days: EXPIRING_DAYS }),
      href: `/admin/clients?expiring=${EXPIRING_DAYS}&sort=expiresAt`,
      first: expiring.items.map((client) => ({
        ...{ href: clientPath(client, '/edit/when'), label: client.displayName },
        about: when(client.expiresAt),
      })),
    },
    {
      total: keys.total,
      label: t('overview.keys', { days: KEY_DAYS }),
      href: null,
      first: keys.items.map((key) => ({
        ...{ href: clientPath(key, '/api-keys'), label: `${key.alias} (${key.clientId})` },
        about: when(key.expiresAt),
      })),
    },
    {
      total: failedMails,
      label: t('overview.mails'),
      href: '/admin/mails?state=failed',
      first: [],
    },
  ];
  return rows
    .filter(({ total }) => total > 0)
    .map(({ total, ...row }) => ({ ...row, count: formats.number(total) }));
}

async function decisionsView(call: ConsoleCall, hours: number): Promise<OverviewView['decisions']> {
  const { t, formats } = call;
  const { refused, reasons, callers, calls } = await readDecisions(call, hours);
  const counted = (count: number) =>
    count >= MOST_COUNTED ? `${formats.number(MOST_COUNTED)}+` : formats.number(count);
  const bars = (caption: string, name: string, rows: { id: string; count: number }[]) =>
    rows.length === 0
      ? null
      : {
          caption,
          rows: rows.map(({ id, count }) => ({
            label: id,
            value: count,
            text: counted(count),
            href: `/admin/decisions?${new URLSearchParams({ [name]: id, hours: String(hours) })}`,
          })),
        };
  const { allowed, since, isWhole } = calls;
  const values = { count: formats.number(allowed), since: formats.instant(since).absolute };
  return {
    periods: PERIODS.map((period) => ({
      href: `/admin?hours=${period}`,
      label: t(`overview.period.${period}`),
      current: period === hours,
    })),
    allowed: t(isWhole ? 'overview.allowed' : 'overview.allowed.least', values),
    refused: t('overview.refused', { count: counted(refused) }),
    reasons: bars(t('overview.reasons'), 'reason', reasons),
    callers: bars(t('overview.callers'), 'clientId', callers),
  };
}
