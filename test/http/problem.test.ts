import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Koa from 'koa';
import { DomainError } from '../../src/domain/errors.ts';
import { problems } from '../../src/http/problem.ts';
import { startApi } from '../api/support.ts';

/** What the application throws at the next request. */
let thrown: unknown;
const logged: object[] = [];
const app = new Koa();
app.use(problems({ error: (fields) => void logged.push(fields) }));
app.use(() => {
  throw thrown;
});
const server = createServer(app.callback());
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

async function answerTo(error: unknown) {
  thrown = error;
  logged.length = 0;
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe('problem documents (RFC 9457)', () => {
  it.each([
    ['an error', new Error('password=hunter2')],
    ['text', 'password=hunter2'],
    ['nothing', undefined],
  ])('tell nothing of %s that nobody meant; the log has it', async (_, error) => {
    const answer = await answerTo(error);
    expect(answer.status).toBe(500);
    expect(answer.body).toMatchObject({ code: 'internal_error', errors: [] });
    expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    expect(logged).toEqual([{ err: error, method: 'GET', path: '/' }]);
  });

  it('say when to retry', async () => {
    const error = new DomainError('too_many_attempts', { retryAfterSeconds: 7 });
    const answer = await answerTo(error);
    expect(answer).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } });
    expect(answer.headers.get('Retry-After')).toBe('7');
    expect(logged).toEqual([]);
  });

  it('answer 503 with Retry-After when the store is gone', async () => {
    const api = await startApi();
    await api.services.stores.close();
    const answers = await Promise.all([
      api.send('GET', '/api/v1/clients'),
      api.send('GET', '/api/v1/clients', { as: 'viewer' }),
      api.send('POST', '/api/v1/api-scopes', { body: { name: 'x' } }),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
    }
    expect(api.errors).toEqual([]);
    await api.close();
  });
});
