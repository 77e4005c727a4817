import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { apiSettings } from '../../src/domain/apis/api.ts';
import { Catalog } from '../../src/domain/apis/catalog.ts';
import { api, clientOf, group, levels, scope } from './support.ts';

const isPath = (path: string) => apiSettings.safeParse({ method: 'GET', path, name: '' }).success;

describe('the path pattern of an API', () => {
  it.each([
    '/',
    '/*',
    '/orders',
    '/orders/:id',
    '/orders/:id/items/:item_2',
    '/files/*',
    '/orders/:id/*',
    '/v1.0/a-b_c~d',
    "/a!$&'()+,;=@b",
    '/caf%C3%A9',
    '/%E2%82%AC/:id',
    `/${'a'.repeat(499)}`,
  ])('may be %s', (path) => {
    expect(isPath(path)).toBe(true);
  });

  it.each([
    '',
    'orders',
    '//',
    '/orders/',
    '/orders//items',
    '/orders/:',
    '/orders/:1',
    '/:a-b',
    '/:id.json',
    '/orders*',
    '/*/orders',
    '/**',
    '/orders?x=1',
    '/orders#x',
    '/or ders',
    '/café',
    '/a\\b',
    '/a\n',
    '/./a',
    '/a/..',
    '/../a',
    '/%2e%2e/a',
    '/a%2Fb',
    '/a%5cb',
    '/a%00',
    '/%3Aid',
    '/a/%2a',
    '/%zz',
    '/%ff',
    '/a%',
    `/${'a'.repeat(500)}`,
    'https://orders.example/a',
    '/..;/a',
  ])('may not be %j', (path) => {
    expect(isPath(path)).toBe(false);
  });

  it('is checked in no time, however long', () => {
    const started = performance.now();
    for (const path of [`/${':a/'.repeat(160)}!`, `/${'a'.repeat(498)}*`]) isPath(path);
    expect(performance.now() - started).toBeLessThan(200);
  });
});

/** The first match in a catalog of these routes, whatever order they were made in. */
function firstOf(routes: string[], method: string, path: string): string | null {
  const pick = (all: string[]) =>
    new Catalog(
      all.map((route) => api(route, route)),
      [],
      [],
      [],
    ).match(method, path)[0]?.apiId ?? null;
  const found = pick(routes);
  expect(pick(routes.toReversed())).toBe(found);
  return found;
}

describe('Catalog.match', () => {
  it.each([
    [
      'literal over parameter',
      ['GET /orders/:id', 'GET /orders/latest'],
      'GET',
      '/orders/latest',
      'GET /orders/latest',
    ],
    [
      'parameter where nothing literal fits',
      ['GET /orders/:id', 'GET /orders/latest'],
      'GET',
      '/orders/7',
      'GET /orders/:id',
    ],
    [
      'parameter over rest',
      ['GET /orders/*', 'GET /orders/:id'],
      'GET',
      '/orders/7',
      'GET /orders/:id',
    ],
    [
      'long rest over short rest',
      ['GET /*', 'GET /orders/*'],
      'GET',
      '/orders/7/items',
      'GET /orders/*',
    ],
    [
      'a rest below a parameter over the rest of everything',
      ['GET /*', 'GET /orders/:id/*'],
      'GET',
      '/orders/7/items',
      'GET /orders/:id/*',
    ],
    ['fewer parameters', ['GET /:a/:b', 'GET /:a/items'], 'GET', '/x/items', 'GET /:a/items'],
    [
      'the earlier literal',
      ['GET /:a/items', 'GET /orders/:b'],
      'GET',
      '/orders/items',
      'GET /orders/:b',
    ],
    [
      'a named method over any method',
      ['* /orders', 'GET /orders'],
      'GET',
      '/orders',
      'GET /orders',
    ],
    [
      'any method where no other fits',
      ['* /orders', 'GET /orders'],
      'DELETE',
      '/orders',
      '* /orders',
    ],
    [
      'a literal path of any method over a parameter',
      ['* /orders/latest', 'GET /orders/:id'],
      'GET',
      '/orders/latest',
      '* /orders/latest',
    ],
    ['the rest may be nothing', ['GET /files/*'], 'GET', '/files', 'GET /files/*'],
    ['the root', ['GET /'], 'GET', '/', 'GET /'],
    ['the rest of the root', ['GET /*'], 'GET', '/', 'GET /*'],
  ])('%s wins', (_, routes, method, path, winner) => {
    expect(firstOf(routes, method, path)).toBe(winner);
  });

  const all = ['GET /orders', 'GET /orders/:id', 'POST /orders', 'GET /files/*', 'GET /caf%C3%A9'];

  it.each([
    ['GET', '/orders', 'GET /orders'],
    ['get', '/orders', null],
    ['POST', '/orders', 'POST /orders'],
    ['PUT', '/orders', null],
    ['HEAD', '/orders', null],
    ['GET', '/Orders', null],
    ['GET', '/ORDERS', null],
    ['GET', '/orders/', 'GET /orders'],
    ['GET', '/orders/7/', 'GET /orders/:id'],
    ['GET', '/orders//', null],
    ['GET', '//orders', null],
    ['GET', '/orders//7', null],
    ['GET', '/orders?x=/../1', 'GET /orders'],
    ['GET', '/orders#x', null],
    ['GET', '/orders#/../files/1', null],
    ['GET', '/orders /x', null],
    ['GET', '/orders\t', null],
    ['GET', '/orders/7?x#y', 'GET /orders/:id'],
    ['GET', '/orders/%37', 'GET /orders/:id'],
    ['GET', '/%6Frders', 'GET /orders'],
    ['GET', '/orders/a%2Fb', null],
    ['GET', '/orders/a%2fb', null],
    ['GET', '/orders/a%5Cb', null],
    ['GET', '/orders/a\\b', null],
    ['GET', '/orders/%00', null],
    ['GET', '/orders/%', null],
    ['GET', '/orders/%ff', null],
    ['GET', '/files/.', null],
    ['GET', '/files/..', null],
    ['GET', '/files/../orders', null],
    ['GET', '/files/%2e%2e/orders', null],
    ['GET', '/files/.%2E/orders', null],
    ['GET', '/files/..;/orders', null],
    ['GET', '/files/..;x=1/orders', null],
    ['GET', '/files/.;/orders', null],
    ['GET', '/files/..x/orders', 'GET /files/*'],
    ['GET', '/files/a;v=1/b', 'GET /files/*'],
    ['GET', '/files/a/b/c.txt', 'GET /files/*'],
    ['GET', '/caf%C3%A9', 'GET /caf%C3%A9'],
    ['GET', '/café', 'GET /caf%C3%A9'],
    ['GET', 'orders', null],
    ['GET', '', null],
    ['GET', 'https://evil.example/orders', null],
    ['*', '/orders', null],
    ['GET', '/orders/:id', 'GET /orders/:id'],
    ['GET', '/nothing', null],
  ])('of %s %s is %s', (method, path, found) => {
    const catalog = new Catalog(
      all.map((route) => api(route, route)),
      [],
      [],
      [],
    );
    expect(catalog.match(method, path)[0]?.apiId ?? null).toBe(found);
  });

  it('never takes a path apart in two ways: what it matches has no dot segment, however written', () => {
    const piece = fc.constantFrom(
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '/',
      '%2f',
      '\\',
      ';',
      'a',
      '%',
      '%25',
      '?',
    );
    const catalog = new Catalog([api('any', '* /*')], [], [], []);
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        if (catalog.match('GET', path).length === 0) return;
        const plain = decodeURIComponent(path.split('?')[0] ?? '');
        expect(plain).not.toMatch(/\\|\/\/|(^|\/)\.\.?(;|\/|$)/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('Catalog.holdingProblem', () => {
  const names = ['A', 'B', 'C', 'SYSTEM'];
  const audiences = ['internal', 'external', 'both'] as const;
  const groups = names.flatMap((securityLevel) =>
    audiences.map((audience) => group(`${securityLevel}.${audience}`, { securityLevel, audience })),
  );
  const scopes = names.map((securityLevel) => scope(`scope.${securityLevel}`, { securityLevel }));
  const catalog = new Catalog([], groups, scopes, levels());

  const rows = names.flatMap((own, i) =>
    audiences.flatMap((audience) =>
      groups.map((held) => {
        const isTooHigh = names.indexOf(held.securityLevel) < i;
        const fits = [held.audience, audience].includes('both') || held.audience === audience;
        const problem = isTooHigh ? 'level_too_low' : fits ? null : 'audience_mismatch';
        return [own, audience, held.name, problem] as const;
      }),
    ),
  );

  it.each(rows)(
    'of a client at %s, %s, with %s is %s',
    (securityLevel, audience, name, problem) => {
      expect(catalog.holdingProblem({ securityLevel, audience }, name)).toBe(problem);
    },
  );

  it.each([
    ['A', 'scope.A', null],
    ['SYSTEM', 'scope.SYSTEM', null],
    ['C', 'scope.B', 'level_too_low'],
    ['C', 'scope.C', null],
    ['A', 'nothing', 'level_too_low'],
    ['gone', 'scope.SYSTEM', 'level_too_low'],
  ] as const)('of a client at %s with %s is %s', (securityLevel, name, problem) => {
    for (const audience of audiences) {
      expect(catalog.holdingProblem({ securityLevel, audience }, name)).toBe(problem);
    }
  });

  it('decides what a client can use of what it holds', () => {
    const client = clientOf({
      securityLevel: 'C',
      audience: 'external',
      apiGroups: ['C.both', 'B.both', 'SYSTEM.internal', 'SYSTEM.external', 'gone', 'scope.C'],
      apiScopes: ['scope.C', 'scope.A', 'C.both'],
    });
    expect([...catalog.usableBy(client)]).toEqual(['C.both', 'SYSTEM.external', 'scope.C']);
  });

  it('finds every group and scope that holds an API', () => {
    const holding = { apis: ['api-1'] };
    const held = new Catalog([], [group('g', holding), group('x')], [scope('s', holding)], []);
    expect([held.holdersOf('api-1'), held.holdersOf('api-2')]).toEqual([['g', 's'], []]);
  });
});
