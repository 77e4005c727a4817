import { afterEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '../../src/domain/errors.ts';
import { healthRoutes } from '../../src/http/health.ts';
import { startServer, type TestServer } from './support.ts';

let server: TestServer | null = null;
afterEach(async () => {
  await server?.close();
});

/** Starts the health routes over a store that answers, or does not. */
async function start(options: { token?: string; draining?: boolean; down?: boolean } = {}) {
  const ping = options.down
    ? () => Promise.reject(new DomainError('store_unavailable'))
    : async () => {};
  server = await startServer((app, { registry }) =>
    app.use(
      healthRoutes({
        stores: { ping },
        metrics: { read: () => registry.metrics() },
        metricsToken: options.token,
        isDraining: () => options.draining === true,
      }).routes(),
    ),
  );
  return server;
}

describe('/healthz', () => {
  it.each([{}, { draining: true }, { down: true }])('is alive with %j', async (options) => {
    const answer = await (await start(options)).send('/healthz');
    expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
  });
});

describe('/readyz', () => {
  it('is ready while the store answers', async () => {
    expect((await (await start()).send('/readyz')).status).toBe(200);
  });

  it('is not ready while the server drains', async () => {
    const answer = await (await start({ draining: true })).send('/readyz');
    expect([answer.status, answer.body]).toEqual([503, { status: 'draining' }]);
  });

  it('is not ready while the store does not answer', async () => {
    const { status, headers, body } = await (await start({ down: true })).send('/readyz');
    expect([status, headers.get('Retry-After'), body['error']]).toEqual([
      503,
      '1',
      'store_unavailable',
    ]);
  });
});

describe('/metrics', () => {
  const TOKEN = 'metrics-token-0123456789-0123456789';
  const from = (address: string) => ({ 'X-Forwarded-For': address });

  it.each<
    [title: string, token: string | undefined, headers: Record<string, string>, status: number]
  >([
    ['loopback without a token', undefined, {}, 200],
    ['a stranger behind a proxy without a token', undefined, from('203.0.113.9'), 401],
    [
      'a stranger with any token where there is none',
      undefined,
      { ...from('203.0.113.9'), Authorization: 'Bearer undefined' },
      401,
    ],
    ['a proxy that hides its caller', undefined, from('unknown'), 401],
    ['a proxy that tells it otherwise', undefined, { Forwarded: 'for=_hidden' }, 401],
    ['loopback without the token', TOKEN, {}, 401],
    [
      'a stranger with the token',
      TOKEN,
      { ...from('203.0.113.9'), Authorization: `Bearer ${TOKEN}` },
      200,
    ],
    ['a wrong token', TOKEN, { Authorization: `Bearer ${TOKEN.slice(1)}` }, 401],
    ['half a token', TOKEN, { Authorization: 'Bearer ' }, 401],
    ['another scheme', TOKEN, { Authorization: `Basic ${TOKEN}` }, 401],
  ])('to %s', async (_, token, headers, status) => {
    const answer = await (await start(token === undefined ? {} : { token })).send('/metrics', {
      headers,
    });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('WWW-Authenticate')).toBe(status === 401 ? 'Bearer' : null);
    expect(answer.text.includes('tollgate_http_request_duration_seconds')).toBe(status === 200);
  });

  it('are in the format of Prometheus', async () => {
    const running = await start();
    await running.send('/healthz');
    const { headers, text } = await running.send('/metrics');
    expect(headers.get('Content-Type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('route="/healthz",method="GET",status="200"');
  });
});
