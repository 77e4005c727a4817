import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { z } from 'zod';
import { API_ROUTES } from '../../src/api/index.ts';
import { ERRORS } from '../../src/domain/errors.ts';
import { everyRoute, makeFixtures } from './every-route.ts';
import { type ApiAnswer, startApi, type TestApi } from './support.ts';

let api: TestApi;
let document: ApiAnswer['body'];

beforeAll(async () => {
  api = await startApi();
  document = (await api.send('GET', '/api/openapi.json', { as: 'guest' })).body;
});
afterAll(() => api.close());

async function lint(source: object) {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source: JSON.stringify(source), config });
  return problems.map(({ severity, ruleId, message }) => `${severity} ${ruleId}: ${message}`);
}

describe('GET /api/openapi.json', () => {
  it('passes the recommended rules of Redocly without an error or a warning', async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await lint(document)).toEqual([]);
  });

  it('would not pass them if it were wrong', async () => {
    expect((await lint({ ...document, paths: { '/x': { get: {} } } })).length).toBeGreaterThan(0);
  });

  it('describes every registered route, and no other', () => {
    const described = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const registered = API_ROUTES.map(
      ({ method, path }) => `${method} /api${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    );
    expect(described.toSorted()).toEqual(registered.toSorted());
  });

  it('names every operation once', () => {
    const ids = API_ROUTES.map(({ handler }) => handler.name);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z][A-Za-z]+$/.test(id))).toEqual([]);
  });

  it('knows every error code', () => {
    const codes = document.components.schemas.Problem.properties.code.enum;
    expect(codes).toEqual(expect.arrayContaining(Object.keys(ERRORS)));
  });

  it('describes every answer as it is: real, dry and refused', async () => {
    const rows = everyRoute(await makeFixtures(api));
    // Reads and dry runs first, so that what they are about still exists; deletions last.
    const isDeletion = (method: string) => Number(method === 'DELETE');
    const real = rows.toSorted((a, b) => isDeletion(a.method) - isDeletion(b.method));
    for (const { method, template, path, ...request } of rows) {
      if (method === 'GET') continue;
      const dry = await api.send(method, `${path}?dryRun=true`, request);
      expect(mismatch(method, template, dry)).toBeNull();
      const refused = await api.send(method, `${path}?unknown=1`, request);
      expect(refused.status).toBe(400);
      expect(mismatch(method, template, refused)).toBeNull();
    }
    const ownVersion = async (path: string) => (await api.send('GET', path)).body.version;
    for (const { method, template, path, version, body } of real) {
      if (path.includes('/tokens/')) continue;
      const read = version === undefined ? {} : { version: await ownVersion(path) };
      const answer = await api.send(method, path, { body, ...read });
      expect(`${method} ${template} ${answer.status} ${answer.text}`).toMatch(
        / (200|201|204|404) /,
      );
      expect(mismatch(method, template, answer)).toBeNull();
    }
  });
});

/** What an answer has that its description has not; null when they agree. */
function mismatch(method: string, template: string, answer: ApiAnswer): string | null {
  const { responses } = document.paths[template][method.toLowerCase()];
  const described = responses[answer.status];
  const where = `${method} ${template} ${answer.status}`;
  if (described === undefined) return `${where}: not described: ${answer.text}`;
  const { content } = described.$ref ? document.components.responses.Problem : described;
  if (content === undefined) return answer.text === '' ? null : `${where}: ${answer.text}`;
  const type = answer.headers.get('Content-Type')?.split(';')[0] ?? '';
  const schema = content[type]?.schema;
  if (schema === undefined) return `${where}: ${type} is not described`;
  const text = JSON.stringify({ ...schema, $defs: document.components.schemas });
  const rule = z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')));
  const result = rule.safeParse(answer.body);
  return result.success ? null : `${where}: ${z.prettifyError(result.error)}\n${answer.text}`;
}
