/** A server in which every text that people can enter is an attack on whoever reads it. */
import type { Showcase } from '../../scripts/showcase/index.ts';
import { createAccessToken, newAccessToken } from '../../src/domain/admins/manage-access-tokens.ts';
import { type Acting, createAdmin } from '../../src/domain/admins/manage-admins.ts';
import { setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import { signIn } from '../../src/domain/admins/sign-in.ts';
import { createApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import { createApi } from '../../src/domain/apis/manage-apis.ts';
import { updateSecurityLevel } from '../../src/domain/apis/manage-security-levels.ts';
import { beginDraft } from '../../src/domain/clients/client-drafts.ts';
import { addSecret } from '../../src/domain/clients/manage-client-secrets.ts';
import { findClient } from '../../src/domain/clients/manage-clients.ts';
import { issueLink } from '../../src/domain/links.ts';
import { startApp, TESTER, type TestApp } from '../support/app.ts';

/** Breaks out of an attribute, and runs wherever it lands as an element; short enough for every field. */
export const ATTACK = `'"><img src=x onerror=alert(1)>`;

const PASSWORD = 'a password of the attack';
const ACTING: Acting = { actor: TESTER, role: 'owner', adminId: null };
const tokenOf = (url = '') => new URL(url).searchParams.get('token') ?? '';

/** Starts and fills it; ids are those that `everyPage` opens. */
export async function openPoisoned(): Promise<Showcase> {
  const app = await startApp();
  const { apiId, userId } = await poisonCatalog(app);
  const made = await poisonClient(app, userId);
  const admin = await poisonAdmin(app);
  const link = { purpose: 'client_password', subjectId: 'poisoned', seconds: 1800 } as const;
  const fields: [string, string][] = [
    'displayName',
    'note',
    'remark',
    'emails',
    'userAllowlist',
  ].map((name) => [name, ATTACK]);
  const draft = await beginDraft(app.services, admin.adminId, { who: fields, when: fields });
  await app.services.decisionLog.flush();
  const { items } = await app.services.stores.decisions.list({ limit: 1 });
  const ids = {
    ...{ clientId: 'poisoned', apiId, userId, ...made, adminId: admin.adminId },
    ...{ accessTokenId: admin.accessTokenId, draftId: draft.draftId },
    decisionId: items[0]?.decisionId ?? '',
    setUpToken: admin.setUpToken,
    resetToken: tokenOf((await issueLink(app.services, link)).url),
  };
  return { app, jar: new Map([['tollgate_session', admin.cookie]]), ids };
}

async function poisonCatalog(app: TestApp): Promise<{ apiId: string; userId: string }> {
  const { services } = app;
  const input = { method: 'GET', path: '/orders', name: ATTACK } as const;
  const { apiId } = await createApi(services, TESTER, input);
  const texts = { displayName: ATTACK, description: ATTACK, apis: [apiId] };
  await createApiGroup(services, TESTER, { name: 'orders.read', ...texts });
  await app.createScope('orders.history', texts);
  const level = await services.stores.securityLevels.find('C');
  const patch = { displayName: ATTACK };
  await updateSecurityLevel(services, TESTER, { id: 'C', version: level?.version ?? 0, patch });
  const { user } = await app.createUser({ userName: ATTACK });
  await app.updateUser(user.userId, { displayName: `${ATTACK} user` });
  return { apiId, userId: user.userId };
}

async function poisonClient(app: TestApp, userId: string) {
  const { services } = app;
  const clientId = 'poisoned';
  const texts = { applicationNo: ATTACK, displayName: ATTACK, description: ATTACK, note: ATTACK };
  const client = await app.createClient({
    ...{ clientId, clientName: clientId, ...texts, remark: ATTACK, userAllowlist: [userId] },
    ipBindings: [{ hostName: ATTACK, address: '127.0.0.1' }],
    ...{ apiGroups: ['orders.read'], apiScopes: ['orders.history'], securityLevel: 'C' },
    emails: ['ops@partner.example'],
  });
  const { apiKeyId } = await app.createKey(clientId, { alias: ATTACK });
  await addSecret(services, TESTER, clientId, { label: ATTACK });
  const { accessToken } = await app.grant(client);
  await app.updateClient(clientId, { note: `${ATTACK} again` });
  const server = await app.createResourceServer({ note: ATTACK, displayName: `${ATTACK} server` });
  const question = { token: accessToken, clientIp: '127.0.0.1', method: 'GET' };
  await app.decide(server, { ...question, path: `/${encodeURI(ATTACK)}/${ATTACK}` });
  const secretId = (await findClient(services, clientId)).secrets[0]?.secretId ?? '';
  return { apiKeyId, secretId };
}

async function poisonAdmin({ services }: TestApp) {
  const [userName, displayName] = [`${ATTACK} admin`, ATTACK];
  const made = await createAdmin(services, ACTING, { userName, displayName, role: 'owner' });
  const origin = { address: '127.0.0.1', userAgent: ATTACK };
  await setUpAdmin(services, {
    ...{ token: tokenOf(made.setUpLink?.url), password: PASSWORD, address: null },
  });
  const { value, admin } = await signIn(services, { userName, password: PASSWORD, ...origin });
  const { adminId } = admin;
  const pat = newAccessToken.parse({ label: ATTACK, role: 'owner' });
  const { token } = await createAccessToken(services, { ...ACTING, adminId }, pat);
  const late = await createAdmin(services, ACTING, { userName: 'late', role: 'viewer' });
  const setUpToken = tokenOf(late.setUpLink?.url);
  return { adminId, cookie: value, accessTokenId: token.accessTokenId, setUpToken };
}
