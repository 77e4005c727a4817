import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mergeSettings } from '../../src/domain/clients/client-input.ts';
import {
  readNew,
  readPatch,
  readSection,
  SECTIONS,
  type SectionName,
  sectionValues,
} from '../../src/web/forms/client-form.ts';
import { compactRows, rowNumbers } from '../../src/web/forms/form-rows.ts';
import { clientOf } from '../domain/support.ts';
import { clientFixture } from '../support/contract-fixtures.ts';
import { context, formOf, unedited } from './form-support.ts';

const ALL = Object.keys(SECTIONS) as SectionName[];
const SECURITY = context({ security: true, kind: 'resource_server' });

/** A key pair's public half that can be read. */
const JWKS = {
  keys: [
    {
      kty: 'EC' as const,
      crv: 'P-256',
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    },
  ],
};

/** A client none of whose fields holds its default. */
function fullClient() {
  return clientFixture({ jwks: JWKS });
}

const NO_PROBLEMS: unknown[] = [];

describe('a form that shows a client', () => {
  it('reads back every field as it was when nobody edits it, odd seconds included', () => {
    const client = fullClient();
    const form = unedited(sectionValues(ALL, client, 'UTC'));
    const { input, problems } = readPatch(ALL, form, SECURITY);
    expect(problems).toEqual(NO_PROBLEMS);
    const { clientId: _id, secrets: _s, lock: _l, version: _v, ...settings } = client;
    const { createdAt: _c, updatedAt: _u, ...wanted } = settings;
    expect(input).toEqual(wanted);
  });

  it('reads back a client of defaults, limits as unlimited', () => {
    const client = clientOf();
    const form = unedited(sectionValues(ALL, client, 'UTC'));
    const { input, problems } = readPatch(ALL, form, SECURITY);
    expect(problems).toEqual(NO_PROBLEMS);
    expect(mergeSettings(client, input, 'UTC')).toEqual(mergeSettings(client, {}, 'UTC'));
  });

  it('shows a lifetime in the largest unit that gives a whole number', () => {
    const shown = (lifetimeSeconds: number) => {
      const values = sectionValues(
        'tokens',
        { accessToken: { lifetimeSeconds, maxUses: 0 } },
        'UTC',
      );
      return `${values['accessToken.lifetime']} ${values['accessToken.lifetime.unit']}`;
    };
    expect([1, 90, 120, 5400, 7200, 86_400, 90_000, 31_536_000].map(shown)).toEqual([
      '1 s',
      '90 s',
      '2 m',
      '90 m',
      '2 h',
      '1 d',
      '25 h',
      '365 d',
    ]);
  });

  it('shows 0 as the switch, any other limit as a number', () => {
    const values = sectionValues(
      'limits',
      { tps: 25, apiQuota: { calls: 0, period: 'week' } },
      'UTC',
    );
    expect(values).toMatchObject({
      tps: '25',
      'tps.unlimited': '',
      'apiQuota.calls': '',
      'apiQuota.calls.unlimited': 'on',
      'apiQuota.period': 'week',
    });
  });

  it('shows dates in the zone of the client, else in that of the reader', () => {
    const startsAt = new Date('2027-03-31T16:00:00.123Z');
    const shown = { startsAt: '2027-03-31T18:00', zone: 'Europe/Berlin' };
    expect(sectionValues('when', { startsAt }, 'Europe/Berlin')).toMatchObject(shown);
    expect(sectionValues('when', { startsAt, timeZone: 'Asia/Taipei' }, 'UTC')).toMatchObject({
      startsAt: '2027-04-01T00:00',
      zone: 'Asia/Taipei',
    });
  });
});

describe('a form for a new client', () => {
  const names = { clientName: 'orders', displayName: 'Orders', note: 'nightly' };

  it('needs only the required fields', () => {
    expect(readNew(ALL, formOf(names), context())).toEqual({ input: names, problems: NO_PROBLEMS });
    const { problems } = readNew(['who'], formOf({ clientName: ' ', displayName: '' }), context());
    expect(problems).toEqual(
      ['clientName', 'displayName', 'note'].map((field) => ({
        field,
        code: 'required',
        message: 'is required',
      })),
    );
  });

  it('takes blank fields as their defaults', () => {
    const blank = { applicationNo: '', tps: '', priority: '', clientId: '', emails: '', zone: '' };
    const { input, problems } = readNew(ALL, formOf({ ...names, ...blank }), context());
    expect([input, problems]).toEqual([{ ...names, emails: [] }, NO_PROBLEMS]);
  });

  it.each(['apiQuota.calls', 'accessToken.maxUses', 'refreshToken.maxUses'])(
    'never takes a blank %s for unlimited; the switch or a 0 says so',
    (name) => {
      const read = (fields: Record<string, string>) =>
        readNew(['limits', 'tokens'], formOf(fields), context());
      expect(read({ [name]: '' }).problems).toMatchObject([
        { field: name, code: 'number_or_unlimited' },
      ]);
      for (const unlimited of [{ [name]: '0' }, { [name]: '', [`${name}.unlimited`]: 'on' }]) {
        const { input, problems } = read(unlimited);
        const [object = '', member = ''] = name.split('.');
        expect([input, problems]).toMatchObject([{ [object]: { [member]: 0 } }, NO_PROBLEMS]);
      }
    },
  );

  it.each(['create', 'edit'] as const)(
    'refuses a number beside the switch, so that no limit is dropped unseen (%s)',
    (mode) => {
      const form = formOf({ tps: '5', 'tps.unlimited': 'on' });
      const read = mode === 'create' ? readNew : readPatch;
      const { problems } = read(['limits'], form, context());
      expect(problems).toMatchObject([{ field: 'tps', code: 'not_both' }]);
      expect(problems[0]?.message).toContain('not both');
    },
  );

  it('wants a number where the switch of an unlimited client is taken away', () => {
    const unlimited = new Set(['tps']);
    const read = (fields: Record<string, string>) =>
      readPatch(['limits'], formOf(fields), { ...context(), unlimited }).problems;
    expect(read({ tps: '' })).toMatchObject([{ field: 'tps', code: 'number_or_unlimited' }]);
    expect(read({ tps: '5', 'apiQuota.calls': '' })).toEqual(NO_PROBLEMS);
    expect(read({ tps: '', 'tps.unlimited': 'on' })).toEqual(NO_PROBLEMS);
    expect(read({})).toEqual(NO_PROBLEMS);
  });

  it('takes the switch alone, with its number blank or rested by the script', () => {
    for (const number of [{ tps: '' }, {}]) {
      const form = formOf({ ...number, 'tps.unlimited': 'on' });
      expect(readNew(['limits'], form, context())).toMatchObject({
        input: { tps: 0 },
        problems: [],
      });
    }
  });

  it('completes a quota and a token setting of which one half was filled in', () => {
    const form = formOf({ 'apiQuota.calls': '500', 'accessToken.lifetime': '2' });
    expect(readNew(['limits', 'tokens'], form, context()).input).toEqual({
      apiQuota: { calls: 500, period: 'day' },
      accessToken: { lifetimeSeconds: 2, maxUses: 0 },
    });
  });

  it.each([
    ['1,200', 1200],
    ['1 200', 1200],
    ["1'000'000", 1_000_000],
    [' 7 ', 7],
  ])('reads the number %j', (typed, tps) => {
    expect(readNew(['limits'], formOf({ tps: typed }), context()).input).toEqual({ tps });
  });

  it.each([
    ['tps', '1.5', 'whole_number'],
    ['tps', '1,2', 'whole_number'],
    ['tps', '1e3', 'whole_number'],
    ['tps', '0x10', 'whole_number'],
    ['tps', 'ten', 'whole_number'],
    ['tps', '-1', 'too_small'],
    ['tps', '1000001', 'too_big'],
    ['priority', '10', 'too_big'],
    ['apiQuota.calls', '99999999999', 'too_big'],
    ['apiQuota.period', 'year', 'invalid_value'],
    ['accessToken.lifetime', '0', 'too_small'],
    ['accessToken.maxUses', 'many', 'whole_number'],
    ['failedLoginLimit', '0', 'too_small'],
    ['audience', 'nobody', 'invalid_value'],
    ['clientName', 'with space', 'invalid_format'],
    ['displayName', 'x'.repeat(101), 'custom'],
    ['clientId', 'a/b', 'invalid_format'],
    ['timeZone', 'Mars/Base', 'custom'],
    ['zone', 'Mars/Base', 'zone'],
    ['startsAt', '31.3.2027', 'malformed'],
    ['jwks', '{', 'json'],
    ['jwks', '{"keys":[{"kty":"EC","d":"x"}]}', 'custom'],
    ['redirectUris', 'https://a.example/ok\nhttp://b.example', 'custom'],
    ['emails', 'ops@partner.example, nobody', 'invalid_format'],
    ['apiGroups', 'not a name', 'invalid_format'],
  ])('says what is wrong with %s %j', (name, value, code) => {
    const fields = { ...names, startsAt: '2027-01-01T00:00', [name]: value };
    const { problems, input } = readNew(ALL, formOf(fields), SECURITY);
    expect(problems).toMatchObject([{ field: name, code }]);
    expect(problems[0]?.message).toMatch(/\w{2,}/);
    expect(Object.keys(input)).not.toContain(name);
  });

  it('names the item of a list that is wrong', () => {
    const fields = { emails: 'a@b.example, nobody', redirectUris: 'https://a.example\nftp://x' };
    const { problems } = readNew(['who', 'tokens'], formOf({ ...names, ...fields }), context());
    expect(problems.map(({ message }) => message)).toEqual([
      '“nobody” is not an email address such as ops@partner.example',
      '“ftp://x” may not use the scheme ftp:',
    ]);
  });

  it('speaks of a lifetime in its units', () => {
    const form = formOf({ 'accessToken.lifetime': '400', 'accessToken.lifetime.unit': 'd' });
    expect(readNew(['tokens'], form, context()).problems).toMatchObject([
      { field: 'accessToken.lifetime', message: 'use from 1 second to 365 days' },
    ]);
  });

  it('keeps a kind and keys for the role security', () => {
    const form = formOf({ kind: 'resource_server', jwks: JSON.stringify(JWKS) });
    const operator = readNew(
      ['who', 'tokens'],
      formOf({ ...names, ...Object.fromEntries(form) }),
      context(),
    );
    expect(operator.problems.map(({ field, code }) => [field, code])).toEqual([
      ['kind', 'needs_security'],
      ['jwks', 'needs_security'],
    ]);
    expect(readNew(['tokens'], form, SECURITY).input).toEqual({ jwks: JWKS });
  });

  it('takes a single key for a set of one', () => {
    const form = formOf({ jwks: JSON.stringify(JWKS.keys[0]) });
    expect(readNew(['tokens'], form, SECURITY).input).toEqual({ jwks: JWKS });
  });

  it('joins names that are ticked and names that are typed', () => {
    const form = formOf({ apiGroups: ['', 'a', 'b'], 'apiGroups.more': 'b\r\n c \n' });
    expect(readNew(['access'], form, context()).input).toEqual({ apiGroups: ['a', 'b', 'c'] });
  });
});

describe('a form that edits', () => {
  it('keeps what is blank, and so never turns a blank number into unlimited', () => {
    const client = fullClient();
    const values = sectionValues(ALL, client, 'UTC');
    const numbers =
      /^(tps|priority|failedLoginLimit|(startsAt|expiresAt)$|.*\.(calls|maxUses|lifetime)$|clientName|displayName|note|jwks)/;
    const blanked = Object.entries(values).map(([name, value]) => [
      name,
      numbers.test(name) && !name.endsWith('.was') && !name.endsWith('.unit') ? '' : value,
    ]);
    const { input, problems } = readPatch(ALL, unedited(Object.fromEntries(blanked)), SECURITY);
    expect(problems).toEqual(NO_PROBLEMS);
    for (const field of [
      'tps',
      'priority',
      'failedLoginLimit',
      'startsAt',
      'expiresAt',
      'note',
      'jwks',
    ])
      expect(input).not.toHaveProperty(field);
    expect(input.apiQuota).toEqual({ period: 'month' });
    expect(input).not.toHaveProperty('accessToken');
  });

  it('keeps what the form does not have', () => {
    expect(readPatch(ALL, new URLSearchParams(), context())).toEqual({
      input: {},
      problems: NO_PROBLEMS,
    });
  });

  it('takes 0 and the switch for unlimited', () => {
    const form = formOf({ tps: '0', 'apiQuota.calls.unlimited': 'on' });
    expect(readPatch(['limits'], form, context()).input).toEqual({
      tps: 0,
      apiQuota: { calls: 0 },
    });
  });

  it('empties optional texts and lists, and ends dates only by their switch', () => {
    const form = formOf({
      description: '',
      emails: '',
      apiGroups: '',
      redirectUris: '',
      rows: ['ipBindings', 'serviceHours.windows'],
      'startsAt.none': 'on',
      startsAt: '2027-01-01T00:00',
      expiresAt: '',
      timeZone: '',
    });
    expect(readPatch(ALL, form, context()).input).toEqual({
      description: '',
      emails: [],
      apiGroups: [],
      redirectUris: [],
      ipBindings: [],
      serviceHours: null,
      startsAt: null,
      timeZone: null,
    });
  });

  it('lets an operator keep the kind of a resource server', () => {
    const form = formOf({ kind: 'resource_server' });
    const held = context({ kind: 'resource_server' });
    expect(readPatch(['who'], form, held)).toEqual({
      input: { kind: 'resource_server' },
      problems: NO_PROBLEMS,
    });
    expect(readPatch(['who'], form, context()).problems).toMatchObject([
      { field: 'kind', code: 'needs_security' },
    ]);
  });

  it('does not know a client id, which never changes', () => {
    expect(readPatch(['who'], formOf({ clientId: 'other' }), context()).input).toEqual({});
  });
});

describe('dates', () => {
  const read = (fields: Record<string, string>) => readNew(['when'], formOf(fields), context());

  it('are read in the zone that the form names', () => {
    const form = { zone: 'Asia/Taipei', startsAt: '2027-03-31T09:00', expiresAt: '2027-04-01' };
    expect(read(form).input).toEqual({
      startsAt: new Date('2027-03-31T01:00:00Z'),
      expiresAt: new Date('2027-03-31T16:00:00Z'),
    });
  });

  it('follow the clocks of the zone on days when they change', () => {
    const at = (startsAt: string) => read({ zone: 'Europe/Berlin', startsAt }).input.startsAt;
    expect(at('2027-03-28T01:59')).toEqual(new Date('2027-03-28T00:59:00Z'));
    expect(at('2027-03-28T03:00')).toEqual(new Date('2027-03-28T01:00:00Z'));
    // 02:30 comes twice: the first one is meant.
    expect(at('2027-10-31T02:30')).toEqual(new Date('2027-10-31T00:30:00Z'));
  });

  it('that the clocks skip are a problem that says so', () => {
    const { input, problems } = read({ zone: 'Europe/Berlin', startsAt: '2027-03-28T02:30' });
    expect([input, problems]).toMatchObject([{}, [{ field: 'startsAt', code: 'skipped' }]]);
    expect(problems[0]?.message).toContain('Europe/Berlin skip 2027-03-28T02:30');
  });

  it('keep the second of two equal readings when nobody edits them', () => {
    const startsAt = new Date('2027-10-31T01:30:15.250Z');
    const values = sectionValues('when', { startsAt }, 'Europe/Berlin');
    expect(values['startsAt']).toBe('2027-10-31T02:30');
    expect(readPatch(['when'], formOf(values), context()).input.startsAt).toEqual(startsAt);
  });

  it('move when only the zone is changed', () => {
    const values = sectionValues('when', { startsAt: new Date('2027-03-31T16:00:30Z') }, 'UTC');
    const { input } = readPatch(['when'], formOf({ ...values, zone: 'Asia/Taipei' }), context());
    expect(input.startsAt).toEqual(new Date('2027-03-31T08:00:00Z'));
  });

  it.each([
    '2027-02-30T00:00',
    '2027-13-01T00:00',
    '2027-01-01T24:00',
    '2027-01-01T09:61',
    'x',
    '12',
  ])('do not take %j for one', (startsAt) => {
    expect(read({ startsAt }).problems).toMatchObject([{ field: 'startsAt', code: 'malformed' }]);
  });
});

describe('rows', () => {
  it('that are blank do not count, and problems are those of the rows that remain', () => {
    const form = formOf({
      'ipBindings.0.hostName': '',
      'ipBindings.0.address': ' ',
      'ipBindings.4.address': '2001:DB8::1',
      'ipBindings.7.hostName': 'hq',
      'ipBindings.7.address': 'nowhere',
      'serviceHours.windows.0.days': ['', 'mon'],
      'serviceHours.windows.0.from': '9:00',
      'serviceHours.windows.0.to': '25:00',
      'serviceHours.windows.1.days': '',
      'serviceHours.windows.2.from': '09:00',
      'serviceHours.windows.2.to': '10:00',
    });
    expect(readNew(['where', 'when'], form, context()).problems).toMatchObject([
      { field: 'serviceHours.windows.1.days', message: 'tick at least one day' },
      { field: 'ipBindings.1.address' },
      { field: 'serviceHours.windows.0.to' },
    ]);
  });

  it('make service hours, in the zone that they name', () => {
    const window = {
      'serviceHours.windows.0.days': ['', 'mon', 'tue'],
      'serviceHours.windows.0.from': '22:00',
      'serviceHours.windows.0.to': '06:00',
    };
    const windows = [{ days: ['mon', 'tue'], from: '22:00', to: '06:00' }];
    const zone = { 'serviceHours.timeZone': 'Asia/Taipei' };
    expect(readNew(['when'], formOf({ ...window, ...zone }), context()).input).toEqual({
      serviceHours: { timeZone: 'Asia/Taipei', windows },
    });
    expect(readPatch(['when'], formOf(window), context()).input).toEqual({
      serviceHours: { windows },
    });
  });

  it('that name an address twice are a problem of the list', () => {
    const form = formOf({
      'ipBindings.0.address': '192.0.2.1',
      'ipBindings.1.address': '192.0.2.1',
    });
    expect(readNew(['where'], form, context()).problems).toMatchObject([{ field: 'ipBindings' }]);
  });
});

describe('the allowlist of users', () => {
  const users = new Map([
    ['ada', 'user-1'],
    ['user-1', 'user-1'],
    ['grace', 'user-2'],
  ]);

  it('is read as the ids of the users that its lines name, each once', () => {
    const form = formOf({ userAllowlist: 'ada\r\n\r\nuser-1\ngrace' });
    expect(readNew(['where'], form, context({ users })).input).toEqual({
      userAllowlist: ['user-1', 'user-2'],
    });
  });

  it('says which line names nobody', () => {
    const { input, problems } = readNew(
      ['where'],
      formOf({ userAllowlist: 'ada\nbob' }),
      context({ users }),
    );
    expect([input, problems]).toMatchObject([
      {},
      [{ field: 'userAllowlist', code: 'unknown_user' }],
    ]);
    expect(problems[0]?.message).toContain('“bob”');
  });
});

describe('a form of garbage', () => {
  it.each(['+275760-09-13T00:00:00.000Z', '-271821-04-20T00:00:00.000Z', 'today', '1e300'])(
    'may say that a date was %s',
    (was) => {
      for (const zone of ['Asia/Tokyo', 'America/New_York']) {
        const form = formOf({ zone, startsAt: '2027-01-01T00:00', 'startsAt.was': was });
        expect(readPatch(['when'], form, SECURITY).problems).toEqual([]);
      }
    },
  );

  it('costs no more than a client of the most rows, however many it has', () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => [`ipBindings.${i}.address`, 'x']);
    const form = new URLSearchParams(rows as [string, string][]);
    const { problems } = readPatch(['where'], form, SECURITY);
    expect(problems.length).toBeGreaterThan(0);
    expect(rowNumbers(compactRows(form), 'ipBindings')).toHaveLength(1001);
  });

  const names = Object.keys(sectionValues(ALL, fullClient(), 'UTC'));
  const fields = fc.array(
    fc.tuple(
      fc.oneof(fc.constantFrom(...names, 'rows', '__proto__', 'startsAt.none'), fc.string()),
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('0', '-1', 'on', '{}', '[]', 'null')),
    ),
    { maxLength: 30 },
  );

  it('never makes reading it throw, and every problem says what is wrong', () => {
    fc.assert(
      fc.property(fields, fc.constantFrom(...ALL), fc.boolean(), (entries, section, isNew) => {
        const form = new URLSearchParams(entries as [string, string][]);
        const mode = isNew ? 'create' : 'edit';
        const { problems } = readSection(section, form, { ...SECURITY, mode });
        for (const { field, message } of problems) expect([field, message]).not.toContain('');
      }),
      { numRuns: 2000 },
    );
  });
});
