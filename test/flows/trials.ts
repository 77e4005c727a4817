/** Trials of “at once”: a change through the REST API of one node, and the next question to another. */
import { createAccessToken } from '../../src/domain/admins/manage-access-tokens.ts';
import { createAdmin } from '../../src/domain/admins/manage-admins.ts';
import type { ReasonCode } from '../../src/domain/decision/reasons.ts';
import { fresh, type Records, TESTER } from '../support/app.ts';
import { type Answer, answerOf, type Credentials, type Talk } from '../support/server.ts';

/** The node that is changed, and the one that is asked; they may be one. */
export interface Nodes {
  changed: Talk;
  asked: Talk;
}

/** What must be told: a reason, that all is well, or that the gateway itself is turned away. */
type Expected = ReasonCode | 'allowed' | 'not_authenticated';

/** How many trials one round is. */
export const TRIALS_IN_ROUND = 10;

/** A client with a key, and a gateway, that one series of trials has for itself. */
interface Cast {
  partner: Credentials;
  gateway: Credentials;
  token: string;
  apiKey: { apiKeyId: string; value: string };
  /** Of the API that the client may call. */
  path: string;
}

/** A token of an owner for the REST API. */
export async function ownerToken({ services }: Records): Promise<string> {
  const acting = { actor: TESTER, role: 'owner', adminId: null } as const;
  const { admin } = await createAdmin(services, acting, {
    userName: fresh('owner'),
    role: 'owner',
  });
  const wanted = { adminId: admin.adminId, label: 'trials', role: 'owner' } as const;
  return (await createAccessToken(services, acting, wanted)).value ?? '';
}

/** Records for a series of trials. */
export async function castOf(records: Records, { asked }: Nodes): Promise<Cast> {
  const group = fresh('group');
  const path = `/${group}`;
  await records.createGroup(group, {}, [`GET ${path}`]);
  const partner = await records.createClient({ apiGroups: [group] });
  const password = 'the first password';
  const gateway = await records.createResourceServer({ password, failedLoginLimit: 1000 });
  const apiKey = await records.createKey(partner.clientId);
  const { accessToken: token } = await asked.grant(partner);
  return { partner, gateway, token, apiKey, path };
}

/**
 * Runs a round of trials; answers the misses.
 *
 * @param admin bearer token for the REST API
 */
export async function runRound(nodes: Nodes, admin: string, cast: Cast): Promise<object[]> {
  const { partner, gateway, apiKey, token, path } = cast;
  const ofPartner = `/clients/${partner.clientId}`;
  const ofKey = `${ofPartner}/api-keys/${apiKey.apiKeyId}`;
  const ofGateway = `/clients/${gateway.clientId}`;
  const misses: object[] = [];
  /** As the last change left them. */
  const versions = new Map<string, unknown>();

  async function change(method: string, at: string, body?: object, version?: number) {
    const answer = await send(nodes.changed, admin, { method, path: at, body, version });
    if (answer.status >= 300) throw new Error(`${method} ${at}: ${answer.text}`);
    return answer.body;
  }
  async function patch(at: string, body: object): Promise<void> {
    const version = versions.get(at) ?? (await change('GET', at)).version;
    versions.set(at, (await change('PATCH', at, body, Number(version))).version);
  }
  async function expectTold(trial: string, expected: Expected, question: object, as = gateway) {
    const call = { clientIp: '192.0.2.7', method: 'GET', path, ...question };
    const { status, body } = await nodes.asked.decide(as, call);
    const told = body.reason ?? (body.allowed === true ? 'allowed' : `status ${status}`);
    if (told !== expected) misses.push({ trial, told, expected });
  }
  const byToken = { token };
  const byKey = { apiKey: apiKey.value };

  await patch(ofPartner, { status: 'disabled' });
  await expectTold('disable the client', 'client_disabled', byToken);
  await patch(ofPartner, { status: 'enabled' });
  await expectTold('enable the client', 'allowed', byToken);
  await patch(ofPartner, { ipBindings: [{ hostName: 'hq', address: '198.51.100.1' }] });
  await expectTold('bind it to an address', 'ip_not_allowed', byKey);
  await patch(ofPartner, { ipBindings: [] });
  await expectTold('bind it to none', 'allowed', byKey);
  await patch(ofKey, { status: 'disabled' });
  await expectTold('disable the key', 'key_disabled', byKey);
  await patch(ofKey, { status: 'enabled' });
  await expectTold('enable the key', 'allowed', byKey);

  const rotated = await change('POST', `${ofKey}/rotate`, {});
  await expectTold('rotate the key', 'credential_invalid', byKey);
  apiKey.value = String(rotated.value);
  const { secret: made } = await change('POST', `${ofGateway}/secrets`, {});
  const { id, value } = made as { id: string; value: string };
  await expectTold('add a secret', 'allowed', byToken, { ...gateway, secret: value });
  await change('DELETE', `${ofGateway}/secrets/${id}`);
  await expectTold('retire it', 'not_authenticated', byToken, { ...gateway, secret: value });
  // The node that is asked has verified the password before, and remembers it.
  const password = fresh('password');
  await change('PUT', `${ofGateway}/password`, { password });
  await expectTold('change the password', 'not_authenticated', byToken);
  gateway.secret = password;
  return misses;
}

async function send(
  { url }: Talk,
  admin: string,
  request: { method: string; path: string; body: object | undefined; version: number | undefined },
): Promise<Answer> {
  const { method, path, body, version } = request;
  const headers = new Headers({ Authorization: `Bearer ${admin}` });
  if (version !== undefined) headers.set('If-Match', `"${version}"`);
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  return answerOf(await fetch(`${url}/api/v1${path}`, { method, headers, ...init }));
}
