import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client } from '../../src/domain/clients/client.ts';
import { linkIn } from '../domain/support.ts';
import {
  everyRoute,
  type Fixtures,
  issueTokens,
  makeFixtures,
  type RouteRow,
} from './every-route.ts';
import { ADMIN_API_TOKEN, startApi, type TestApi } from './support.ts';

let api: TestApi;
let fixtures: Fixtures;

beforeAll(async () => {
  api = await startApi();
  fixtures = await makeFixtures(api);
});
afterAll(() => api.close());

const EVENTS = '/api/v1/audit-events';

interface ShownEvent {
  actor: object;
  action: string;
  object: { kind: string; id: string };
  changes: { field: string; before: unknown; after: unknown }[];
}

async function events(query = ''): Promise<ShownEvent[]> {
  const found: ShownEvent[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const { body } = await api.send('GET', `${EVENTS}?limit=100&cursor=${cursor}${query}`);
    found.push(...body.items);
    cursor = body.nextCursor;
  }
  return found;
}

describe('GET /audit-events', () => {
  it('shows a change field by field, by whom and from where', async () => {
    const path = `/api/v1/clients/${fixtures.clientId}`;
    const body = { tps: 77, note: 'audited', accessToken: { maxUses: 3 } };
    await api.send('PATCH', path, { as: 'operator', body, version: 1 });
    const [event] = await events(`&objectId=${fixtures.clientId}&action=client.update`);
    expect(event).toMatchObject({
      at: api.services.clock.now().toISOString(),
      actor: { kind: 'admin', id: api.admins.operator, address: '127.0.0.1' },
      action: 'client.update',
      object: { kind: 'client', id: fixtures.clientId },
    });
    expect(event?.changes.toSorted((a, b) => a.field.localeCompare(b.field))).toEqual([
      {
        field: 'accessToken',
        before: { lifetimeSeconds: 3600, maxUses: 0 },
        after: { lifetimeSeconds: 3600, maxUses: 3 },
      },
      { field: 'note', before: 'test', after: 'audited' },
      { field: 'tps', before: 10, after: 77 },
    ]);
  });

  it('filters by object, actor, action and time, and pages newest first', async () => {
    api.pass(3600);
    const from = api.services.clock.now().toISOString();
    for (const name of ['one', 'two', 'three']) {
      api.pass(1);
      const request = { as: 'owner', body: { name: `audited.${name}` } } as const;
      await api.send('POST', '/api/v1/api-groups', request);
    }
    const byOwner = await events(`&actorId=${api.admins.owner}&from=${encodeURIComponent(from)}`);
    const ids = byOwner.map((event) => event.object.id);
    expect(ids).toEqual(['audited.three', 'audited.two', 'audited.one']);
    expect(await events(`&objectKind=api_group&objectId=audited.two`)).toHaveLength(1);
    expect(await events(`&action=api_group.create&to=${encodeURIComponent(from)}`)).toHaveLength(2);
    const first = await api.send('GET', `${EVENTS}?limit=2&actorId=${api.admins.owner}`);
    const query = `limit=2&actorId=${api.admins.owner}&cursor=${first.body.nextCursor}`;
    const second = await api.send('GET', `${EVENTS}?${query}`);
    expect([...first.body.items, ...second.body.items]).toHaveLength(3);
    expect(second.body.nextCursor).toBeNull();
  });
});

describe('every change', () => {
  it('leaves one event, and no answer or event holds a secret', async () => {
    const secrets = new Set([ADMIN_API_TOKEN, ...Object.values(api.tokens)]);
    const answers: string[] = [];
    for (const row of inOrder(everyRoute(await freshFixtures()))) {
      const before = (await events()).length;
      const version = row.version && (await api.send('GET', row.path)).body.version;
      const request = { body: row.body, ...(version ? { version } : {}) };
      const answer = await api.send(row.method, row.path, request);
      expect(`${row.method} ${row.template} ${answer.text}`).not.toMatch(/"status":[45]/);
      const grown = (await events()).length - before;
      const label = `${row.method} ${row.template}`;
      const changes = row.method !== 'GET' && !row.path.endsWith('/simulate');
      expect({ label, grown }).toEqual({ label, grown: changes ? 1 : 0 });
      collectSecrets(row.body, answer.body, secrets);
      if (row.method === 'GET') answers.push(answer.text);
      await collectStored(secrets);
    }
    for (const mail of api.mails) secrets.add(linkIn(mail).split('token=')[1] ?? '');
    secrets.delete('');
    expect(secrets.size).toBeGreaterThan(15);
    for (const noun of ['clients', 'users', 'apis', 'admins', 'access-tokens', 'audit-events']) {
      answers.push((await api.send('GET', `/api/v1/${noun}?limit=100`)).text);
    }
    const all = answers.join('\n') + JSON.stringify(await events());
    expect([...secrets].filter((secret) => all.includes(secret))).toEqual([]);
  });
});

/** Reads, then changes, then deletions, of parts before the whole. */
function inOrder(rows: RouteRow[]): RouteRow[] {
  const rank = ({ method, path }: RouteRow) => {
    if (method !== 'DELETE') return method === 'GET' ? 0 : 1;
    return path.endsWith('/tokens') ? 3 : 4 - Number(path.split('/').length > 5) * 2;
  };
  return rows.toSorted((a, b) => rank(a) - rank(b));
}

/** The fixtures of this file, with a token that is still alive. */
async function freshFixtures(): Promise<Fixtures> {
  const { access } = await issueTokens(api.services, fixtures.clientId);
  return { ...fixtures, tokenId: access.tokenId };
}

/** Adds what was sent or answered once as a secret. */
function collectSecrets(sent: unknown, answered: unknown, secrets: Set<string>): void {
  const { password } = (sent ?? {}) as { password?: string };
  const once = (answered ?? {}) as {
    value?: string;
    secret?: { value: string | null };
    setUpLink?: { url: string };
  };
  const token = once.setUpLink?.url.split('token=')[1];
  for (const secret of [password, once.value, once.secret?.value, token]) {
    if (secret) secrets.add(secret);
  }
}

/** Adds what is stored in place of secrets: hashes and digests. */
async function collectStored(secrets: Set<string>): Promise<void> {
  const { admins, clients, personalAccessTokens, users } = api.services.stores;
  const page = { limit: 100 };
  const stored: (Client['secrets'][number] | object)[] = [
    ...(await clients.list(page)).items.flatMap((client) => client.secrets),
    ...(await users.list(page)).items,
    ...(await admins.list(page)).items,
    ...(await personalAccessTokens.list(page)).items,
  ];
  for (const record of stored as Record<string, string | null | undefined>[]) {
    for (const name of ['hash', 'passwordHash', 'digest']) {
      const value = record[name];
      if (value) secrets.add(value);
    }
  }
}
