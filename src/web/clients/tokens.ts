/** The live tokens of a client: what they are, how much of them is left, and how they end. */
import type { Client } from '../../domain/clients/client.ts';
import { isDomainError } from '../../domain/errors.ts';
import { revokeAllTokens, revokeToken } from '../../domain/tokens/manage-tokens.ts';
import type { StoredToken } from '../../domain/tokens/token.ts';
import { type ConsoleCall, type ConsoleRoute, param, roleNeeded } from '../admin/route.ts';
import { listRequest, pagerOf } from '../lists.ts';
import { clientOf, clientPath, showClientPage } from './client-page.ts';
import type { TokenRow } from './views.ts';

const PATH = '/admin/clients/:clientId/tokens';

export const clientTokenRoutes: ConsoleRoute[] = [
  { method: 'GET', path: PATH, role: 'viewer', handler: listTokens },
  { method: 'GET', path: `${PATH}/revoke-all`, role: 'operator', handler: askRevokeAll },
  { method: 'POST', path: `${PATH}/revoke-all`, role: 'operator', handler: revokeAll },
  { method: 'POST', path: `${PATH}/:tokenId/revoke`, role: 'operator', handler: revokeOne },
];

async function listTokens(call: ConsoleCall): Promise<void> {
  const { services, formats, query, t } = call;
  const client = await clientOf(call);
  const { limit, cursor } = listRequest(query);
  const wanted = { limit, now: formats.now, ...(cursor !== undefined && { cursor }) };
  const page = await services.stores.tokens.list({ clientId: client.clientId }, wanted);
  const locked = roleNeeded(call, 'operator');
  await showClientPage(call, client, {
    tab: 'tokens',
    view: 'admin/clients/tokens',
    locals: {
      rows: await rowsOf(call, client, page.items),
      pager: pagerOf(call, page),
      revokeAll: {
        href: clientPath(client, '/tokens/revoke-all'),
        label: t('client.tokens.revoke_all'),
        disabled: locked !== undefined,
        ...(locked !== undefined && { reason: locked }),
      },
      locked,
    },
  });
}

async function rowsOf(
  call: ConsoleCall,
  client: Client,
  tokens: readonly StoredToken[],
): Promise<TokenRow[]> {
  const { services, formats, t } = call;
  await services.directory.sync();
  return Promise.all(
    tokens.map(async (token): Promise<TokenRow> => {
      const { tokenId, kind, grantType, userId, scopes, issuedAt, expiresAt } = token;
      const user = userId === null ? null : await services.directory.user(userId);
      return {
        tokenId,
        kind: t(`client.setting.${kind}`),
        grant: t(`client.grant.${grantType}`),
        user:
          userId === null
            ? null
            : {
                name: user?.userName ?? userId,
                href: `/admin/users/${encodeURIComponent(userId)}`,
              },
        scopes: scopes.join(' '),
        issued: formats.instant(issuedAt),
        expires: formats.instant(expiresAt),
        ...usesOf(call, token),
        revoke: clientPath(client, `/tokens/${encodeURIComponent(tokenId)}/revoke`),
      };
    }),
  );
}

function usesOf(
  { formats, t }: ConsoleCall,
  { kind, uses, maxUses }: StoredToken,
): { uses: string; left: string } {
  const values = { used: formats.number(uses), limit: formats.number(maxUses) };
  if (maxUses === 0)
    return { uses: t(`client.tokens.${kind}.unlimited`, values), left: t('common.unlimited') };
  const left = formats.number(Math.max(0, maxUses - uses));
  return {
    uses: t(`client.tokens.${kind}.limited`, values),
    left: t('client.tokens.left', { left }),
  };
}

/** What ends at once, in numbers, before it does. */
async function askRevokeAll(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  const client = await clientOf(call);
  const { clientId } = client;
  const count = await revokeAllTokens(services, actor, { clientId }, { dryRun: true });
  await showClientPage(call, client, {
    tab: 'tokens',
    view: 'admin/clients/revoke-tokens',
    title: t('client.tokens.revoke_all'),
    locals: {
      consequences: {
        tone: count === 0 ? 'info' : 'warning',
        heading: t('client.tokens.ending', { count }),
        text: t('client.tokens.ending.text'),
      },
      action: clientPath(client, '/tokens/revoke-all'),
    },
  });
}

async function revokeAll(call: ConsoleCall): Promise<void> {
  const client = await clientOf(call);
  const { clientId } = client;
  const count = await revokeAllTokens(call.services, call.actor, { clientId });
  call.redirect(clientPath(client, '/tokens'), call.t('client.tokens.revoked', { count }));
}

async function revokeOne(call: ConsoleCall): Promise<void> {
  const { services, actor, t } = call;
  const client = await clientOf(call);
  const back = clientPath(client, '/tokens');
  try {
    const owner = { clientId: client.clientId };
    const { kind } = await revokeToken(services, actor, owner, param(call, 'tokenId'));
    call.redirect(back, t(`client.tokens.${kind}.revoked`));
  } catch (error) {
    // It ended while its row was looked at: what was asked for is true.
    if (!isDomainError(error) || error.code !== 'not_found') throw error;
    call.redirect(back, t('client.tokens.gone'));
  }
}
