/**
 * Data that looks real, made by the domain and by calls over HTTP, on a clock that moves: invented
 * companies with clients in every state, keys, tokens, refusals with their traces, an audit trail of
 * weeks, mails. For screenshots, and for tests that want every page with something on it.
 */
import type { Role } from '../../src/domain/admins/admin.ts';
import { createAccessToken, newAccessToken } from '../../src/domain/admins/manage-access-tokens.ts';
import { type Acting, createAdmin } from '../../src/domain/admins/manage-admins.ts';
import { setUpAdmin } from '../../src/domain/admins/set-up-admin.ts';
import { signIn } from '../../src/domain/admins/sign-in.ts';
import type { Actor } from '../../src/domain/audit/audit-event.ts';
import { beginDraft } from '../../src/domain/clients/client-drafts.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { issueLink } from '../../src/domain/links.ts';
import { createUser } from '../../src/domain/users/manage-users.ts';
import { START, startApp, TESTER, type TestApp } from '../../test/support/app.ts';
import { makeCatalog, USERS } from './catalog.ts';
import { type MadeClients, makeClients, RICH } from './clients.ts';
import { makeHistory } from './history.ts';

/** A filled server, and ids with which every page of the console can be opened. */
export interface Showcase {
  app: TestApp;
  /** Cookies of an owner who signed in just now. */
  jar: ReadonlyMap<string, string>;
  ids: ShowcaseIds;
}

/** Ids of the records that fill the parameters of a path. */
export interface ShowcaseIds {
  /** A client that has everything. */
  clientId: string;
  apiKeyId: string;
  secretId: string;
  draftId: string;
  decisionId: string;
  userId: string;
  apiId: string;
  adminId: string;
  accessTokenId: string;
  /** Values of links that still work. */
  setUpToken: string;
  resetToken: string;
}

const ADMINS: readonly (readonly [userName: string, displayName: string, role: Role])[] = [
  ['platform-owner', 'Platform owner', 'owner'],
  ['security-desk', 'Security desk', 'security'],
  ['partner-desk', 'Partner desk', 'operator'],
  ['night-shift', 'Operations, night shift', 'operator'],
  ['audit-office', 'Audit office', 'viewer'],
];

const PASSWORD = 'a long showcase passphrase';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const DAY = 86_400;
const DAYS_OF_SET_UP = 40;

/** Starts a server on a database of its own and fills it; close its `app` when done. */
export async function openShowcase(): Promise<Showcase> {
  const app = await startApp({ env: { TRUSTED_PROXIES: '127.0.0.1', ENVIRONMENT: 'production' } });
  app.clock.set(plusSeconds(START, -DAYS_OF_SET_UP * DAY));
  const admins = await makeAdmins(app);
  const [owner, security, partners] = admins;
  if (owner === undefined || security === undefined || partners === undefined)
    throw new Error('the showcase has too few admins');
  await makeCatalog(app.services, security);
  const users = await makeUsers(app, partners);
  const made = await makeClients(app, { desk: partners, security, users });
  await makeHistory(app, made);
  app.clock.set(START);
  return { app, ...(await signInOwner(app, owner.id, made)) };
}

const tokenOf = (url = '') => new URL(url).searchParams.get('token') ?? '';
const byOwner = (actor: Actor): Acting => ({ actor, role: 'owner', adminId: null });

async function makeAdmins({ services, clock }: TestApp): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (const [index, [userName, displayName, role]] of ADMINS.entries()) {
    const { admin, setUpLink } = await createAdmin(services, byOwner(actors[0] ?? TESTER), {
      ...{ userName, displayName, role },
    });
    const token = tokenOf(setUpLink?.url);
    const address = `10.1.0.${20 + index}`;
    if (index < ADMINS.length - 1)
      await setUpAdmin(services, { token, password: PASSWORD, address });
    actors.push({ kind: 'admin', id: admin.adminId, address });
    clock.advance(3600);
  }
  return actors;
}

async function makeUsers({ services, clock }: TestApp, actor: Actor): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, [userName, displayName]] of USERS.entries()) {
    const user = await createUser(services, actor, {
      ...{ userName, displayName, password: 'a showcase password' },
      email: index % 3 === 0 ? null : `${userName}@partners.example`,
      status: index % 9 === 8 ? 'disabled' : 'enabled',
    });
    ids.push(user.userId);
    clock.advance(600);
  }
  return ids;
}

async function signInOwner(app: TestApp, adminId: string, made: MadeClients) {
  const { services } = app;
  const origin = { address: '10.1.0.20', userAgent: BROWSER };
  const input = { userName: 'platform-owner', password: PASSWORD, ...origin };
  await signIn(services, { ...input, address: '203.0.113.9' });
  const { value } = await signIn(services, input);
  const acting: Acting = {
    actor: { kind: 'admin', id: adminId, address: null },
    role: 'owner',
    adminId,
  };
  const pat = newAccessToken.parse({ label: 'nightly export', role: 'viewer' });
  const { token } = await createAccessToken(services, acting, pat);
  const draft = await beginDraft(services, adminId, { who: DRAFT });
  const late = await createAdmin(services, acting, { userName: 'release-desk', role: 'operator' });
  await services.decisionLog.flush();
  const refusals = await services.stores.decisions.list({ limit: 1, filter: { clientId: RICH } });
  const [users, apis] = [
    await services.stores.users.list({ limit: 1 }),
    await services.stores.apis.all(),
  ];
  const ids: ShowcaseIds = {
    clientId: RICH,
    ...{ apiKeyId: made.apiKeyId, secretId: made.secretId, draftId: draft.draftId },
    decisionId: refusals.items[0]?.decisionId ?? '',
    userId: users.items[0]?.userId ?? '',
    apiId: apis[0]?.apiId ?? '',
    ...{ adminId, accessTokenId: token.accessTokenId },
    setUpToken: tokenOf(late.setUpLink?.url),
    resetToken: tokenOf(
      (await issueLink(services, { purpose: 'client_password', subjectId: RICH, seconds: 1800 }))
        .url,
    ),
  };
  return { jar: new Map([['tollgate_session', value]]), ids };
}

const DRAFT: [string, string][] = [
  ['template', 'partner_back_end'],
  ['clientName', 'saffron-bikes-orders'],
  ['displayName', 'Saffron Bikes orders'],
  ['note', 'starts with the spring catalogue'],
  ['audience', 'external'],
  ['environment', 'production'],
  ['kind', 'partner'],
  ['emails', 'api@saffron-bikes.example'],
];
