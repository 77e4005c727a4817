import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apiGroupFixture, eventOf } from '../support/contract-fixtures.ts';
import { smallClient, startApi, type TestApi } from './support.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

async function create(noun: string, body: object) {
  const answer = await api.send('POST', `/api/v1/${noun}`, { body });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 201 });
  return answer.body;
}

/** Each noun: how one is made and changed, and where it is found. */
const NOUNS = [
  {
    noun: 'apis',
    id: 'apiId',
    body: { method: 'GET', path: '/orders/:id' },
    defaults: { name: '' },
    change: { name: 'Read an order' },
    taken: 'path',
  },
  {
    noun: 'api-groups',
    id: 'name',
    body: { name: 'orders.read' },
    defaults: {
      displayName: '',
      description: '',
      securityLevel: 'SYSTEM',
      audience: 'both',
      apis: [],
    },
    change: { displayName: 'Orders', audience: 'external', securityLevel: 'C' },
    taken: 'name',
  },
  {
    noun: 'api-scopes',
    id: 'name',
    body: { name: 'profile.read' },
    defaults: { displayName: '', description: '', securityLevel: 'SYSTEM', apis: [] },
    change: { description: 'Read your profile', securityLevel: 'B' },
    taken: 'name',
  },
  {
    noun: 'security-levels',
    id: 'name',
    body: { name: 'D', rank: 150 },
    defaults: { displayName: '' },
    change: { displayName: 'Between', rank: 160 },
    taken: 'name',
  },
] as const;

describe.each(NOUNS)('/$noun', ({ noun, id, body, defaults, change, taken }) => {
  it('lives from POST over GET and PATCH to DELETE', async () => {
    const dry = await api.send('POST', `/api/v1/${noun}?dryRun=true`, { body });
    expect(dry).toMatchObject({ status: 200, body: { ...body, ...defaults } });
    const answer = await api.send('POST', `/api/v1/${noun}`, { body });
    const created = answer.body;
    expect(created).toMatchObject({ ...body, ...defaults, version: 1 });
    const path = `/api/v1/${noun}/${created[id]}`;
    expect(answer.headers.get('Location')).toBe(path);
    expect((await api.send('GET', path)).body).toEqual(created);

    const preview = await api.send('PATCH', `${path}?dryRun=true`, { body: change, version: 1 });
    expect(preview.body).toMatchObject({ ...change, version: 2 });
    expect((await api.send('GET', path)).body).toEqual(created);
    const changed = await api.send('PATCH', path, { body: change, version: 1 });
    expect(changed).toMatchObject({ status: 200, body: { ...change, version: 2 } });
    expect(changed.headers.get('ETag')).toBe('"2"');
    const stale = await api.send('PATCH', path, { body: change, version: 1 });
    expect(stale).toMatchObject({ status: 412, body: { current: changed.body } });
    expect((await api.send('PATCH', path, { body: change })).status).toBe(428);

    for (const query of ['', '?dryRun=true']) {
      const again = await api.send('POST', `/api/v1/${noun}${query}`, { body });
      expect(again).toMatchObject({ status: 409, body: { errors: [{ field: taken }] } });
    }

    const reset = Object.fromEntries(Object.keys(change).map((field) => [field, null]));
    if ('rank' in reset) delete reset.rank;
    const back = await api.send('PATCH', path, { body: reset, version: 2 });
    expect(back.body).toMatchObject({ ...defaults, version: 3 });

    expect((await api.send('DELETE', path, { version: 1 })).status).toBe(412);
    expect((await api.send('DELETE', `${path}?dryRun=true`)).status).toBe(200);
    expect((await api.send('DELETE', path, { version: 3 })).status).toBe(204);
    for (const method of ['GET', 'DELETE']) {
      expect(await api.send(method, path)).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
  });
});

describe('names of API groups and API scopes', () => {
  it.each([
    ['api-groups', 'api-scopes'],
    ['api-scopes', 'api-groups'],
  ])('are one space: %s first, then %s', async (first, second) => {
    const name = `one.${first}`;
    await create(first, { name });
    const answer = await api.send('POST', `/api/v1/${second}`, { body: { name } });
    expect(answer.status).toBe(409);
    expect(answer.body.errors).toMatchObject([{ field: 'name', code: 'taken' }]);
  });

  it.each(
    ['api-groups', 'api-scopes'].flatMap((noun) => ['.', '..'].map((name) => ({ noun, name }))),
  )('are refused where URLs would lose them: $noun, $name', async ({ noun, name }) => {
    const answer = await api.send('POST', `/api/v1/${noun}`, { body: { name } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(answer.body.errors).toMatchObject([
      { field: 'name', message: expect.stringContaining(`"${name}" stands for a folder in URLs`) },
    ]);
    await create(noun, { name: `${name}${noun}` });
  });

  it('that URLs lose can still be read in the list, and held, where they are stored already', async () => {
    const { stores } = api.services;
    const stored = apiGroupFixture({ name: '..', securityLevel: 'SYSTEM', apis: [] });
    await stores.apiGroups.insert(stored, eventOf('api_group.create', '..'));
    const list = await api.send('GET', '/api/v1/api-groups?search=..');
    expect(list.body.items).toContainEqual(expect.objectContaining({ name: '..' }));
    const body = { ...smallClient('holder-of-dots'), apiGroups: ['..'], audience: stored.audience };
    expect((await api.send('POST', '/api/v1/clients', { body })).status).toBe(201);
  });
});

describe('references of the catalog', () => {
  it('must lead somewhere', async () => {
    for (const noun of ['api-groups', 'api-scopes']) {
      const body = { name: 'lost', securityLevel: 'NONE', apis: ['nothing', 'nowhere'] };
      const answer = await api.send('POST', `/api/v1/${noun}`, { body });
      expect(answer.status).toBe(400);
      expect(answer.body.errors).toMatchObject([
        { field: 'securityLevel', code: 'unknown' },
        { field: 'apis.0', code: 'unknown' },
        { field: 'apis.1', code: 'unknown' },
      ]);
    }
  });

  it('keep what they name from being deleted, on a dry run too', async () => {
    const { apiId } = await create('apis', { method: '*', path: '/held/*' });
    await create('security-levels', { name: 'HELD', rank: 10 });
    await create('api-groups', { name: 'held.group', securityLevel: 'HELD', apis: [apiId] });
    await create('api-scopes', { name: 'held.scope', securityLevel: 'HELD' });
    const more = { clientId: 'holder', apiGroups: ['held.group'], apiScopes: ['held.scope'] };
    await create('clients', { ...smallClient('holder'), ...more });
    const held = {
      [`apis/${apiId}`]: 'held.group',
      'security-levels/HELD': 'held.group',
      'api-groups/held.group': 'holder',
      'api-scopes/held.scope': 'holder',
    };
    for (const [path, holder] of Object.entries(held)) {
      for (const query of ['', '?dryRun=true']) {
        const answer = await api.send('DELETE', `/api/v1/${path}${query}`);
        expect({ path, ...answer }).toMatchObject({ status: 409, body: { code: 'in_use' } });
        expect(answer.body.detail).toContain(holder);
      }
    }
  });

  it('follow a group to another level or audience', async () => {
    const { apiId } = await create('apis', { method: 'PUT', path: '/moved' });
    await create('api-groups', { name: 'moved', apis: [apiId] });
    const body = { securityLevel: 'A', audience: 'internal', apis: [] };
    const answer = await api.send('PATCH', '/api/v1/api-groups/moved', { body, version: 1 });
    expect(answer).toMatchObject({ status: 200, body });
    expect((await api.send('DELETE', `/api/v1/apis/${apiId}`)).status).toBe(204);
  });
});

describe('security levels', () => {
  it.each(['.', '..'])('have no name that URLs would lose: %s', async (name) => {
    const body = { name, rank: 777 };
    const answer = await api.send('POST', '/api/v1/security-levels', { body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ field: 'name' }]);
  });

  it('start as A, B, C and SYSTEM, ranked', async () => {
    const { body } = await api.send('GET', '/api/v1/security-levels?sort=-rank&search=');
    const names = body.items.map((level: { name: string }) => level.name);
    expect(names.slice(0, 4)).toEqual(['A', 'B', 'C', 'SYSTEM']);
  });

  it('never lose SYSTEM, the default', async () => {
    const answer = await api.send('DELETE', '/api/v1/security-levels/SYSTEM');
    expect(answer).toMatchObject({ status: 409, body: { code: 'in_use' } });
  });

  it('have ranks of their own', async () => {
    for (const query of ['', '?dryRun=true']) {
      const body = { name: 'TWIN', rank: 400 };
      const answer = await api.send('POST', `/api/v1/security-levels${query}`, { body });
      expect(answer).toMatchObject({ status: 409, body: { errors: [{ field: 'rank' }] } });
    }
  });
});
