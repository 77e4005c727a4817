import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findKeyByValue } from '../../src/domain/api-keys/manage-api-keys.ts';
import { type ApiAnswer, type ApiRequest, smallClient, startApi, type TestApi } from './support.ts';

const ALL = '/api/v1/api-keys';
const INPUT = {
  alias: 'Warehouse',
  expiresAt: '2027-12-31T00:00:00+08:00',
  apiGroups: ['stock.read', 'stock.write'],
};

let api: TestApi;
let clientId: string;
let of: string;
let made = 0;

beforeAll(async () => {
  api = await startApi();
  for (const name of [...INPUT.apiGroups, 'not.held']) {
    await api.send('POST', '/api/v1/api-groups', { body: { name } });
  }
});
afterAll(() => api.close());
beforeEach(async () => {
  clientId = await makeClient();
  of = `/api/v1/clients/${clientId}/api-keys`;
});

async function makeClient(): Promise<string> {
  made += 1;
  const { apiGroups } = INPUT;
  const emails = ['ops@partner.example'];
  const body = { ...smallClient(`keys-${made}`), apiGroups, emails };
  return (await api.send('POST', '/api/v1/clients', { body })).body.clientId;
}

async function make(more: object = {}): Promise<ApiAnswer['body']> {
  const answer = await api.send('POST', of, { body: { ...INPUT, ...more } });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 201 });
  return answer.body;
}

/** The status of the key that a value opens now; null when it opens none, or no longer. */
async function opens(value: string): Promise<string | null> {
  await api.services.directory.sync();
  const found = await findKeyByValue(api.services, value);
  return found !== null && api.services.clock.now() < found.expiresAt ? found.apiKey.status : null;
}

describe('POST /clients/{clientId}/api-keys', () => {
  it('answers the value this once, with the document and its place', async () => {
    const answer = await api.send('POST', of, { body: INPUT });
    const { value, ...shown } = answer.body;
    expect(answer.status).toBe(201);
    expect(value).toMatch(/^tgk_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$/);
    expect(answer.headers.get('ETag')).toBe('"1"');
    const at = api.services.clock.now().toISOString();
    expect(shown).toEqual({
      ...INPUT,
      apiKeyId: expect.any(String),
      clientId,
      startsAt: null,
      expiresAt: '2027-12-30T16:00:00.000Z',
      status: 'enabled',
      lastFour: value.slice(-4),
      previousExpiresAt: null,
      state: { status: 'enabled' },
      lastUsed: null,
      ...{ version: 1, createdAt: at, updatedAt: at },
    });
    expect(answer.headers.get('Location')).toBe(`${of}/${shown.apiKeyId}`);
    for (const path of [`${of}/${shown.apiKeyId}`, `${ALL}/${shown.apiKeyId}`]) {
      expect(await api.send('GET', path)).toMatchObject({ status: 200, body: shown });
    }
    const texts = [of, ALL, '/api/v1/audit-events?limit=100', `/api/v1/clients/${clientId}`];
    for (const path of texts) {
      const { text } = await api.send('GET', path);
      expect(text).not.toContain('tgk_');
      expect(text).not.toContain(api.services.keys.digest('api_key', value));
    }
    expect(await opens(value)).toBe('enabled');
  });

  it.each([
    ['no alias', { alias: undefined }, 'alias', 'required'],
    ['a blank alias', { alias: '  ' }, 'alias', 'custom'],
    ['no end', { expiresAt: undefined }, 'expiresAt', 'required'],
    ['a null end', { expiresAt: null }, 'expiresAt', 'invalid_type'],
    ['an end that has passed', { expiresAt: '2027-02-28T00:00:00Z' }, 'expiresAt', 'in_the_past'],
    [
      'an end without an offset',
      { expiresAt: '2027-12-31T00:00:00' },
      'expiresAt',
      'invalid_format',
    ],
    ['a start after the end', { startsAt: '2028-01-01T00:00:00Z' }, 'expiresAt', 'before_start'],
    ['no groups', { apiGroups: undefined }, 'apiGroups', 'required'],
    ['an empty list of groups', { apiGroups: [] }, 'apiGroups', 'custom'],
    ['a repeated group', { apiGroups: ['stock.read', 'stock.read'] }, 'apiGroups', 'custom'],
    ['a group not held', { apiGroups: ['stock.read', 'not.held'] }, 'apiGroups.1', 'not_held'],
    ['an unknown group', { apiGroups: ['nothing'] }, 'apiGroups.0', 'not_held'],
    ['an unknown status', { status: 'locked' }, 'status', 'invalid_value'],
    ['an operator', { alias: { $gt: '' } }, 'alias', 'invalid_type'],
    ['a value of its own', { value: 'tgk_x' }, 'value', 'unknown_field'],
    ['a digest', { current: {} }, 'current', 'unknown_field'],
  ])('refuses %s', async (_, more, field, code) => {
    for (const query of ['', '?dryRun=true']) {
      const answer = await api.send('POST', `${of}${query}`, { body: { ...INPUT, ...more } });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field, code }] } });
    }
    expect((await api.send('GET', of)).body.total).toBe(0);
  });

  it('refuses an alias that is taken, and an unknown client', async () => {
    await make();
    for (const query of ['', '?dryRun=true']) {
      const body = { ...INPUT, alias: 'WAREHOUSE' };
      const taken = await api.send('POST', `${of}${query}`, { body });
      expect(taken).toMatchObject({ status: 409, body: { errors: [{ field: 'alias' }] } });
      const nowhere = `/api/v1/clients/nobody/api-keys${query}`;
      expect((await api.send('POST', nowhere, { body: INPUT })).status).toBe(404);
    }
  });

  it('makes nothing on a dry run', async () => {
    const mails = api.mails.length;
    const { status, body } = await api.send('POST', `${of}?dryRun=true`, { body: INPUT });
    expect({ status, alias: body.alias }).toEqual({ status: 200, alias: 'Warehouse' });
    expect(body).not.toHaveProperty('value');
    expect((await api.send('GET', of)).body.total).toBe(0);
    expect(api.mails.length).toBe(mails);
  });
});

describe('GET /api-keys and /clients/{clientId}/api-keys', () => {
  it('list, sort, search and filter', async () => {
    await make({ alias: 'Beta' });
    await make({ alias: 'alpha', expiresAt: '2027-06-01T00:00:00Z' });
    const other = await makeClient();
    const path = `/api/v1/clients/${other}/api-keys`;
    await api.send('POST', path, { body: { ...INPUT, alias: 'Gamma' } });
    const aliases = async (list: string) => {
      const { body } = await api.send('GET', list);
      expect(body.total).toBe(body.items.length);
      return body.items.map(({ alias }: { alias: string }) => alias);
    };
    expect(await aliases(`${of}?sort=alias`)).toEqual(['alpha', 'Beta']);
    expect(await aliases(`${of}?sort=-expiresAt`)).toEqual(['Beta', 'alpha']);
    expect(await aliases(`${of}?search=ALPH`)).toEqual(['alpha']);
    expect(await aliases(`${ALL}?clientId=${other}`)).toEqual(['Gamma']);
    expect(await aliases(`${ALL}?clientId=nobody`)).toEqual([]);
    expect(await aliases(`${ALL}?limit=100`)).toEqual(expect.arrayContaining(['alpha', 'Gamma']));
    expect((await api.send('GET', '/api/v1/clients/nobody/api-keys')).status).toBe(404);
    expect((await api.send('GET', `${of}?clientId=${other}`)).status).toBe(400);
  });

  it('answer a key below its own client only', async () => {
    const { apiKeyId } = await make();
    const elsewhere = `/api/v1/clients/${await makeClient()}/api-keys/${apiKeyId}`;
    const requests: [string, string, ApiRequest][] = [
      ['GET', elsewhere, {}],
      ['PATCH', elsewhere, { body: { alias: 'x' }, version: 1 }],
      ['DELETE', elsewhere, {}],
      ['POST', `${elsewhere}/rotate`, {}],
      ['GET', `${ALL}/nothing`, {}],
    ];
    for (const [method, path, request] of requests) {
      expect((await api.send(method, path, request)).status).toBe(404);
    }
    expect((await api.send('GET', `${of}/${apiKeyId}`)).body.version).toBe(1);
  });

  it('tell when and from where a key was last used', async () => {
    const { apiKeyId } = await make();
    const { lastUses, clock } = api.services;
    lastUses.note(`api_key:${apiKeyId}`, clock.now(), '192.0.2.7');
    await lastUses.flush();
    const lastUsed = { at: clock.now().toISOString(), address: '192.0.2.7' };
    expect((await api.send('GET', `${of}/${apiKeyId}`)).body.lastUsed).toEqual(lastUsed);
    expect((await api.send('GET', of)).body.items).toMatchObject([{ lastUsed }]);
  });

  it('tell the status as it is now', async () => {
    const soon = (seconds: number) =>
      new Date(api.services.clock.now().getTime() + seconds * 1000).toISOString();
    const { apiKeyId } = await make({ startsAt: soon(10), expiresAt: soon(20) });
    const state = async () => (await api.send('GET', `${of}/${apiKeyId}`)).body.state.status;
    expect(await state()).toBe('not_yet_effective');
    api.pass(10);
    expect(await state()).toBe('enabled');
    api.pass(10);
    expect(await state()).toBe('expired');
    await api.send('PATCH', `${of}/${apiKeyId}`, { body: { status: 'disabled' }, version: 1 });
    expect(await state()).toBe('disabled');
  });
});

describe('PATCH /clients/{clientId}/api-keys/{apiKeyId}', () => {
  it('changes what is named, at once', async () => {
    const { value, ...key } = await make();
    const path = `${of}/${key.apiKeyId}`;
    const body = {
      status: 'disabled',
      apiGroups: ['stock.read'],
      startsAt: '2027-01-01T00:00:00Z',
    };
    expect((await api.send('PATCH', `${path}?dryRun=true`, { body, version: 1 })).status).toBe(200);
    expect(await opens(value)).toBe('enabled');
    const changed = await api.send('PATCH', path, { body, version: 1 });
    expect(changed).toMatchObject({ status: 200, body: { ...body, startsAt: expect.any(String) } });
    expect(await opens(value)).toBe('disabled');
    const back = await api.send('PATCH', path, {
      body: { status: null, startsAt: null },
      version: 2,
    });
    expect(back.body).toMatchObject({ status: 'enabled', startsAt: null, version: 3 });
    expect(await opens(value)).toBe('enabled');
  });

  it('refuses a missing or stale version with the key as it is, without its digests', async () => {
    const { value: _, lastUsed: __, ...key } = await make();
    const path = `${of}/${key.apiKeyId}`;
    const body = { alias: 'Dock' };
    expect((await api.send('PATCH', path, { body })).status).toBe(428);
    const requests: [string, string, ApiRequest][] = [
      ['PATCH', path, { body, version: 7 }],
      ['DELETE', path, { version: 7 }],
      ['POST', `${path}/rotate`, { version: 7 }],
    ];
    for (const [method, at, request] of requests) {
      const stale = await api.send(method, at, request);
      expect(stale).toMatchObject({ status: 412, body: { code: 'version_conflict' } });
      expect(stale.body.current).toEqual(key);
    }
  });

  it.each([
    ['an empty list of groups', { apiGroups: [] }, 'apiGroups'],
    ['a group not held', { apiGroups: ['not.held'] }, 'apiGroups.0'],
    ['no end', { expiresAt: null }, 'expiresAt'],
    ['an end that has passed', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ['another client', { clientId: 'x' }, 'clientId'],
    ['a value', { value: 'tgk_x' }, 'value'],
  ])('refuses %s', async (_, body, field) => {
    const { apiKeyId } = await make();
    const answer = await api.send('PATCH', `${of}/${apiKeyId}`, { body, version: 1 });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });
});

describe('POST /clients/{clientId}/api-keys/{apiKeyId}/rotate', () => {
  it('answers the new value this once; the old one works for the grace period', async () => {
    const first = await make();
    const path = `${of}/${first.apiKeyId}`;
    const rotate = `${path}/rotate`;
    const { status, body } = await api.send('POST', rotate, { body: { graceSeconds: 600 } });
    const until = new Date(api.services.clock.now().getTime() + 600_000).toISOString();
    expect(status).toBe(201);
    expect(body).toMatchObject({ version: 2, previousExpiresAt: until });
    expect(body.value).not.toBe(first.value);
    expect(await opens(first.value)).toBe('enabled');
    expect(await opens(body.value)).toBe('enabled');
    api.pass(600);
    expect(await opens(first.value)).toBeNull();
    expect(await opens(body.value)).toBe('enabled');
    const { value: _, ...shown } = body;
    expect((await api.send('GET', path)).body).toEqual({ ...shown, previousExpiresAt: null });
  });

  it('ends the old value at once without a grace period, and does nothing on a dry run', async () => {
    const { apiKeyId, value } = await make();
    const rotate = `${of}/${apiKeyId}/rotate`;
    const preview = await api.send('POST', `${rotate}?dryRun=true`);
    expect(preview).toMatchObject({ status: 200, body: { version: 2 } });
    expect(preview.body).not.toHaveProperty('value');
    expect(await opens(value)).toBe('enabled');
    const { body } = await api.send('POST', rotate, { version: 1 });
    expect(await opens(value)).toBeNull();
    expect(await opens(body.value)).toBe('enabled');
  });

  it.each([-1, 1.5, '60', 30 * 86_400 + 1])(
    'refuses %j for the grace period',
    async (graceSeconds) => {
      const { apiKeyId } = await make();
      const answer = await api.send('POST', `${of}/${apiKeyId}/rotate`, { body: { graceSeconds } });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'graceSeconds' }] } });
    },
  );
});

describe('DELETE /clients/{clientId}/api-keys/{apiKeyId}', () => {
  it('ends the key now', async () => {
    const { apiKeyId, value } = await make();
    const path = `${of}/${apiKeyId}`;
    expect((await api.send('DELETE', `${path}?dryRun=true`)).status).toBe(200);
    expect(await opens(value)).toBe('enabled');
    expect((await api.send('DELETE', path, { version: 1 })).status).toBe(204);
    expect(await opens(value)).toBeNull();
    expect((await api.send('DELETE', path)).status).toBe(404);
  });

  it('happens to every key of a client that is deleted', async () => {
    const { apiKeyId, value } = await make();
    const client = `/api/v1/clients/${clientId}`;
    const preview = await api.send('DELETE', `${client}?dryRun=true`);
    expect(preview).toMatchObject({ status: 200, body: { apiKeys: 1 } });
    expect((await api.send('DELETE', client)).status).toBe(204);
    expect(await opens(value)).toBeNull();
    expect((await api.send('GET', `${ALL}/${apiKeyId}`)).status).toBe(404);
  });

  it('happens to no key of a client that loses its groups', async () => {
    const { apiKeyId, value } = await make();
    const client = `/api/v1/clients/${clientId}`;
    const body = { apiGroups: ['stock.write'] };
    await api.send('PATCH', client, { body, version: 1 });
    const left = (await api.send('GET', `${of}/${apiKeyId}`)).body;
    expect(left).toMatchObject({ apiGroups: ['stock.write'], version: 2 });
    await api.send('PATCH', client, { body: { apiGroups: [] }, version: 2 });
    expect((await api.send('GET', `${of}/${apiKeyId}`)).body).toMatchObject({
      ...{ apiGroups: [], version: 3 },
    });
    expect(await opens(value)).toBe('enabled');
  });
});
