import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  CLIENT_DEFAULTS,
  clientIdRule,
  clientSettings,
  GRANT_TYPES,
  MAX_COUNT,
  MAX_LIFETIME_SECONDS,
  passwordRule,
} from '../../src/domain/clients/client.ts';
import { clientPatch, newClient } from '../../src/domain/clients/client-input.ts';
import { characterCount, instant, line, parse, unique } from '../../src/domain/validation.ts';
import { problemsOf } from './support.ts';

const REQUIRED = { clientName: 'orders', displayName: 'Orders', note: 'nightly' };

/** A public key as JWK (RFC 7517). */
function publicJwk(type: string, options: object) {
  const make = generateKeyPairSync as (type: string, options: object) => { publicKey: KeyObject };
  return make(type, options).publicKey.export({ format: 'jwk' });
}

const emoji = (count: number) => '🗝'.repeat(count);
const accents = (count: number) => 'é'.repeat(count);
const names = (count: number) => Array.from({ length: count }, (_, i) => `name-${i}`);
const addresses = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    hostName: 'h',
    address: `10.0.${i >> 8}.${i & 255}`,
  }));
const mails = (count: number) => names(count).map((name) => `${name}@partner.example`);
const uris = (count: number) => names(count).map((name) => `https://partner.example/${name}`);
const hours = (windows: number) => ({
  timeZone: 'Asia/Taipei',
  windows: Array.from({ length: windows }, () => ({ days: ['mon'], from: '09:00', to: '17:00' })),
});
const jwk = publicJwk('ec', { namedCurve: 'P-256' });
const okp = publicJwk('ed25519', {});
const rsa = (modulusLength: number) => publicJwk('rsa', { modulusLength });
const token = (lifetimeSeconds: unknown, maxUses: unknown) => ({ lifetimeSeconds, maxUses });
const quota = (calls: unknown, period: unknown = 'day') => ({ calls, period });

/** Of each field, values at the edge that pass and values beyond it that do not. */
const LIMITS: Record<string, { good: unknown[]; bad: unknown[] }> = {
  clientName: {
    good: ['a', 'A-z_9', 'x'.repeat(50)],
    bad: ['', 'x'.repeat(51), 'a b', 'a.b', 'é', 'a\n', 7],
  },
  applicationNo: { good: ['', emoji(100), accents(100)], bad: [emoji(101), 'a\nb', null, 7] },
  displayName: {
    good: ['a', emoji(100), '50% "quoted" <b>'],
    bad: ['', '   ', emoji(101), 'a\tb', 'a\u0000b', 'a\u007fb'],
  },
  description: { good: ['', emoji(500), 'two\nlines'], bad: [emoji(501), 'x'.repeat(501)] },
  ipBindings: {
    good: [[], addresses(1000)],
    bad: [addresses(1001), [{ hostName: 'h', address: '1.2.3' }], [{ address: '1.2.3.4' }], {}],
  },
  startsAt: {
    good: [null, '2027-03-31T00:00:00Z', '2027-03-31T00:00:00.123+08:00'],
    bad: ['2027-03-31', '2027-03-31T00:00:00', '2027-02-30T00:00:00Z', 1, ''],
  },
  expiresAt: {
    good: [null, '2028-02-29T23:59:59-05:00'],
    bad: ['2027-02-29T00:00:00Z', '2027-03-31 00:00:00Z', 'soon'],
  },
  serviceHours: {
    good: [null, hours(1), hours(50)],
    bad: [
      hours(0),
      hours(51),
      { ...hours(1), timeZone: 'Mars/Olympus' },
      { ...hours(1), timeZone: '+08:00' },
    ],
  },
  apiQuota: {
    good: [quota(0), quota(MAX_COUNT, 'total')],
    bad: [quota(-1), quota(MAX_COUNT + 1), quota(1.5), quota('5'), quota(1, 'year'), { calls: 1 }],
  },
  timeZone: { good: [null, 'Asia/Taipei'], bad: ['Mars/Olympus', '+08:00', '', 8] },
  tps: {
    good: [0, 1, 1_000_000],
    bad: [-1, 1_000_001, 0.5, '10', Number.NaN, Number.POSITIVE_INFINITY, null],
  },
  priority: { good: [0, 9], bad: [-1, 10, 4.5, '5'] },
  note: { good: ['a', emoji(200)], bad: ['', ' ', emoji(201), 'a\r\nb'] },
  status: { good: ['enabled', 'disabled'], bad: ['locked', 'Enabled', '', true] },
  audience: { good: ['internal', 'external', 'both'], bad: ['all', ''] },
  emails: {
    good: [[], mails(10)],
    bad: [
      mails(11),
      ['nobody'],
      ['a@b.example', 'a@b.example'],
      [`${'x'.repeat(250)}@b.example`],
      'a@b.example',
    ],
  },
  remark: { good: ['', emoji(300)], bad: [emoji(301)] },
  environment: { good: ['development', 'testing', 'production'], bad: ['staging'] },
  userAllowlist: {
    good: [[], names(10_000), ['x'.repeat(40)]],
    bad: [names(10_001), [''], ['x'.repeat(41)], ['a', 'a']],
  },
  securityLevel: { good: ['A', 'x'.repeat(50)], bad: ['', 'x'.repeat(51)] },
  apiGroups: {
    good: [[], names(2000), ['a.b:c-d_E9'], ['x'.repeat(50)]],
    bad: [['a b'], [''], ['x'.repeat(51)], ['a', 'a'], ['é']],
  },
  apiScopes: { good: [[], ['orders:read']], bad: [['a"b'], ['a\\b']] },
  grantTypes: { good: [[], [...GRANT_TYPES]], bad: [['implicit'], ['password', 'password']] },
  accessToken: {
    good: [token(1, 0), token(MAX_LIFETIME_SECONDS, MAX_COUNT)],
    bad: [
      token(0, 0),
      token(MAX_LIFETIME_SECONDS + 1, 0),
      token(1, -1),
      token(1, MAX_COUNT + 1),
      token('60', 0),
      { maxUses: 0 },
    ],
  },
  refreshToken: { good: [token(1, 0)], bad: [token(-1, 0), token(1.5, 0)] },
  redirectUris: {
    good: [[], uris(100)],
    bad: [
      uris(101),
      ['http://partner.example/'],
      ['https://p.example/#f'],
      ['https://p.example/', 'https://p.example/'],
    ],
  },
  failedLoginLimit: { good: [1, 1000], bad: [0, 1001, 2.5] },
  kind: { good: ['partner', 'resource_server'], bad: ['gateway'] },
  servedApiGroups: { good: [[], ['orders.read']], bad: [['a b']] },
  jwks: {
    good: [null, { keys: [jwk, okp, rsa(2048)] }, { keys: [{ ...jwk, kid: '1', use: 'sig' }] }],
    bad: [
      { keys: [] },
      { keys: [{ ...jwk, d: 'private' }] },
      { keys: [{ kty: 'oct', k: 'secret' }] },
      { keys: Array(21).fill(jwk) },
      { keys: [{ ...jwk, x: 'x' }] },
      { keys: [{ kty: 'EC', crv: 'P-256' }] },
      { keys: [{ ...jwk, crv: 'P-999' }] },
      { keys: [{ ...okp, x: 'AA' }] },
      { keys: [rsa(1024)] },
      { keys: [{ ...jwk, kid: 1 }] },
      { keys: [{ ...jwk, use: ['sig'] }] },
      { keys: [{ ...jwk, alg: {} }] },
      {},
    ],
  },
};

const shown = (value: unknown) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}… (${text.length})` : text;
};
const cases = (kind: 'good' | 'bad') =>
  Object.entries(LIMITS).flatMap(([field, rows]) =>
    rows[kind].map((value) => ({ field, shown: shown(value), value })),
  );

describe('the fields of a client', () => {
  it('are all in the table of limits', () => {
    expect(Object.keys(LIMITS).sort()).toEqual(Object.keys(clientSettings.shape).sort());
  });

  it.each(cases('good'))('$field may be $shown', ({ field, value }) => {
    expect(newClient.safeParse({ ...REQUIRED, [field]: value }).error).toBeUndefined();
  });

  it.each(cases('bad'))('$field may not be $shown', async ({ field, value }) => {
    const problems = await problemsOf(() => parse(newClient, { ...REQUIRED, [field]: value }));
    expect(problems.every((problem) => problem.startsWith(field))).toBe(true);
  });

  it('count a character once, whatever it takes in UTF-16', () => {
    expect([emoji(3), accents(3), 'abc'].map(characterCount)).toEqual([3, 3, 3]);
    expect(line(0, 3).safeParse('e\u0301'.repeat(3)).data).toBe(accents(3));
  });

  it('are trimmed and composed where they are one line', () => {
    const { displayName } = parse(newClient, { ...REQUIRED, displayName: '  Cafe\u0301 ' });
    expect(displayName).toBe('Café');
  });

  it('that are unknown are errors, in nested objects too', async () => {
    const accessToken = { lifetimeSeconds: 60, maxUses: 1, uses: 5 };
    const input = { ...REQUIRED, maxUse: 5, accessToken, $set: { status: 'enabled' } };
    expect(await problemsOf(() => parse(newClient, input))).toEqual([
      'accessToken.uses unknown_field',
      'maxUse unknown_field',
      '$set unknown_field',
    ]);
  });

  it('are refused all at once, each by its path', async () => {
    const input = {
      clientName: 'a b',
      tps: -1,
      ipBindings: [
        { hostName: 'ok', address: '192.0.2.1' },
        { hostName: 'no', address: 'x' },
      ],
      accessToken: { lifetimeSeconds: 0, maxUses: -1 },
      serviceHours: { timeZone: 'X', windows: [{ days: [], from: '25:00', to: '9' }] },
    };
    const fields = (await problemsOf(() => parse(newClient, input))).map((p) => p.split(' ')[0]);
    expect(fields.sort()).toEqual([
      'accessToken.lifetimeSeconds',
      'accessToken.maxUses',
      'clientName',
      'displayName',
      'ipBindings.1.address',
      'note',
      'serviceHours.timeZone',
      'serviceHours.windows.0.days',
      'serviceHours.windows.0.from',
      'serviceHours.windows.0.to',
      'tps',
    ]);
  });

  it('tell a missing value from one of the wrong type', async () => {
    const problems = await problemsOf(() =>
      parse(newClient, { ...REQUIRED, note: undefined, tps: 'ten' }),
    );
    expect(problems.sort()).toEqual(['note required', 'tps invalid_type']);
  });

  it.each([null, undefined, 7, 'text', []])('are refused when the input is %j', async (input) => {
    expect(await problemsOf(() => parse(newClient, input))).toHaveLength(1);
  });

  it.each(Object.entries(CLIENT_DEFAULTS))('default of %s is itself valid', (field, value) => {
    expect(newClient.safeParse({ ...REQUIRED, [field]: value }).error).toBeUndefined();
  });

  it('are required exactly where there is no default', async () => {
    const problems = await problemsOf(() => parse(newClient, {}));
    expect(problems.sort()).toEqual([
      'clientName required',
      'displayName required',
      'note required',
    ]);
  });

  it('are all optional in a patch, which may send null and may not send what does not exist', async () => {
    const nulls = Object.fromEntries(Object.keys(clientSettings.shape).map((f) => [f, null]));
    expect(clientPatch.safeParse({}).data).toEqual({});
    expect(clientPatch.safeParse(nulls).data).toEqual(nulls);
    const foreign = { clientId: 'x', version: 2, secrets: [], lock: null, password: 'secret-word' };
    expect(await problemsOf(() => parse(clientPatch, foreign))).toEqual(
      Object.keys(foreign).map((field) => `${field} unknown_field`),
    );
  });

  it.each(['apiQuota', 'accessToken', 'refreshToken'])('%s in a patch may name one member', (f) => {
    const member = f === 'apiQuota' ? { calls: 0 } : { maxUses: 0 };
    expect(clientPatch.safeParse({ [f]: member }).data).toEqual({ [f]: member });
    expect(clientPatch.safeParse({ [f]: {} }).data).toEqual({ [f]: {} });
  });
});

describe('a key that nobody could use', () => {
  it.each([
    ['cannot be read', { ...okp, x: 'AA' }, 'export it again'],
    ['is too small', rsa(1024), 'needs at least 2048 bits: make a larger RSA key'],
    ['is private', { ...jwk, d: 'AA' }, 'leave out its private members'],
  ])('is told how to mend it where it %s', (_, key, message) => {
    const { error } = newClient.safeParse({ ...REQUIRED, jwks: { keys: [key] } });
    expect(error?.issues.map((issue) => issue.message).join()).toContain(message);
  });
});

describe('clientIdRule', () => {
  it.each(['a', 'A-z_9', 'x'.repeat(40)])('takes %s', (id) => {
    expect(clientIdRule.safeParse(id).success).toBe(true);
  });

  it.each(['', 'x'.repeat(41), 'a b', 'a:b', 'é', 'a\n', '../a'])('refuses %j', (id) => {
    expect(clientIdRule.safeParse(id).success).toBe(false);
  });
});

describe('passwordRule', () => {
  it.each(['12345678', '        ', emoji(8), emoji(128), 'x'.repeat(128), 'pass wörd%+:/'])(
    'takes %j',
    (password) => expect(passwordRule.safeParse(password).data).toBe(password),
  );

  it.each(['', '1234567', emoji(7), emoji(129), 'x'.repeat(129), '1234567\ud800'])(
    'refuses %j',
    (password) => expect(passwordRule.safeParse(password).success).toBe(false),
  );
});

describe('validation helpers', () => {
  it('line accepts exactly the texts whose trimmed, composed form has the length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 12 }), (text) => {
        const kept = text.trim().normalize('NFC');
        const length = [...kept].length;
        const result = line(1, 5).safeParse(text);
        expect(result.success).toBe(length >= 1 && length <= 5);
        if (result.success) expect(result.data).toBe(kept);
      }),
    );
  });

  it('instant keeps the moment whatever the offset', () => {
    const moments = fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(moments, fc.integer({ min: -720, max: 840 }), (moment, offset) => {
        const local = new Date(moment.getTime() + offset * 60_000).toISOString().slice(0, -1);
        const [h, m] = [Math.abs(offset) / 60, Math.abs(offset) % 60];
        const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
        const text = `${local}${offset < 0 ? '-' : '+'}${two(h)}:${two(m)}`;
        expect(instant.parse(text)).toEqual(moment);
      }),
    );
  });

  it('unique refuses exactly the lists with a repeat', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }), (list) => {
        const rule = unique(clientSettings.shape.priority, 6);
        expect(rule.safeParse(list).success).toBe(new Set(list).size === list.length);
      }),
    );
  });
});
