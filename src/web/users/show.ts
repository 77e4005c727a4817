/** The page of a user: details, lockout, live tokens, and the clients that let the user in. */
import type { Client } from '../../domain/clients/client.ts';
import type { StoredToken } from '../../domain/tokens/token.ts';
import { USER_FAILED_LOGIN_LIMIT, type User } from '../../domain/users/user.ts';
import { type ConsoleCall, roleNeeded } from '../admin/route.ts';
import { recordPath } from '../catalog/noun.ts';
import {
  clientSection,
  clientsFound,
  type Found,
  NAMED_MOST,
  sectionOf,
} from '../catalog/used-by.ts';
import type { SectionView } from '../catalog/views.ts';
import { clientPath } from '../clients/client-path.ts';
import type { StatusChip } from '../clients/client-status.ts';

/** The status of a user: disabled, locked or enabled, the first that applies. */
export function userStatus(
  { formats, t }: Pick<ConsoleCall, 'formats' | 't'>,
  { lock, status }: User,
): StatusChip {
  if (status === 'disabled') return { tone: 'neutral', word: t('status.disabled') };
  if (lock.lockedAt === null) return { tone: 'good', word: t('status.enabled') };
  const when = formats.instant(lock.lockedAt).relative;
  const cause = t('user.locked', { count: lock.failedLogins, when });
  return { tone: 'danger', word: t('status.locked'), cause };
}

/** Everything about a user. */
export async function userSections(call: ConsoleCall, user: User): Promise<SectionView[]> {
  return [
    detailsSection(call, user),
    lockSection(call, user),
    await tokenSection(call, user),
    ...(await clientSections(call, user)),
  ];
}

function detailsSection({ formats, t }: ConsoleCall, user: User): SectionView {
  return {
    id: 'details',
    title: t('noun.details'),
    summary: [
      { label: t('user.field.userName'), value: user.userName },
      { label: t('user.field.displayName'), value: user.displayName },
      { label: t('user.field.email'), value: user.email ?? '' },
      { label: t('noun.created_at'), time: formats.instant(user.createdAt) },
      { label: t('noun.updated_at'), time: formats.instant(user.updatedAt) },
    ],
  };
}

/** Failed passwords, when and from where; and the way out of a lock. */
function lockSection(call: ConsoleCall, { lock, userId }: User): SectionView {
  const { formats, t } = call;
  const { failedLogins: count, failures } = lock;
  const reason = roleNeeded(call, 'operator');
  const unlock = {
    action: recordPath('/admin/users', userId, '/unlock'),
    label: t('user.unlock'),
    ...(reason !== undefined && { disabled: true, reason }),
  };
  return {
    id: 'lockout',
    title: t('user.lockout'),
    text: t('user.lockout.about', { count, limit: USER_FAILED_LOGIN_LIMIT }),
    empty: t('user.lockout.none'),
    ...(failures.length > 0 && {
      table: {
        caption: t('user.lockout.failures'),
        columns: [{ label: t('user.failure.at') }, { label: t('user.failure.address') }],
        rows: failures.map(({ at, address }) => ({
          cells: [
            { time: formats.instant(at) },
            { text: address ?? t('user.failure.no_address'), mono: true },
          ],
        })),
      },
    }),
    ...(count > 0 && { post: unlock }),
  };
}

async function tokenSection(call: ConsoleCall, { userId }: User): Promise<SectionView> {
  const { formats, services, t } = call;
  const page = await services.stores.tokens.list(
    { userId },
    { limit: NAMED_MOST, now: formats.now },
  );
  const title = t('user.tokens');
  const section = sectionOf(call, {
    id: 'tokens',
    title,
    found: page,
    empty: t('user.tokens.none'),
  });
  if (page.items.length === 0) return section;
  const reason = roleNeeded(call, 'operator');
  return {
    ...section,
    action: {
      href: recordPath('/admin/users', userId, '/revoke-tokens'),
      label: t('user.tokens.revoke_all'),
      ...(reason !== undefined && { disabled: true, reason }),
    },
    table: {
      caption: title,
      columns: ['kind', 'client', 'scopes', 'issued', 'expires', 'uses'].map((key) => ({
        label: t(`user.token.${key}`),
        number: key === 'uses',
      })),
      rows: page.items.map((token) => tokenRow(call, token)),
    },
  };
}

function tokenRow({ formats, t }: ConsoleCall, token: StoredToken) {
  const { clientId, expiresAt, grantType, issuedAt, kind, maxUses, scopes, uses } = token;
  return {
    cells: [
      {
        text: t('user.token.of', {
          kind: t(`user.token.${kind}`),
          grant: t(`user.grant.${grantType}`),
        }),
      },
      { links: [{ href: clientPath({ clientId }), label: clientId }] },
      { text: scopes.join(' '), mono: true },
      { time: formats.instant(issuedAt) },
      { time: formats.instant(expiresAt) },
      { text: t('user.token.spent', { uses, maxUses }), number: true },
    ],
  };
}

/** Clients that name the user in their list. */
export function clientsNaming(
  call: Pick<ConsoleCall, 'services' | 'formats'>,
  { userId }: User,
): Promise<Found<Client>> {
  return clientsFound(call, { naming: { fields: ['userAllowlist'], anyOf: [userId] } });
}

async function clientSections(call: ConsoleCall, user: User): Promise<SectionView[]> {
  const { t } = call;
  const found = await clientsNaming(call, user);
  const section = {
    id: 'clients',
    title: t('user.used_by.clients'),
    text: t('user.used_by.about'),
    found,
    empty: t('user.used_by.no_clients'),
  };
  return [clientSection(call, section)];
}
