import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Router from '@koa/router';
import type { Context } from 'koa';
import { DomainError, ERRORS, type ErrorCode, notFound } from '../../src/domain/errors.ts';
import type { RequestState } from '../../src/http/request-state.ts';
import { securityHeaders } from '../../src/http/security-headers.ts';
import { startServer, type TestServer } from './support.ts';

/** What the routes do, each under its own path. */
const DEEDS: Record<string, (ctx: Context) => void> = {
  fine: (ctx) => {
    ctx.body = { state: ctx.state };
  },
  refused: (ctx) => {
    Object.assign(ctx.state, {
      reason: 'ip_not_allowed',
      decisionId: 'decision-1',
      clientId: 'orders',
    });
    ctx.body = { active: false };
  },
  secrets: (ctx) => {
    (ctx.state as RequestState).presentedSecrets = ['s3cret-in-state'];
    throw new DomainError('overloaded', { cause: new Error('the pool is full') });
  },
  'not-found': () => {
    throw notFound('client', 'x');
  },
  unknown: () => {
    throw new Error('SELECT hash FROM clients: disk I/O error at /var/lib/db');
  },
  teapot: (ctx) => ctx.throw(418, 'short and stout'),
  hidden: (ctx) => ctx.throw(502, 'upstream 10.0.0.7 said no'),
  text: () => {
    // biome-ignore lint/style/useThrowOnlyError: strangers' code throws anything
    throw 'a text';
  },
  nothing: () => {
    // biome-ignore lint/style/useThrowOnlyError: strangers' code throws anything
    throw null;
  },
};

let server: TestServer;
beforeAll(async () => {
  const router = new Router();
  for (const [name, deed] of Object.entries(DEEDS)) router.get(`/${name}/:id`, deed);
  router.get('/codes/:code', (ctx: Context) => {
    throw new DomainError(ctx['params'].code as ErrorCode, { retryAfterSeconds: 7 });
  });
  server = await startServer((app) => app.use(securityHeaders).use(router.routes()));
});
afterAll(() => server.close());
beforeEach(() => {
  server.lines.length = 0;
});

describe('a request', () => {
  it('gets an id, an arrival time and an address', async () => {
    const { headers, body } = await server.send('/fine/1', {
      headers: { 'X-Forwarded-For': '203.0.113.9' },
    });
    const id = headers.get('X-Request-Id');
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(body['state']).toEqual({
      requestId: id,
      arrivedAt: '2027-03-31T16:00:00.000Z',
      arrivedMs: expect.any(Number),
      address: '203.0.113.9',
    });
  });

  it.each([
    ['gateway-7f3a.01', true],
    ['x'.repeat(64), true],
    ['short', false],
    ['x'.repeat(65), false],
    ['has space in it', false],
    ['<script>alert</script>', false],
  ])('keeps the id %j of its caller: %s', async (id, kept) => {
    const { headers } = await server.send('/fine/1', { headers: { 'X-Request-Id': id } });
    expect(headers.get('X-Request-Id') === id).toBe(kept);
  });

  it('is logged with its pattern, and not with path, query, body or headers', async () => {
    const headers = { Authorization: 'Bearer s3cret-header', Cookie: 'a=s3cret-cookie' };
    await server.send('/not-found/s3cret-path?token=s3cret-query', { headers });
    expect(server.lines).toHaveLength(1);
    expect(server.lines[0]).toMatchObject({
      msg: 'request',
      route: '/not-found/:id',
      method: 'GET',
      status: 404,
    });
    expect(server.lines[0]).toMatchObject({
      address: '127.0.0.1',
      requestId: expect.any(String),
      ms: expect.any(Number),
    });
    expect(JSON.stringify(server.lines)).not.toContain('s3cret');
  });

  it.each([
    ['fine', 20],
    ['refused', 30],
    ['not-found', 30],
    ['unknown', 50],
  ])('to /%s is logged at level %i', async (path, level) => {
    await server.send(`/${path}/1`);
    expect(server.lines.find(({ msg }) => msg === 'request')?.['level']).toBe(level);
  });

  it('that was refused names reason, decision and client in log and metrics', async () => {
    await server.send('/refused/1');
    expect(server.lines[0]).toMatchObject({
      reason: 'ip_not_allowed',
      decisionId: 'decision-1',
      clientId: 'orders',
    });
    const metrics = await server.metrics.registry.metrics();
    expect(metrics).toMatch(/tollgate_refusals_total\{reason="ip_not_allowed"\} [1-9]/);
  });

  it('is counted by pattern, method and status; unknown paths are one series', async () => {
    for (const path of ['/a', '/b', '/c?d']) await server.send(path);
    await server.send('/fine/7');
    const metrics = await server.metrics.registry.metrics();
    expect(metrics).toContain('route="none",method="GET",status="404"');
    expect(metrics).toContain('route="/fine/:id",method="GET",status="200"');
    expect(metrics).not.toContain('/fine/7');
  });

  it('never logs what was presented as a secret', async () => {
    await server.send('/secrets/1');
    expect(server.lines.length).toBeGreaterThan(0);
    expect(JSON.stringify(server.lines)).not.toContain('s3cret');
  });
});

describe('an error', () => {
  it.each(Object.entries(ERRORS))(
    '%s has its status, title and request id',
    async (code, { status, title }) => {
      const answer = await server.send(`/codes/${code}`);
      const requestId = answer.headers.get('X-Request-Id');
      expect(answer.status).toBe(status);
      expect(answer.body).toEqual({ error: code, error_description: title, request_id: requestId });
    },
  );

  it.each(['too_many_attempts', 'overloaded', 'store_unavailable'])(
    '%s says when to retry',
    async (code) => {
      expect((await server.send(`/codes/${code}`)).headers.get('Retry-After')).toBe('7');
    },
  );

  it('of 503 always says when to retry', async () => {
    expect((await server.send('/secrets/1')).headers.get('Retry-After')).toBe('1');
  });

  it.each([
    ['unknown', 500, 'server_error'],
    ['text', 500, 'server_error'],
    ['nothing', 500, 'server_error'],
    ['teapot', 418, 'invalid_request'],
    ['hidden', 500, 'server_error'],
  ])('that nobody meant (%s) tells nothing but its id', async (path, status, error) => {
    const answer = await server.send(`/${path}/1`);
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({ error, request_id: answer.headers.get('X-Request-Id') });
  });

  it('that nobody meant stands in the log, under the same id', async () => {
    const { headers } = await server.send('/unknown/1');
    const failed = server.lines.find(({ msg }) => msg === 'request failed');
    expect(failed).toMatchObject({ level: 50, requestId: headers.get('X-Request-Id') });
    expect(JSON.stringify(failed)).toContain('disk I/O error');
  });
});

describe('security headers', () => {
  it.each(['/fine/1', '/not-found/1', '/unknown/1', '/nowhere'])(
    'are on the answer of %s',
    async (path) => {
      const { headers } = await server.send(path);
      const policy = headers.get('Content-Security-Policy') ?? '';
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
      ]) {
        expect(policy.split('; ')).toContain(part);
      }
      expect(policy).not.toMatch(/unsafe|\*|http:/);
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
      expect(headers.get('X-Frame-Options')).toBe('DENY');
      expect(headers.get('Referrer-Policy')).toBe('no-referrer');
      expect(headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
    },
  );

  it.each([
    ['https', 'max-age=31536000'],
    ['http', null],
  ])('demand https where the server is on %s', async (protocol, value) => {
    const set: Record<string, string> = {};
    const ctx = { protocol, set: (headers: Record<string, string>) => Object.assign(set, headers) };
    await securityHeaders(ctx as unknown as Context, async () => {});
    expect(set['Strict-Transport-Security'] ?? null).toBe(value);
  });
});
