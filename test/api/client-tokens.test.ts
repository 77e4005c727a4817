import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { issueTokens } from './every-route.ts';
import { smallClient, startApi, type TestApi } from './support.ts';

let api: TestApi;
let clientId: string;
let path: string;
let made = 0;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  made += 1;
  const body = smallClient(`tokens-${made}`);
  clientId = (await api.send('POST', '/api/v1/clients', { body })).body.clientId;
  path = `/api/v1/clients/${clientId}/tokens`;
});

async function ids(): Promise<string[]> {
  const { body } = await api.send('GET', path);
  return body.items.map((token: { tokenId: string }) => token.tokenId).toSorted();
}

describe('tokens of a client', () => {
  it('are listed by id, newest first, a page at a time', async () => {
    const { access, family } = await issueTokens(api.services, clientId);
    api.pass(1);
    const later = await issueTokens(api.services, clientId);
    const first = (await api.send('GET', `${path}?limit=3`)).body;
    expect(first).toMatchObject({ total: 4, nextCursor: expect.any(String) });
    const rest = await api.send('GET', `${path}?limit=3&cursor=${first.nextCursor}`);
    const all = [...first.items, ...rest.body.items];
    expect(new Set(all.map((token) => token.tokenId)).size).toBe(4);
    expect(
      all
        .slice(0, 2)
        .map((token) => token.tokenId)
        .toSorted(),
    ).toEqual([later.access.tokenId, later.family.tokenId].toSorted());
    const shown = all.find((token) => token.tokenId === access.tokenId);
    expect(shown).toMatchObject({
      kind: 'access_token',
      clientId,
      userId: null,
      grantType: 'client_credentials',
      scopes: ['orders.read'],
      maxUses: 10,
      uses: 0,
      familyId: family.tokenId,
    });
    expect(JSON.stringify(all)).not.toContain(family.currentDigest);
  });

  it('die one by one', async () => {
    const { access, family } = await issueTokens(api.services, clientId);
    const one = `${path}/${access.tokenId}`;
    expect((await api.send('DELETE', `${one}?dryRun=true`)).body.tokenId).toBe(access.tokenId);
    expect((await ids()).length).toBe(2);
    expect((await api.send('DELETE', one)).status).toBe(204);
    expect(await ids()).toEqual([family.tokenId]);
    expect((await api.send('DELETE', one)).status).toBe(404);
  });

  it('die with their refresh token', async () => {
    const { family } = await issueTokens(api.services, clientId);
    expect((await api.send('DELETE', `${path}/${family.tokenId}`)).status).toBe(204);
    expect(await ids()).toEqual([]);
  });

  it('die all at once', async () => {
    await issueTokens(api.services, clientId);
    await issueTokens(api.services, clientId);
    expect((await api.send('DELETE', `${path}?dryRun=true`)).body).toEqual({ revoked: 4 });
    expect((await ids()).length).toBe(4);
    expect(await api.send('DELETE', path)).toMatchObject({ status: 200, body: { revoked: 4 } });
    expect(await ids()).toEqual([]);
  });

  it('are out of reach through another client', async () => {
    const { body } = await api.send('POST', '/api/v1/clients', {
      body: smallClient(`other-${made}`),
    });
    const other = await issueTokens(api.services, body.clientId);
    const answer = await api.send('DELETE', `${path}/${other.access.tokenId}`);
    expect(answer.status).toBe(404);
    const token = await api.services.stores.tokens.findAccess(other.access.tokenId);
    expect(token?.revokedAt).toBeNull();
  });

  it('are 404 of a client that does not exist', async () => {
    const nobody = '/api/v1/clients/nobody/tokens';
    for (const [method, url] of [
      ['GET', nobody],
      ['DELETE', nobody],
      ['DELETE', `${nobody}/x`],
    ] as const) {
      expect((await api.send(method, url)).status).toBe(404);
    }
  });
});
