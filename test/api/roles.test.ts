import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { API_ROUTES } from '../../src/api/index.ts';
import { ROLES } from '../../src/domain/admins/admin.ts';
import { everyRoute, type Fixtures, makeFixtures, type RouteRow } from './every-route.ts';
import { type Sender, startApi, type TestApi } from './support.ts';

const SENDERS: Sender[] = ['guest', ...ROLES, 'bootstrap'];

/** Ids are known only once the server runs; the rows are the same whatever they are. */
const NO_IDS = {} as Fixtures;

let api: TestApi;
let rows: RouteRow[];

beforeAll(async () => {
  api = await startApi();
  rows = everyRoute(await makeFixtures(api));
});
afterAll(() => api.close());

function expectedStatus(row: RouteRow, sender: Sender): number {
  if (row.role === 'guest') return 200;
  if (sender === 'guest') return 401;
  if (sender === 'bootstrap') return 200;
  return ROLES.indexOf(sender) >= ROLES.indexOf(row.role) ? 200 : 403;
}

describe('roles', () => {
  const cases = everyRoute(NO_IDS).flatMap(({ method, template, role }, index) =>
    SENDERS.map((sender) => ({ method, template, role, sender, index })),
  );

  it.each(cases)('$method $template by $sender (needs $role)', async ({ sender, index }) => {
    const row = rows[index] as RouteRow;
    const { method, path, ...request } = row;
    const before = await state();
    const query = method === 'GET' ? '' : '?dryRun=true';
    const answer = await api.send(method, `${path}${query}`, { ...request, as: sender });
    expect({ status: answer.status, text: answer.text }).toEqual({
      status: expectedStatus(row, sender),
      text: expect.any(String),
    });
    if (answer.status === 403) {
      expect(answer.body.code).toBe('not_allowed');
      expect(answer.body.detail).toContain(`the role ${row.role}`);
    }
    if (answer.status === 401) {
      expect(answer.headers.get('WWW-Authenticate')).toMatch(/^Bearer /);
    }
    expect(answer.headers.get('Cache-Control')).toBe('no-store');
    expect(await state()).toEqual(before);
  });

  it('cover every registered route', () => {
    const declared = API_ROUTES.map(
      ({ method, path }) => `${method} /api${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    );
    const tried = rows.map(({ method, template }) => `${method} ${template}`);
    expect(tried.toSorted()).toEqual(declared.toSorted());
  });
});

/** What a change would leave behind: an audit event, or an entry in the change feed. */
async function state() {
  const { audit, changes } = api.services.stores;
  const { total } = await audit.list({ limit: 1 });
  return { events: total, position: (await changes.since(0))?.position, mails: api.mails.length };
}
