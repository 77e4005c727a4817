import { describe, expect, it } from '@jest/globals';
import type { ApiKey } from '../../src/domain/api-keys/api-key.ts';
import { Catalog } from '../../src/domain/apis/catalog.ts';
import { type Client, UNLOCKED } from '../../src/domain/clients/client.ts';
import * as table from '../../src/domain/decision/checks.ts';
import { traceOf } from '../../src/domain/decision/explain.ts';
import { apiCall, type Facts, type Place, servedScopes } from '../../src/domain/decision/facts.ts';
import { REASONS, type ReasonCode } from '../../src/domain/decision/reasons.ts';
import type { User } from '../../src/domain/users/user.ts';
import {
  accessTokenOf,
  api,
  apiKeyOf,
  clientOf,
  familyOf,
  fromNow,
  group,
  levels,
  NOW,
  scope,
  userOf,
} from './support.ts';

const { CHECKS, CHECKS_AT } = table;
const firstRefusal = (facts: Facts) => table.firstRefusal(facts)?.reason ?? null;

const A = 'authentication';
const T = 'token';
const R = 'refresh';
const I = 'introspection';
const C = 'call';
const PLACES: Place[] = [A, T, R, I, C];

/** The product's table, written out. */
const PROMISED: Record<string, number> = {
  credential_missing: 401,
  credential_invalid: 401,
  token_expired: 401,
  token_revoked: 401,
  key_expired: 401,
  key_not_yet_effective: 401,
  key_disabled: 401,
  client_deleted: 403,
  client_disabled: 403,
  client_locked: 403,
  client_not_started: 403,
  client_expired: 403,
  outside_service_hours: 403,
  ip_not_allowed: 403,
  grant_not_allowed: 400,
  user_disabled: 403,
  user_locked: 403,
  user_not_allowed: 403,
  audience_mismatch: 403,
  level_too_low: 403,
  api_unknown: 403,
  group_not_granted: 403,
  tps_exceeded: 429,
  quota_exhausted: 429,
  token_uses_exhausted: 401,
};

describe('REASONS', () => {
  it('are the reason codes of the product, each with its status and a sentence', () => {
    const statuses = Object.entries(REASONS).map(([code, { status }]) => [code, status]);
    expect(Object.fromEntries(statuses)).toEqual(PROMISED);
    for (const { title } of Object.values(REASONS)) expect(title).toMatch(/^[^.]{10,80}$/);
  });
});

describe('CHECKS', () => {
  it('stand in the order of their numbers, each at some place, under a name of its own', () => {
    const numbers = CHECKS.map(({ number }) => number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
    for (const { places } of CHECKS) expect(places.size).toBeGreaterThan(0);
  });

  // product.md §4: status, dates, hours, IP and lock apply at the token endpoint and at refresh too.
  it.each([
    [A, [1, 3, 6]],
    [T, [3, 3, 4, 4, 5, 6, 7, 8]],
    [R, [1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 13]],
    [I, [1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 9, 10, 11, 12, 13]],
    [C, [1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 9, 10, 11, 12, 13]],
  ] as const)('at %s are %j', (place, numbers) => {
    expect(CHECKS_AT[place].map(({ number }) => number)).toEqual(numbers);
  });
});

const CATALOG = new Catalog(
  [
    api('list', 'GET /orders'),
    api('read', 'GET /orders/:id'),
    api('ship', 'POST /orders/:id/ship'),
    api('me', 'GET /me'),
  ],
  [
    group('orders.read', { securityLevel: 'C', audience: 'external', apis: ['list', 'read'] }),
    group('orders.ship', { apis: ['ship'] }),
    group('unheld', { apis: ['read'] }),
  ],
  [scope('profile', { securityLevel: 'B', apis: ['me'] })],
  levels(),
);
const ADDRESS = '192.0.2.10';
const TAIPEI_OFFICE = {
  timeZone: 'Asia/Taipei', // NOW is Thursday, 00:00 there
  windows: [{ days: ['wed' as const, 'thu' as const], from: '22:00', to: '06:00' }],
};

const CLIENT = clientOf({
  audience: 'external',
  securityLevel: 'C',
  apiGroups: ['orders.read', 'orders.ship'],
  grantTypes: ['client_credentials', 'password', 'refresh_token'],
  ipBindings: [{ hostName: 'hq', address: '192.0.2.0/24' }],
  userAllowlist: ['user-1'],
  startsAt: fromNow(-10),
  expiresAt: fromNow(10),
  serviceHours: TAIPEI_OFFICE,
  apiQuota: { calls: 500, period: 'day' },
});
const SERVER = clientOf({ clientId: 'server', kind: 'resource_server' });

/** Facts that every check of a place passes. */
function passing(place: Place): Facts {
  const shared = { place, now: NOW, client: CLIENT, address: ADDRESS, catalog: CATALOG };
  const user = { userId: 'user-1', user: userOf() };
  const token = accessTokenOf({ userId: 'user-1', grantType: 'password' });
  const call = apiCall(CATALOG, 'GET', '/orders/7');
  const access = { credential: { kind: 'access_token' as const, token }, caller: SERVER, call };
  const family = familyOf({ userId: 'user-1' });
  switch (place) {
    case A:
      return { ...shared, credential: { kind: 'client_secret' } };
    case T:
      return { ...shared, ...user, credential: { kind: 'client_secret' }, grantType: 'password' };
    case R: {
      const credential = { kind: 'refresh_token' as const, token: family, current: true };
      return { ...shared, ...user, credential, grantType: 'refresh_token' };
    }
    default:
      return { ...shared, ...user, ...access };
  }
}

type Change = (facts: Facts) => Facts;
const facts =
  (changes: Partial<Facts>): Change =>
  (f) => ({ ...f, ...changes });
const client =
  (changes: Partial<Client>): Change =>
  (f) => ({ ...f, client: f.client && { ...f.client, ...changes } });
const user =
  (changes: Partial<User>): Change =>
  (f) => ({ ...f, user: f.user ? { ...f.user, ...changes } : null });
const token =
  (changes: {
    expiresAt?: Date;
    revokedAt?: Date;
    uses?: number;
    maxUses?: number;
    scopes?: string[];
  }): Change =>
  (f) =>
    f.credential.kind === 'access_token'
      ? { ...f, credential: { ...f.credential, token: { ...f.credential.token, ...changes } } }
      : f.credential.kind === 'refresh_token'
        ? { ...f, credential: { ...f.credential, token: { ...f.credential.token, ...changes } } }
        : f;
/** The same call with an API key of the client in place of the token; keys do not come elsewhere. */
const key =
  (changes: Partial<ApiKey> = {}): Change =>
  (f) => {
    if (f.place !== I && f.place !== C) return f;
    const apiKey = apiKeyOf(changes);
    const { expiresAt } = apiKey;
    return { ...f, credential: { kind: 'api_key', apiKey, expiresAt }, userId: null, user: null };
  };
/** What the limits stand at, where somebody has looked. */
const read = (rate: { ok: boolean; used: number } | null, quotaUsed: number | null) =>
  facts({ readings: { rate: rate && { ...rate, retryAfterMs: 400 }, quotaUsed } });
const rotated: Change = (f) =>
  f.credential.kind === 'refresh_token'
    ? { ...f, credential: { ...f.credential, current: false } }
    : f;
const both =
  (...changes: Change[]): Change =>
  (f) =>
    changes.reduce((sum, change) => change(sum), f);
const bound = (...ranges: string[]) =>
  client({ ipBindings: ranges.map((address) => ({ hostName: '', address })) });
const called = (method: string, path: string) => facts({ call: apiCall(CATALOG, method, path) });
const hours = (
  timeZone: string,
  days: ['mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'],
  from: string,
  to: string,
) => client({ serviceHours: { timeZone, windows: [{ days, from, to }] } });
const LOCKED = { ...UNLOCKED, failedLogins: 3, lockedAt: fromNow(-5) };

/** In the order of the table: what makes each check refuse, and where it stands. */
const BREAKERS: [ReasonCode, Place[], Change][] = [
  ['credential_missing', [A, R, I, C], facts({ credential: { kind: 'missing' } })],
  ['credential_invalid', [A, R, I, C], facts({ credential: { kind: 'unknown' } })],
  ['token_revoked', [R, I, C], token({ revokedAt: fromNow(-1) })],
  ['token_expired', [R, I, C], token({ expiresAt: NOW })],
  ['key_disabled', [I, C], key({ status: 'disabled' })],
  ['key_not_yet_effective', [I, C], key({ startsAt: fromNow(1) })],
  ['key_expired', [I, C], key({ expiresAt: NOW })],
  ['client_deleted', [T, R, I, C], facts({ client: null })],
  ['client_disabled', [T, R, I, C], client({ status: 'disabled' })],
  ['client_locked', [A, T, R, I, C], client({ lock: LOCKED })],
  ['client_not_started', [T, R, I, C], client({ startsAt: fromNow(1) })],
  ['client_expired', [T, R, I, C], client({ expiresAt: NOW })],
  ['outside_service_hours', [T, R, I, C], hours('UTC', ['mon'], '09:00', '17:00')],
  ['ip_not_allowed', [A, T, R, I, C], facts({ address: '198.51.100.1' })],
  ['grant_not_allowed', [T, R], client({ grantTypes: ['authorization_code'] })],
  ['user_disabled', [T, R, I, C], user({ status: 'disabled' })],
  ['user_locked', [T, R, I, C], user({ lock: LOCKED })],
  ['user_not_allowed', [T, R, I, C], client({ userAllowlist: ['user-2'] })],
  ['level_too_low', [I, C], client({ securityLevel: 'SYSTEM' })],
  ['audience_mismatch', [I, C], client({ audience: 'internal' })],
  ['api_unknown', [I, C], called('GET', '/nothing')],
  ['group_not_granted', [I, C], called('POST', '/orders/7/ship')],
  ['tps_exceeded', [I, C], read({ ok: false, used: 10 }, null)],
  ['quota_exhausted', [I, C], read(null, 500)],
  ['token_uses_exhausted', [R, I, C], token({ uses: 10 })],
];

describe('every reason at every place', () => {
  it.each(PLACES)('%s lets through what is in order', (place) => {
    expect(firstRefusal(passing(place))).toBeNull();
  });

  it.each(
    BREAKERS.flatMap(([reason, places, change]) =>
      PLACES.map(
        (place) => [reason, place, places.includes(place) ? reason : null, change] as const,
      ),
    ),
  )('%s at %s: %s', (_, place, reason, change) => {
    expect(firstRefusal(change(passing(place)))).toBe(reason);
  });

  it('are all covered', () => {
    expect(BREAKERS.map(([reason]) => reason).sort()).toEqual(Object.keys(REASONS).sort());
  });
});

describe('an earlier check decides before a later one', () => {
  const pairs = BREAKERS.flatMap(([first, at, change], i) =>
    BREAKERS.slice(i + 1).flatMap(([second, alsoAt, other]) =>
      at
        .filter((place) => alsoAt.includes(place))
        .map((place) => [first, second, place, both(change, other)] as const),
    ),
  )
    // Only the levels and audiences of groups that hold the API count; here none does.
    .filter(
      ([first, second]) =>
        second !== 'group_not_granted' || !['level_too_low', 'audience_mismatch'].includes(first),
    )
    // A call names one API, a credential is of one kind; a key has no user and no uses.
    .filter(([first, second]) => !(first.startsWith('key_') && /^key_|^user_|uses/.test(second)))
    .filter(([first, second]) => !(/^token_|^credential_/.test(first) && second.startsWith('key_')))
    .filter(([first, second]) => !(first === 'tps_exceeded' && second === 'quota_exhausted'))
    .filter(([first, second]) => !(first === 'api_unknown' && second === 'group_not_granted'))
    .filter(
      ([first, second]) => !(first === 'credential_missing' && second === 'credential_invalid'),
    );

  it.each(pairs)('%s before %s at %s', (first, _, place, change) => {
    expect(firstRefusal(change(passing(place)))).toBe(first);
  });
});

type Row = [title: string, places: Place[], reason: ReasonCode | null, change: Change];

const ROWS: Row[] = [
  [
    'a token that expires in a millisecond',
    [R, I, C],
    null,
    token({ expiresAt: new Date(NOW.getTime() + 1) }),
  ],
  ['a refresh token that was replaced', [R], 'token_revoked', rotated],
  [
    'a replaced refresh token of an expired family',
    [R],
    'token_expired',
    both(rotated, token({ expiresAt: NOW })),
  ],
  [
    'a revoked token that has expired',
    [R, I, C],
    'token_revoked',
    token({ revokedAt: NOW, expiresAt: NOW }),
  ],

  ['a client of an unknown id before its secret', [A], null, facts({ client: null })],
  [
    'a locked and disabled client',
    [T, R, I, C],
    'client_disabled',
    client({ lock: LOCKED, status: 'disabled' }),
  ],
  [
    'failures that have not locked',
    PLACES,
    null,
    client({ lock: { ...UNLOCKED, failedLogins: 2 } }),
  ],

  ['a start at this instant', PLACES, null, client({ startsAt: NOW })],
  [
    'a start in a millisecond',
    [T, R, I, C],
    'client_not_started',
    client({ startsAt: new Date(NOW.getTime() + 1) }),
  ],
  ['an end in a millisecond', PLACES, null, client({ expiresAt: new Date(NOW.getTime() + 1) })],
  ['only a start, passed', PLACES, null, client({ startsAt: fromNow(-1), expiresAt: null })],
  [
    'only a start, to come',
    [T, R, I, C],
    'client_not_started',
    client({ startsAt: fromNow(1), expiresAt: null }),
  ],
  ['only an end, to come', PLACES, null, client({ startsAt: null, expiresAt: fromNow(1) })],
  [
    'only an end, passed',
    [T, R, I, C],
    'client_expired',
    client({ startsAt: null, expiresAt: fromNow(-1) }),
  ],
  ['no dates', PLACES, null, client({ startsAt: null, expiresAt: null })],
  [
    'start and end both wrong',
    [T, R, I, C],
    'client_not_started',
    client({ startsAt: fromNow(2), expiresAt: fromNow(-2) }),
  ],

  [
    'overnight hours, the morning after the right day',
    PLACES,
    null,
    hours('Asia/Taipei', ['wed'], '22:00', '06:00'),
  ],
  [
    'overnight hours of the day itself, before they begin',
    [T, R, I, C],
    'outside_service_hours',
    hours('Asia/Taipei', ['thu'], '22:00', '06:00'),
  ],
  [
    'overnight hours that ended this minute',
    [T, R, I, C],
    'outside_service_hours',
    hours('Asia/Taipei', ['wed'], '22:00', '00:00'),
  ],
  [
    'hours of the same weekday in another zone',
    PLACES,
    null,
    hours('UTC', ['wed'], '16:00', '16:01'),
  ],
  [
    'hours a minute early',
    [T, R, I, C],
    'outside_service_hours',
    hours('UTC', ['wed'], '16:01', '17:00'),
  ],
  ['hours until 24:00', PLACES, null, hours('America/New_York', ['wed'], '12:00', '24:00')],
  ['no hours', PLACES, null, client({ serviceHours: null })],

  ['the first address of a range', PLACES, null, facts({ address: '192.0.2.0' })],
  ['the last address of a range', PLACES, null, facts({ address: '192.0.2.255' })],
  ['the address behind a range', PLACES, 'ip_not_allowed', facts({ address: '192.0.3.0' })],
  ['one bound address', PLACES, null, bound(ADDRESS)],
  ['one other bound address', PLACES, 'ip_not_allowed', bound('192.0.2.11')],
  ['the second of two bindings', PLACES, null, bound('203.0.113.0/24', ADDRESS)],
  [
    'an IPv6 range',
    PLACES,
    null,
    both(bound('2001:db8::/32'), facts({ address: '2001:db8:1::7' })),
  ],
  [
    'an IPv6 address out of the range',
    PLACES,
    'ip_not_allowed',
    both(bound('2001:db8::/32'), facts({ address: '2001:db9::' })),
  ],
  ['an IPv4 address where all of IPv6 is bound', PLACES, 'ip_not_allowed', bound('::/0')],
  [
    'an IPv6 address where all of IPv4 is bound',
    PLACES,
    'ip_not_allowed',
    both(bound('0.0.0.0/0'), facts({ address: '::1' })),
  ],
  ['no bindings', PLACES, null, both(bound(), facts({ address: '198.51.100.1' }))],
  ['no address, no bindings', PLACES, null, both(bound(), facts({ address: null }))],
  ['no address, where one is needed', [A, T, R, C], 'ip_not_allowed', facts({ address: null })],
  ['no address told by a resource server', [I], null, facts({ address: null })],

  ['a grant type that was given', [T], null, facts({ grantType: 'client_credentials' })],
  [
    'a grant type that was not',
    [T],
    'grant_not_allowed',
    facts({ grantType: 'authorization_code' }),
  ],
  ['a grant type that does not exist', [T], 'grant_not_allowed', facts({ grantType: 'toString' })],
  ['no grant types at all', [T, R], 'grant_not_allowed', client({ grantTypes: [] })],
  ['a grant type taken away after the token was issued', [I, C], null, client({ grantTypes: [] })],
  ['refresh taken away', [R], 'grant_not_allowed', client({ grantTypes: ['password'] })],

  ['a user who is gone', [T, R, I, C], 'user_disabled', facts({ user: null })],
  [
    'a locked user off the allowlist',
    [T, R, I, C],
    'user_locked',
    both(user({ lock: LOCKED }), client({ userAllowlist: ['x'] })),
  ],
  ['an empty allowlist', PLACES, null, client({ userAllowlist: [] })],
  [
    'no user',
    PLACES,
    null,
    both(facts({ userId: null, user: null }), client({ userAllowlist: ['x'] })),
  ],

  [
    'a resource server that serves the group',
    [I, C],
    null,
    facts({ caller: { ...SERVER, servedApiGroups: ['orders.read'] } }),
  ],
  [
    'a resource server that serves another',
    [I, C],
    'audience_mismatch',
    facts({ caller: { ...SERVER, servedApiGroups: ['orders.ship'] } }),
  ],
  [
    'a caller that is no resource server and serves another',
    [I, C],
    null,
    facts({ caller: { ...SERVER, kind: 'partner', servedApiGroups: ['x'] } }),
  ],
  ['no caller', [I, C], null, facts({ caller: null })],
  ['a client of both audiences', [I, C], null, client({ audience: 'both' })],
  ['a client of a higher level', [I, C], null, client({ securityLevel: 'A' })],
  ['a client of a level that is gone', [I, C], 'level_too_low', client({ securityLevel: 'gone' })],
  [
    'a lower level where nothing is called',
    [I, C],
    'level_too_low',
    both(client({ securityLevel: 'SYSTEM' }), facts({ call: null })),
  ],
  [
    'a lower level, while another group of the token fits and nothing is called',
    [I, C],
    null,
    both(
      client({ securityLevel: 'SYSTEM' }),
      token({ scopes: ['orders.read', 'orders.ship'] }),
      facts({ call: null }),
    ),
  ],
  [
    'a lower level for the API called, while another group fits',
    [I, C],
    'level_too_low',
    both(client({ securityLevel: 'SYSTEM' }), token({ scopes: ['orders.read', 'orders.ship'] })),
  ],
  [
    'a lower level, asked about by the client itself',
    [I],
    null,
    both(client({ securityLevel: 'SYSTEM' }), (f) => ({ ...f, caller: f.client, call: null })),
  ],
  [
    'a group taken away after the token was issued',
    [I, C],
    'group_not_granted',
    client({ apiGroups: [] }),
  ],
  [
    'a group taken away where nothing is called',
    [I, C],
    null,
    both(client({ apiGroups: [] }), facts({ call: null })),
  ],

  ['a call that nobody names', [I, C], null, facts({ call: null })],
  ['a literal path', [I, C], null, called('GET', '/orders')],
  ['a trailing slash and a query', [I, C], null, called('GET', '/orders/?page=2')],
  ['another method', [I, C], 'api_unknown', called('DELETE', '/orders/7')],
  ['a dot segment', [I, C], 'api_unknown', called('GET', '/me/../orders')],
  ['an encoded dot segment', [I, C], 'api_unknown', called('GET', '/me/%2e%2e/orders')],
  ['an encoded slash', [I, C], 'api_unknown', called('GET', '/orders/a%2Fb')],
  ['a double slash', [I, C], 'api_unknown', called('GET', '//orders')],
  ['an API of no group that the token has', [I, C], 'group_not_granted', called('GET', '/me')],
  [
    'an API of a scope that the user consented to',
    [I, C],
    null,
    both(
      called('GET', '/me'),
      client({ apiScopes: ['profile'], securityLevel: 'B' }),
      token({ scopes: ['profile'] }),
    ),
  ],
  [
    'such a scope above the level',
    [I, C],
    'level_too_low',
    both(called('GET', '/me'), client({ apiScopes: ['profile'] }), token({ scopes: ['profile'] })),
  ],
  [
    'such a scope at a server of other groups',
    [I, C],
    null,
    both(
      called('GET', '/me'),
      client({ apiScopes: ['profile'], securityLevel: 'B' }),
      token({ scopes: ['profile'] }),
      facts({ caller: { ...SERVER, servedApiGroups: ['x'] } }),
    ),
  ],
  [
    'a group that the token has and the client never held',
    [I, C],
    'group_not_granted',
    token({ scopes: ['unheld'] }),
  ],
  ['a token without scopes', [I, C], 'group_not_granted', token({ scopes: [] })],

  ['an API key', [I, C], null, key()],
  [
    'a disabled key that has expired',
    [I, C],
    'key_disabled',
    key({ status: 'disabled', expiresAt: NOW }),
  ],
  ['a key that starts at this instant', [I, C], null, key({ startsAt: NOW })],
  [
    'a key that ends in a millisecond',
    [I, C],
    null,
    key({ expiresAt: new Date(NOW.getTime() + 1) }),
  ],
  [
    'a key without the group called',
    [I, C],
    'group_not_granted',
    key({ apiGroups: ['orders.ship'] }),
  ],
  [
    'a key of a group that its client has lost',
    [I, C],
    'group_not_granted',
    both(key(), client({ apiGroups: [] })),
  ],
  [
    'a key of a group above the level',
    [I, C],
    'level_too_low',
    both(key(), client({ securityLevel: 'SYSTEM' })),
  ],
  ['a key of a locked client', [I, C], 'client_locked', both(key(), client({ lock: LOCKED }))],

  ['the last call of a second', [I, C], null, read({ ok: true, used: 9 }, null)],
  ['no TPS', [I, C], null, both(client({ tps: 0 }), read({ ok: false, used: 10 }, null))],
  ['the last unit of a quota', [I, C], null, read(null, 499)],
  ['a quota that was lowered', [I, C], 'quota_exhausted', read(null, 501)],
  [
    'no quota',
    [I, C],
    null,
    both(client({ apiQuota: { calls: 0, period: 'day' } }), read(null, 501)),
  ],
  ['a weight that fits', [I, C], null, both(read(null, 497), facts({ weight: 3 }))],
  [
    'a weight that does not fit whole',
    [I, C],
    'quota_exhausted',
    both(read(null, 498), facts({ weight: 3 })),
  ],
  [
    'a weight over the uses left',
    [I, C],
    'token_uses_exhausted',
    both(token({ uses: 8 }), facts({ weight: 3 })),
  ],
  [
    'limits that are used up, for a retry that is paid for',
    [I, C],
    null,
    both(token({ uses: 10 }), read({ ok: false, used: 10 }, 500), facts({ isPaid: true })),
  ],

  ['the last use', [R, I, C], null, token({ uses: 9 })],
  ['uses beyond the limit', [R, I, C], 'token_uses_exhausted', token({ uses: 11 })],
  ['unlimited uses', [R, I, C], null, token({ uses: 1_000_000, maxUses: 0 })],
];

describe('the facts of one check', () => {
  it.each(
    ROWS.flatMap(([title, places, reason, change]) =>
      places.map((place) => [title, place, reason, change] as const),
    ),
  )('%s at %s: %s', (_, place, reason, change) => {
    expect(firstRefusal(change(passing(place)))).toBe(reason);
  });
});

describe('servedScopes', () => {
  const scopes = ['orders.read', 'orders.ship', 'profile', 'unheld'];
  const all = both(token({ scopes }), client({ apiScopes: ['profile'], securityLevel: 'B' }));
  it.each([
    ['any asker', SERVER, ['orders.read', 'orders.ship', 'profile']],
    [
      'a server of one group, scopes of users included',
      { ...SERVER, servedApiGroups: ['orders.ship'] },
      ['orders.ship', 'profile'],
    ],
    [
      'a partner',
      { ...SERVER, kind: 'partner' as const, servedApiGroups: ['x'] },
      ['orders.read', 'orders.ship', 'profile'],
    ],
    ['nobody', null, ['orders.read', 'orders.ship', 'profile']],
  ])('for %s', (_, caller, expected) => {
    expect(servedScopes({ ...all(passing(I)), caller })).toEqual(expected);
  });
});

describe('the trace', () => {
  it.each(
    BREAKERS.flatMap(([reason, places, change]) =>
      places.map((place) => [reason, place, change] as const),
    ),
  )('of %s at %s has every check, and what was seen and wanted', (reason, place, change) => {
    const trace = traceOf(change(passing(place)));
    expect(trace.map(({ check }) => check)).toEqual(CHECKS_AT[place].map(({ name }) => name));
    const refused = trace.find((entry) => entry.outcome === 'refused');
    expect(refused?.reason).toBe(reason);
    for (const entry of trace) {
      const isAsked = entry.outcome !== 'not_applicable';
      expect([entry.seen !== null, entry.wanted !== null]).toEqual([isAsked, isAsked]);
      expect(entry.reason === null).toBe(entry.outcome !== 'refused');
    }
  });

  it('goes on past the first refusal', () => {
    const change = both(client({ startsAt: fromNow(5), lock: LOCKED }), token({ uses: 10 }));
    const refused = traceOf(change(passing(C))).filter(({ outcome }) => outcome === 'refused');
    expect(refused.map(({ reason }) => reason)).toEqual([
      'client_locked',
      'client_not_started',
      'token_uses_exhausted',
    ]);
  });

  it.each<[ReasonCode, Change, Date | null]>([
    ['client_not_started', client({ startsAt: fromNow(90) }), fromNow(90)],
    [
      'outside_service_hours',
      hours('UTC', ['thu'], '09:00', '17:00'),
      new Date('2027-04-01T09:00:00Z'),
    ],
    ['client_expired', client({ expiresAt: NOW }), null],
    ['client_locked', client({ lock: LOCKED }), null],
    ['ip_not_allowed', facts({ address: '198.51.100.1' }), null],
    ['token_expired', token({ expiresAt: NOW }), null],
    ['token_uses_exhausted', token({ uses: 10 }), null],
  ])('says of %s when it will pass', (reason, change, passesAt) => {
    const trace = traceOf(change(passing(C)));
    expect(trace.find((entry) => entry.reason === reason)?.passesAt).toEqual(passesAt);
    const others = trace.filter((entry) => entry.outcome !== 'refused');
    expect(others.every((entry) => entry.passesAt === null)).toBe(true);
  });

  it('never shows a secret', () => {
    const secret = {
      secretId: 's',
      label: 'x',
      kind: 'password' as const,
      hash: 'HASH',
      createdAt: NOW,
      expiresAt: null,
    };
    const change = both(client({ secrets: [secret] }), user({ passwordHash: 'HASH' }));
    expect(JSON.stringify(traceOf(change(passing(C))))).not.toContain('HASH');
  });
});
