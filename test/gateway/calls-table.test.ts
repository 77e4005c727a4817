/**
 * The table of calls: what the client is, when and from where it calls, and the one reason for which
 * it is refused. Each row is asked at `/decide` and, as a proxy would, at `/forward-auth/traefik`; rows
 * about the address of the token endpoint are asked there.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findApiGroup, updateApiGroup } from '../../src/domain/apis/manage-api-groups.ts';
import type { ReasonCode } from '../../src/domain/decision/reasons.ts';
import { START, startApp, TESTER, type TestApp } from '../support/app.ts';
import type { Credentials } from '../support/server.ts';
import { basic, sendRaw } from '../support/server.ts';
import { FROM, forward } from './support.ts';

type Patch = Parameters<TestApp['updateClient']>[1];
type Window = { days: Weekday[]; from: string; to: string };
type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

let app: TestApp;
let gateway: Credentials;
beforeAll(async () => {
  app = await startApp({ env: { TRUSTED_PROXIES: 'loopback, 10.0.0.0/8, 2001:db8:ffff::/48' } });
  gateway = await app.createResourceServer();
  await app.createGroup('orders', { audience: 'both' }, ['GET /orders', 'GET /orders/:id']);
  await app.createGroup('files', { audience: 'both' }, ['* /files/*']);
  await app.createGroup('raised', {}, ['GET /raised']);
  await app.createGroup('outward', { audience: 'both' }, ['GET /outward']);
  await app.createGroup('unheld', {}, ['DELETE /orders/:id', 'GET /orders/export']);
});
afterAll(() => app.close());

type Expected = 'allowed' | ReasonCode;

/** A row; what it does not tell is a call that nothing speaks against. */
interface Row {
  client?: Patch;
  /** Moment of the call; default Monday noon, UTC. */
  at?: string;
  /** Address that the gateway reports; default 192.0.2.7. */
  from?: string;
  /** The chain as a proxy has it, where it is more than the address. */
  hops?: string | string[];
  /** Default `GET /orders`. */
  call?: string;
}

/** Asks at both doors; answers what each says. */
async function outcomes({ client: patch, at, from = FROM, hops, call = 'GET /orders' }: Row) {
  app.clock.set(START);
  const client = await app.createClient({
    apiGroups: ['orders', 'files'],
    accessToken: { lifetimeSeconds: 365 * 86_400, maxUses: 0 },
  });
  const { accessToken: token } = await app.grant(client);
  if (patch !== undefined) await app.updateClient(client.clientId, patch);
  if (at !== undefined) app.clock.set(at);
  const [method = '', uri = ''] = call.split(' ');
  const { headers } = await forward(app.url, 'traefik', gateway, {
    ...{ token, method, uri, from: hops ?? from },
  });
  const proxied = headers.get('X-Reason') ?? 'allowed';
  // A gateway that asks at /decide has read the chain itself, and must know the address.
  if (from === '') return { proxied };
  const { body } = await app.decide(gateway, { token, clientIp: from, method, path: uri });
  return { proxied, decided: body.reason ?? (body.allowed ? 'allowed' : 'no reason') };
}

function table(title: string, rows: [name: string, row: Row, expected: Expected][]): void {
  describe(title, () => {
    it.each(rows)('%s', async (_, row, expected) => {
      const told = await outcomes(row);
      expect(told).toEqual({
        proxied: expected,
        ...(row.from !== '' && { decided: expected }),
      });
    });
  });
}

const hours = (timeZone: string, ...windows: Window[]): Patch => ({
  serviceHours: { timeZone, windows },
});
const window = (days: Weekday[], from: string, to: string): Window => ({ days, from, to });
const dates = (startsAt: string | null, expiresAt: string | null): Patch => ({
  startsAt: startsAt === null ? null : new Date(startsAt),
  expiresAt: expiresAt === null ? null : new Date(expiresAt),
});
const bound = (...addresses: string[]): Patch => ({
  ipBindings: addresses.map((address) => ({ hostName: 'host', address })),
});
const NIGHT = hours('UTC', window(['mon', 'fri'], '22:00', '06:00'));
const WORKDAY = window(['mon', 'tue', 'wed', 'thu', 'fri'], '09:00', '17:30');
const EVERY: Weekday[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

table('dates, each on its own', [
  ['none', {}, 'allowed'],
  [
    'a start, a millisecond before it',
    { client: dates('2035-03-01T00:00:00Z', null), at: '2035-02-28T23:59:59.999Z' },
    'client_not_started',
  ],
  [
    'a start, at it',
    { client: dates('2035-03-01T00:00:00Z', null), at: '2035-03-01T00:00:00.000Z' },
    'allowed',
  ],
  [
    'a start, months after it',
    { client: dates('2035-03-01T00:00:00Z', null), at: '2035-12-31T00:00:00Z' },
    'allowed',
  ],
  [
    'an end, a millisecond before it',
    { client: dates(null, '2035-03-01T00:00:00Z'), at: '2035-02-28T23:59:59.999Z' },
    'allowed',
  ],
  [
    'an end, at it',
    { client: dates(null, '2035-03-01T00:00:00Z'), at: '2035-03-01T00:00:00.000Z' },
    'client_expired',
  ],
  ['an end, long before it', { client: dates(null, '2099-01-01T00:00:00Z') }, 'allowed'],
  ['an end in the past', { client: dates(null, '2034-12-31T23:59:59.999Z') }, 'client_expired'],
  [
    'an end with an offset, before it',
    { client: dates(null, '2035-03-01T00:00:00+08:00'), at: '2035-02-28T15:59:59.999Z' },
    'allowed',
  ],
  [
    'an end with an offset, at it',
    { client: dates(null, '2035-03-01T00:00:00+08:00'), at: '2035-02-28T16:00:00Z' },
    'client_expired',
  ],
  [
    'both, between them',
    { client: dates('2035-02-01T00:00:00Z', '2035-03-01T00:00:00Z'), at: '2035-02-14T00:00:00Z' },
    'allowed',
  ],
  [
    'both, before them',
    { client: dates('2035-02-01T00:00:00Z', '2035-03-01T00:00:00Z') },
    'client_not_started',
  ],
]);

table('service hours over midnight, Monday and Friday 22:00 to 06:00', [
  [
    'Monday, a millisecond before 22:00',
    { client: NIGHT, at: '2035-01-01T21:59:59.999Z' },
    'outside_service_hours',
  ],
  ['Monday 22:00', { client: NIGHT, at: '2035-01-01T22:00:00Z' }, 'allowed'],
  ['the midnight from Monday to Tuesday', { client: NIGHT, at: '2035-01-02T00:00:00Z' }, 'allowed'],
  [
    'Tuesday, a millisecond before 06:00',
    { client: NIGHT, at: '2035-01-02T05:59:59.999Z' },
    'allowed',
  ],
  ['Tuesday 06:00', { client: NIGHT, at: '2035-01-02T06:00:00Z' }, 'outside_service_hours'],
  [
    'Tuesday 22:00, as the window belongs to the day on which it starts',
    { client: NIGHT, at: '2035-01-02T22:00:00Z' },
    'outside_service_hours',
  ],
  [
    'Monday 03:00, as no window started on Sunday',
    { client: NIGHT, at: '2035-01-08T03:00:00Z' },
    'outside_service_hours',
  ],
  ['Saturday 05:59, out of Friday', { client: NIGHT, at: '2035-01-06T05:59:00Z' }, 'allowed'],
  ['Sunday 05:59', { client: NIGHT, at: '2035-01-07T05:59:00Z' }, 'outside_service_hours'],
  [
    'Sunday to Monday, over the edge of the week',
    { client: hours('UTC', window(['sun'], '22:00', '06:00')), at: '2035-01-08T05:59:59Z' },
    'allowed',
  ],
]);

table('service hours and 24:00', [
  [
    '18:00 to 24:00, the last millisecond',
    { client: hours('UTC', window(['mon'], '18:00', '24:00')), at: '2035-01-01T23:59:59.999Z' },
    'allowed',
  ],
  [
    '18:00 to 24:00, at midnight',
    { client: hours('UTC', window(['mon'], '18:00', '24:00')), at: '2035-01-02T00:00:00Z' },
    'outside_service_hours',
  ],
  [
    '00:00 to 24:00, the first millisecond',
    { client: hours('UTC', window(['tue'], '00:00', '24:00')), at: '2035-01-02T00:00:00Z' },
    'allowed',
  ],
  [
    '00:00 to 24:00 on every day, at midnight',
    { client: hours('UTC', window(EVERY, '00:00', '24:00')), at: '2035-01-06T00:00:00Z' },
    'allowed',
  ],
  [
    'two windows that meet, where they meet',
    {
      client: hours('UTC', window(['mon'], '18:00', '24:00'), window(['tue'], '00:00', '02:00')),
      at: '2035-01-02T00:00:00Z',
    },
    'allowed',
  ],
  [
    '00:00 to 09:00, the day before',
    { client: hours('UTC', window(['tue'], '00:00', '09:00')), at: '2035-01-01T23:59:59.999Z' },
    'outside_service_hours',
  ],
]);

table('service hours in other zones', [
  [
    'Asia/Kolkata, workdays, 09:00 there is 03:30 in UTC',
    { client: hours('Asia/Kolkata', WORKDAY), at: '2035-01-02T03:30:00Z' },
    'allowed',
  ],
  [
    'Asia/Kolkata, a millisecond earlier',
    { client: hours('Asia/Kolkata', WORKDAY), at: '2035-01-02T03:29:59.999Z' },
    'outside_service_hours',
  ],
  [
    'Asia/Kolkata, 17:30 there',
    { client: hours('Asia/Kolkata', WORKDAY), at: '2035-01-02T12:00:00Z' },
    'outside_service_hours',
  ],
  [
    'Asia/Kolkata, Saturday there while it is Friday in UTC',
    {
      client: hours('Asia/Kolkata', window(['sat'], '00:00', '01:00')),
      at: '2035-01-05T19:00:00Z',
    },
    'allowed',
  ],
  [
    'Asia/Kathmandu, 45 minutes off the hour',
    { client: hours('Asia/Kathmandu', WORKDAY), at: '2035-01-02T03:15:00Z' },
    'allowed',
  ],
  [
    'Pacific/Kiritimati, Tuesday there while it is Monday in UTC',
    {
      client: hours('Pacific/Kiritimati', window(['tue'], '00:00', '03:00')),
      at: '2035-01-01T12:00:00Z',
    },
    'allowed',
  ],
]);

// Berlin, 2035: clocks go forward on 25 March (02:00 becomes 03:00), back on 28 October (03:00 becomes 02:00).
const BERLIN_EARLY = hours('Europe/Berlin', window(['sat', 'sun'], '00:00', '02:30'));
const BERLIN_LATE = hours('Europe/Berlin', window(['sat'], '22:00', '03:30'));
// New York, 2035: forward on 11 March (02:00 becomes 03:00), back on 4 November (02:00 becomes 01:00).
const NEW_YORK = hours('America/New_York', window(['sun'], '01:30', '03:00'));
const NEW_YORK_NIGHT = hours('America/New_York', window(['sat'], '22:00', '01:30'));

table('service hours in the nights in which clocks change', [
  [
    'Berlin forward: 01:59, before the gap',
    { client: BERLIN_EARLY, at: '2035-03-25T00:59:59.999Z' },
    'allowed',
  ],
  [
    'Berlin forward: 03:00, as 02:30 fell into the gap',
    { client: BERLIN_EARLY, at: '2035-03-25T01:00:00Z' },
    'outside_service_hours',
  ],
  [
    'Berlin forward: over midnight until 03:30, at 03:29',
    { client: BERLIN_LATE, at: '2035-03-25T01:29:59.999Z' },
    'allowed',
  ],
  [
    'Berlin forward: over midnight until 03:30, at 03:30',
    { client: BERLIN_LATE, at: '2035-03-25T01:30:00Z' },
    'outside_service_hours',
  ],
  [
    'Berlin forward: 22:00 on the day before is 21:00 in UTC',
    { client: BERLIN_LATE, at: '2035-03-24T21:00:00Z' },
    'allowed',
  ],
  [
    'Berlin back: 02:29 for the first time',
    { client: BERLIN_EARLY, at: '2035-10-28T00:29:59Z' },
    'allowed',
  ],
  [
    'Berlin back: 02:30 for the first time',
    { client: BERLIN_EARLY, at: '2035-10-28T00:30:00Z' },
    'outside_service_hours',
  ],
  [
    'Berlin back: 02:29 for the second time',
    { client: BERLIN_EARLY, at: '2035-10-28T01:29:59Z' },
    'allowed',
  ],
  [
    'Berlin back: 02:30 for the second time',
    { client: BERLIN_EARLY, at: '2035-10-28T01:30:00Z' },
    'outside_service_hours',
  ],
  [
    'Berlin back: over midnight until 03:30, an hour longer',
    { client: BERLIN_LATE, at: '2035-10-28T02:29:59Z' },
    'allowed',
  ],
  ['New York forward: 01:30', { client: NEW_YORK, at: '2035-03-11T06:30:00Z' }, 'allowed'],
  [
    'New York forward: 03:00, half an hour later',
    { client: NEW_YORK, at: '2035-03-11T07:00:00Z' },
    'outside_service_hours',
  ],
  [
    'New York back: 01:30 for the first time',
    { client: NEW_YORK, at: '2035-11-04T05:30:00Z' },
    'allowed',
  ],
  [
    'New York back: 01:00 for the second time',
    { client: NEW_YORK, at: '2035-11-04T06:00:00Z' },
    'outside_service_hours',
  ],
  [
    'New York back: 01:30 for the second time',
    { client: NEW_YORK, at: '2035-11-04T06:30:00Z' },
    'allowed',
  ],
  ['New York back: 02:59, once', { client: NEW_YORK, at: '2035-11-04T07:59:59Z' }, 'allowed'],
  [
    'New York back: over midnight until 01:30, closed between',
    { client: NEW_YORK_NIGHT, at: '2035-11-04T05:45:00Z' },
    'outside_service_hours',
  ],
  [
    'New York back: over midnight until 01:30, open once more',
    { client: NEW_YORK_NIGHT, at: '2035-11-04T06:15:00Z' },
    'allowed',
  ],
]);

table('addresses and bindings', [
  ['no binding, any address', { from: '203.0.113.200' }, 'allowed'],
  ['the address that is bound', { client: bound('192.0.2.7') }, 'allowed'],
  ['its neighbour', { client: bound('192.0.2.8') }, 'ip_not_allowed'],
  ['the second of two', { client: bound('198.51.100.1', '192.0.2.7') }, 'allowed'],
  [
    'IPv4-mapped, bound as IPv4',
    { client: bound('192.0.2.7'), from: '::ffff:192.0.2.7' },
    'allowed',
  ],
  [
    'IPv4-mapped in hex, bound as IPv4',
    { client: bound('192.0.2.7'), from: '::ffff:c000:207' },
    'allowed',
  ],
  ['IPv4, bound as IPv4-mapped', { client: bound('::ffff:192.0.2.7') }, 'allowed'],
  ['IPv4, bound as an IPv4-mapped range', { client: bound('::ffff:192.0.2.0/120') }, 'allowed'],
  [
    'IPv4-mapped, outside',
    { client: bound('192.0.2.7'), from: '::ffff:192.0.2.8' },
    'ip_not_allowed',
  ],
  [
    'IPv4-compatible is not IPv4-mapped',
    { client: bound('192.0.2.7'), from: '::192.0.2.7' },
    'ip_not_allowed',
  ],
  ['a /29, its first address', { client: bound('192.0.2.8/29'), from: '192.0.2.8' }, 'allowed'],
  ['a /29, its last address', { client: bound('192.0.2.8/29'), from: '192.0.2.15' }, 'allowed'],
  [
    'a /29, the address before it',
    { client: bound('192.0.2.8/29'), from: '192.0.2.7' },
    'ip_not_allowed',
  ],
  [
    'a /29, the address after it',
    { client: bound('192.0.2.8/29'), from: '192.0.2.16' },
    'ip_not_allowed',
  ],
  ['a range with host bits', { client: bound('192.0.2.77/24'), from: '192.0.2.1' }, 'allowed'],
  ['a /32', { client: bound('192.0.2.7/32') }, 'allowed'],
  ['a /31, its other address', { client: bound('192.0.2.7/31'), from: '192.0.2.6' }, 'allowed'],
  ['0.0.0.0/0 for IPv4', { client: bound('0.0.0.0/0'), from: '255.255.255.255' }, 'allowed'],
  ['0.0.0.0/0 for IPv6', { client: bound('0.0.0.0/0'), from: '2001:db8::1' }, 'ip_not_allowed'],
  ['::/0 for IPv6', { client: bound('::/0'), from: '2001:db8::1' }, 'allowed'],
  ['::/0 for IPv4', { client: bound('::/0') }, 'ip_not_allowed'],
  [
    'IPv6, spelled otherwise',
    { client: bound('2001:DB8:0:0::1'), from: '2001:db8::0001' },
    'allowed',
  ],
  [
    'an IPv6 /33, its last address',
    { client: bound('2001:db8::/33'), from: '2001:db8:7fff:ffff:ffff:ffff:ffff:ffff' },
    'allowed',
  ],
  [
    'an IPv6 /33, the address after it',
    { client: bound('2001:db8::/33'), from: '2001:db8:8000::' },
    'ip_not_allowed',
  ],
  ['an IPv6 /128', { client: bound('2001:db8::1/128'), from: '2001:db8::1' }, 'allowed'],
]);

// Loopback, 10.0.0.0/8 and 2001:db8:ffff::/48 are trusted proxies; 198.51.100.9 is a stranger who lies.
const AT_HOME = bound('192.0.2.7', '2001:db8::7');

table('chains of hops that a proxy tells; the client is bound to 192.0.2.7 and 2001:db8::7', [
  ['the address alone', { client: AT_HOME, hops: '192.0.2.7' }, 'allowed'],
  [
    'a lie further left',
    { client: AT_HOME, from: '198.51.100.9', hops: '192.0.2.7, 198.51.100.9' },
    'ip_not_allowed',
  ],
  [
    'many lies further left',
    { client: AT_HOME, from: '198.51.100.9', hops: '192.0.2.7, 10.0.0.1, 192.0.2.7, 198.51.100.9' },
    'ip_not_allowed',
  ],
  [
    'a lie further left of the truth',
    { client: AT_HOME, hops: '198.51.100.9, 192.0.2.7' },
    'allowed',
  ],
  ['past a trusted proxy', { client: AT_HOME, hops: '192.0.2.7, 10.0.0.1' }, 'allowed'],
  [
    'past trusted proxies of both families',
    { client: AT_HOME, hops: '192.0.2.7, 2001:db8:ffff::5, 10.0.0.1' },
    'allowed',
  ],
  [
    'past a trusted proxy to a liar',
    { client: AT_HOME, from: '198.51.100.9', hops: '192.0.2.7, 198.51.100.9, 10.0.0.1' },
    'ip_not_allowed',
  ],
  [
    'a proxy that is not trusted',
    { client: AT_HOME, from: '172.16.0.1', hops: '192.0.2.7, 172.16.0.1' },
    'ip_not_allowed',
  ],
  [
    'proxies all the way',
    { client: AT_HOME, from: '10.0.0.2', hops: '10.0.0.2, 10.0.0.1' },
    'ip_not_allowed',
  ],
  [
    'repeated headers are one chain, the last the nearest',
    { client: AT_HOME, from: '198.51.100.9', hops: ['192.0.2.7', '198.51.100.9'] },
    'ip_not_allowed',
  ],
  [
    'repeated headers that end in the truth',
    { client: AT_HOME, hops: ['198.51.100.9', '192.0.2.7'] },
    'allowed',
  ],
  ['a port', { client: AT_HOME, hops: '192.0.2.7:4711' }, 'allowed'],
  ['brackets', { client: AT_HOME, from: '2001:db8::7', hops: '[2001:db8::7]' }, 'allowed'],
  [
    'brackets and a port',
    { client: AT_HOME, from: '2001:db8::7', hops: '[2001:db8::7]:4711' },
    'allowed',
  ],
  ['IPv4-mapped', { client: AT_HOME, hops: '::ffff:192.0.2.7' }, 'allowed'],
  ['spaces', { client: AT_HOME, hops: '  198.51.100.9 ,   192.0.2.7  ' }, 'allowed'],
  ['a zone: no address', { client: AT_HOME, from: '', hops: 'fe80::1%eth0' }, 'ip_not_allowed'],
  [
    'junk as the nearest: no address',
    { client: AT_HOME, from: '', hops: '192.0.2.7, unknown' },
    'ip_not_allowed',
  ],
  [
    'an empty nearest: no address',
    { client: AT_HOME, from: '', hops: '192.0.2.7,' },
    'ip_not_allowed',
  ],
  [
    'junk behind a trusted proxy hides the rest',
    { client: AT_HOME, from: '10.0.0.1', hops: '192.0.2.7, junk, 10.0.0.1' },
    'ip_not_allowed',
  ],
  [
    'junk further left does not matter',
    { client: AT_HOME, hops: '<script>, %00, 192.0.2.7' },
    'allowed',
  ],
  ['no address, and none is bound', { from: '', hops: 'unknown' }, 'allowed'],
]);

table('groups and APIs', [
  ['an API of a group that is held', { call: 'GET /orders/7' }, 'allowed'],
  ['the most specific API, which is not', { call: 'GET /orders/export' }, 'group_not_granted'],
  ['another method of the same path', { call: 'DELETE /orders/7' }, 'group_not_granted'],
  ['a method that no API has', { call: 'PUT /orders/7' }, 'api_unknown'],
  ['a path that no API has', { call: 'GET /invoices' }, 'api_unknown'],
  ['any method of a wildcard', { call: 'PATCH /files/a/b/c' }, 'allowed'],
  ['a query', { call: 'GET /orders?path=/invoices' }, 'allowed'],
  ['an encoded slash', { call: 'GET /orders%2Fexport' }, 'api_unknown'],
  ['a parent directory', { call: 'GET /files/../orders' }, 'api_unknown'],
  ['an encoded parent directory', { call: 'GET /files/%2e%2e/orders' }, 'api_unknown'],
  ['an encoded letter of a segment', { call: 'GET /%6frders' }, 'allowed'],
  ['another case of the path', { call: 'GET /Orders' }, 'api_unknown'],
  ['a trailing slash', { call: 'GET /orders/' }, 'allowed'],
  ['a group that was taken away', { client: { apiGroups: ['files'] } }, 'group_not_granted'],
  ['a client that was disabled', { client: { status: 'disabled' } }, 'client_disabled'],
]);

table('the first check that refuses decides', [
  [
    'disabled before the dates',
    { client: { status: 'disabled', ...dates(null, '2034-01-01T00:00:00Z') } },
    'client_disabled',
  ],
  [
    'the dates before the hours',
    { client: { ...NIGHT, ...dates(null, '2034-01-01T00:00:00Z') } },
    'client_expired',
  ],
  [
    'the hours before the address',
    { client: { ...NIGHT, ...bound('198.51.100.1') } },
    'outside_service_hours',
  ],
  [
    'the address before the API',
    { client: bound('198.51.100.1'), call: 'GET /invoices' },
    'ip_not_allowed',
  ],
]);

describe('levels and audiences that moved under a client', () => {
  it.each([
    ['raised', { securityLevel: 'A' }, 'level_too_low'],
    ['outward', { audience: 'external' }, 'audience_mismatch'],
  ] as const)('the group “%s” becomes %j: %s', async (name, patch, reason) => {
    app.clock.set(START);
    const client = await app.createClient({ apiGroups: [name, 'orders'] });
    const { accessToken: token } = await app.grant(client);
    const question = { token, clientIp: FROM, method: 'GET', path: `/${name}` };
    expect((await app.decide(gateway, question)).body.reason).toBeNull();
    const { version } = await findApiGroup(app.services, name);
    await updateApiGroup(app.services, TESTER, { id: name, version, patch });
    expect((await app.decide(gateway, question)).body.reason).toBe(reason);
    const proxied = await forward(app.url, 'traefik', gateway, { token, uri: `/${name}` });
    expect(proxied.headers.get('X-Reason')).toBe(reason);
    // What it still may is not touched.
    expect((await app.decide(gateway, { ...question, path: '/orders' })).body.allowed).toBe(true);
  });
});

/** Header fields, and the address for which the token endpoint takes their sender. */
type Sent = Record<string, string | string[]>;

describe('the token endpoint; the client is bound to 192.0.2.7 and 2001:db8::7', () => {
  it.each<[string, Sent, 'allowed' | 'ip_not_allowed']>([
    ['no header: the trusted proxy itself', {}, 'ip_not_allowed'],
    ['the address', { 'X-Forwarded-For': '192.0.2.7' }, 'allowed'],
    ['a lie further left', { 'X-Forwarded-For': '192.0.2.7, 198.51.100.9' }, 'ip_not_allowed'],
    [
      'a lie further left of the truth',
      { 'X-Forwarded-For': '198.51.100.9, 192.0.2.7' },
      'allowed',
    ],
    ['past a trusted proxy', { 'X-Forwarded-For': '192.0.2.7, 10.1.2.3' }, 'allowed'],
    [
      'past a proxy that is not trusted',
      { 'X-Forwarded-For': '192.0.2.7, 11.1.2.3' },
      'ip_not_allowed',
    ],
    [
      'repeated headers, the last the nearest',
      { 'X-Forwarded-For': ['192.0.2.7', '198.51.100.9'] },
      'ip_not_allowed',
    ],
    [
      'repeated headers that end in the truth',
      { 'X-Forwarded-For': ['198.51.100.9', '192.0.2.7'] },
      'allowed',
    ],
    ['a port', { 'X-Forwarded-For': '192.0.2.7:55000' }, 'allowed'],
    ['brackets and a port', { 'X-Forwarded-For': '[2001:db8::7]:55000' }, 'allowed'],
    ['a zone', { 'X-Forwarded-For': '2001:db8::7%eth0' }, 'ip_not_allowed'],
    ['IPv4-mapped', { 'X-Forwarded-For': '::ffff:192.0.2.7' }, 'allowed'],
    ['junk as the nearest', { 'X-Forwarded-For': '192.0.2.7, junk' }, 'ip_not_allowed'],
    ['junk further left', { 'X-Forwarded-For': 'junk, 192.0.2.7' }, 'allowed'],
    ['Forwarded', { Forwarded: 'for=192.0.2.7;proto=https' }, 'allowed'],
    ['Forwarded, IPv6', { Forwarded: 'for="[2001:db8::7]:55000"' }, 'allowed'],
    [
      'Forwarded, a lie further left',
      { Forwarded: 'for=192.0.2.7, for=198.51.100.9' },
      'ip_not_allowed',
    ],
    ['Forwarded, hidden', { Forwarded: 'for=_hidden' }, 'ip_not_allowed'],
    [
      'both, which agree',
      { 'X-Forwarded-For': '192.0.2.7', Forwarded: 'for=192.0.2.7' },
      'allowed',
    ],
    [
      'a Forwarded that the caller made up',
      { 'X-Forwarded-For': '198.51.100.9', Forwarded: 'for=192.0.2.7' },
      'ip_not_allowed',
    ],
    [
      'an X-Forwarded-For that the caller made up',
      { 'X-Forwarded-For': '192.0.2.7', Forwarded: 'for=198.51.100.9' },
      'ip_not_allowed',
    ],
    ['X-Real-IP, which nobody reads', { 'X-Real-IP': '192.0.2.7' }, 'ip_not_allowed'],
  ])('%s', async (_, headers, expected) => {
    app.clock.set(START);
    const client = await app.createClient(AT_HOME as Parameters<TestApp['createClient']>[0]);
    const { status, body } = await sendRaw(app.url, {
      method: 'POST',
      path: '/oauth2/token',
      body: 'grant_type=client_credentials',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Authorization: basic(client.clientId, client.secret),
        ...headers,
      },
    });
    if (expected === 'allowed') expect(body.access_token).toMatch(/^\S+$/);
    else expect(body.error_description).toMatch(new RegExp(`^${expected}: `));
    expect(status).toBe(expected === 'allowed' ? 200 : 401);
  });
});
