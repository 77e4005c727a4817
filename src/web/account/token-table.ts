/** The personal access tokens of an admin, on the account page and on the page of an admin. */
import { type Admin, includesRole, type PersonalAccessToken } from '../../domain/admins/admin.ts';
import type { ConsoleCall } from '../admin/route.ts';
import type { SectionView } from '../catalog/views.ts';
import type { StatusChip } from '../clients/client-status.ts';

/** Tokens that are listed; more than this nobody has. */
const MOST = 100;

/** The section: tokens with their end, and what may be done with them. */
export async function tokenSection(call: ConsoleCall, holder: Admin): Promise<SectionView> {
  const { services, t } = call;
  const { adminId } = holder;
  const { items, total } = await services.stores.personalAccessTokens.list({
    filter: { adminId },
    sort: { field: 'createdAt', descending: true },
    limit: MOST,
  });
  const isOwn = adminId === call.admin.adminId;
  const columns = ['label', 'role', 'value', 'created_at', 'expires'].map((key) => ({
    label: t(`account.token.${key}`),
  }));
  const rows = items.map((token) => tokenRow(call, holder, token));
  return {
    id: 'tokens',
    title: t('account.tokens'),
    text: t('account.tokens.text'),
    ...(isOwn && {
      action: { href: '/admin/account/tokens/new', label: t('account.token.create') },
    }),
    ...(rows.length > 0
      ? { table: { caption: t('account.tokens.caption'), columns, rows } }
      : { empty: t('account.tokens.empty') }),
    ...(total > MOST && { more: { text: t('account.tokens.more', { count: total - MOST }) } }),
  };
}

function tokenRow(call: ConsoleCall, holder: Admin, token: PersonalAccessToken) {
  const { formats, t } = call;
  const { accessTokenId, label, role, lastFour, createdAt, expiresAt } = token;
  const row = {
    cells: [
      { name: { label } },
      { text: t(`admin.role.${role}`) },
      { text: `tgp_…${lastFour}`, mono: true },
      { time: formats.instant(createdAt) },
      expiresAt === null ? { text: t('account.token.never') } : endOf(call, expiresAt),
    ],
  };
  if (!mayEnd(call, holder)) return row;
  const href = `/admin/account/tokens/${encodeURIComponent(accessTokenId)}/delete`;
  const items = [{ label: t('common.delete'), href, danger: true }];
  return { ...row, menu: { label: t('account.token.menu', { label }), items } };
}

/** The domain decides for real. */
function mayEnd(call: ConsoleCall, holder: Admin): boolean {
  if (holder.adminId === call.admin.adminId) return true;
  return call.offers('security') && includesRole(call.admin.role, holder.role);
}

function endOf({ formats, t }: ConsoleCall, expiresAt: Date) {
  if (expiresAt > formats.now) return { time: formats.instant(expiresAt) };
  const cause = formats.instant(expiresAt).relative;
  const chip: StatusChip = { tone: 'danger', word: t('account.token.expired'), cause };
  return { chip };
}
