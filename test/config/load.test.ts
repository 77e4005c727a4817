import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  ConfigError,
  type ConfigProblem,
  defaultIssuer,
  type Environment,
  loadConfig,
} from '../../src/config/load.ts';

const randomKey = (bytes = 32) => randomBytes(bytes).toString('base64url');
const base64url = (bytes: number[] | string) => Buffer.from(bytes as string).toString('base64url');
const production = (env: Environment = {}) => ({
  NODE_ENV: 'production',
  ISSUER: 'https://auth.example.com',
  SECRET_KEYS: randomKey(),
  ...env,
});

function errorOf(env: Environment): ConfigError {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

const problemsOf = (env: Environment): readonly ConfigProblem[] => errorOf(env).problems;
const badKeys = (env: Environment) => problemsOf(env).map(({ key }) => key);

describe('loadConfig with nothing set', () => {
  it('gives the defaults of development', () => {
    expect(loadConfig({})).toEqual({
      nodeEnv: 'development',
      environment: 'development',
      host: '127.0.0.1',
      port: 3000,
      issuer: 'http://127.0.0.1:3000',
      database: { kind: 'sqlite', path: './data/tollgate.db' },
      dataDir: './data',
      secretKeys: undefined,
      trustedProxies: [],
      adminAddresses: [],
      adminApiToken: undefined,
      metricsToken: undefined,
      smtpUrl: undefined,
      mailFrom: 'Tollgate <tollgate@localhost>',
      logLevel: 'info',
      bcryptCost: 12,
      bcryptThreads: expect.any(Number),
      refusalsPerSecond: 50,
      timeZone: 'UTC',
      workers: 1,
    });
  });

  it('takes an empty value for one that is not set', () => {
    expect(loadConfig({ PORT: '', TIME_ZONE: ' ', SMTP_URL: '' })).toEqual(loadConfig({}));
  });

  it('is frozen to the bottom', () => {
    const config = loadConfig({ TRUSTED_PROXIES: 'loopback' });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.database)).toBe(true);
    expect(Object.isFrozen(config.trustedProxies)).toBe(true);
  });

  it('lists everything that production needs, at once', () => {
    expect(badKeys({ NODE_ENV: 'production' })).toEqual(['ISSUER', 'SECRET_KEYS']);
  });
});

describe('loadConfig with good values', () => {
  const [first, second] = [randomKey(), randomKey(48)];
  const good: [key: string, text: string, part: object][] = [
    ['NODE_ENV', 'test', { nodeEnv: 'test' }],
    ['PORT', '0', { port: 0, issuer: 'http://127.0.0.1:0' }],
    ['PORT', ' 8080 ', { port: 8080 }],
    ['HOST', '0.0.0.0', { host: '0.0.0.0', issuer: 'http://127.0.0.1:3000' }],
    ['HOST', '::1', { host: '::1', issuer: 'http://[::1]:3000' }],
    ['HOST', 'localhost', { host: 'localhost', issuer: 'http://localhost:3000' }],
    ['ISSUER', 'http://localhost:3000', { issuer: 'http://localhost:3000' }],
    ['ISSUER', 'https://auth.example.com', { issuer: 'https://auth.example.com' }],
    ['DATABASE_URL', 'sqlite::memory:', { database: { kind: 'sqlite', path: ':memory:' } }],
    ['DATABASE_URL', 'sqlite:/var/x.db', { database: { kind: 'sqlite', path: '/var/x.db' } }],
    ['DATABASE_URL', 'sqlite:///var/x.db', { database: { kind: 'sqlite', path: '/var/x.db' } }],
    ...[
      ['mongodb://127.0.0.1:27017', 'tollgate'],
      ['mongodb://127.0.0.1:27017/?replicaSet=rs0', 'tollgate'],
      ['mongodb://user:p%40ss@a:1,b:2/auth?replicaSet=rs0', 'auth'],
      ['mongodb+srv://cluster.example.com/auth', 'auth'],
    ].map(([url = '', name]): [string, string, object] => [
      'DATABASE_URL',
      url,
      { database: { kind: 'mongodb', url, name } },
    ]),
    [
      'SECRET_KEYS',
      `${first}, ${second}`,
      { secretKeys: [first, second].map((key) => new Uint8Array(Buffer.from(key, 'base64url'))) },
    ],
    ['TRUSTED_PROXIES', '192.0.2.1, 10.1.2.3/8', { trustedProxies: ['192.0.2.1', '10.0.0.0/8'] }],
    ['TRUSTED_PROXIES', 'loopback,::1', { trustedProxies: ['127.0.0.0/8', '::1'] }],
    ['TRUSTED_PROXIES', '::ffff:192.0.2.1', { trustedProxies: ['192.0.2.1'] }],
    [
      'ADMIN_ADDRESSES',
      '203.0.113.7,2001:DB8::1/48',
      { adminAddresses: ['203.0.113.7', '2001:db8::/48'] },
    ],
    ['ADMIN_ADDRESSES', '::ffff:10.1.2.3/104', { adminAddresses: ['10.0.0.0/8'] }],
    ['ADMIN_API_TOKEN', first, { adminApiToken: first }],
    ['METRICS_TOKEN', first, { metricsToken: first }],
    [
      'SMTP_URL',
      'smtps://u:p@mail.example.com:465',
      { smtpUrl: 'smtps://u:p@mail.example.com:465' },
    ],
    ['MAIL_FROM', 'auth@example.com', { mailFrom: 'auth@example.com' }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
    ['BCRYPT_COST', '4', { bcryptCost: 4 }],
    ['BCRYPT_THREADS', '3', { bcryptThreads: 3 }],
    ['TIME_ZONE', 'Asia/Taipei', { timeZone: 'Asia/Taipei' }],
    ['WORKERS', '64', { workers: 64 }],
  ];
  it.each(good)('reads %s=%s', (key, text, part) => {
    expect(loadConfig({ [key]: text })).toMatchObject(part);
  });

  it('accepts any random key and token in production', () => {
    for (let round = 0; round < 200; round += 1) {
      const ADMIN_API_TOKEN = randomBytes(16).toString('hex');
      expect(() => loadConfig(production({ ADMIN_API_TOKEN }))).not.toThrow();
    }
  });
});

describe('loadConfig with a bad value', () => {
  const bad: [key: string, ...texts: string[]][] = [
    ['NODE_ENV', 'prod', 'Production'],
    ['PORT', '-1', '65536', '3000.5', '0x10', '1e3', '3000a', '08', 'http'],
    ['HOST', '127.0.0.1:3000', '[::1]', '256.1.1.1', '10.0.0', 'a b', '-x', 'http://localhost'],
    ['ISSUER', 'auth.example.com', 'ftp://x', 'https://x/', 'https://x/path', 'https://x?q=1'],
    ['ISSUER', 'https://user@x', 'https://X.example.com', 'https://x:443', 'https://x#', '//x'],
    [
      'DATABASE_URL',
      'tollgate.db',
      'sqlite:',
      'sqlite:data/',
      'sqlite://host/x',
      'sqlite:x?mode=ro',
    ],
    ['DATABASE_URL', 'postgres://h/db', 'mongodb://', 'mongodb:///db', 'mongodb://u:p@/db'],
    ['DATABASE_URL', 'mongodb://h/a/b', 'mongodb://u:p@ss@h/db', 'mongo://h/db', 'mongodb://h/a.b'],
    [
      'SECRET_KEYS',
      'short',
      randomKey(31),
      `${randomKey()}=`,
      `${randomKey()},`,
      'a+b/'.repeat(12),
    ],
    ['SECRET_KEYS', base64url(Array(32).fill(0)), base64url(Array(32).fill(7))],
    ['SECRET_KEYS', base64url(Array.from({ length: 32 }, (_, index) => index))],
    ['SECRET_KEYS', base64url('correct horse battery staple, correct')],
    ['SECRET_KEYS', 'changeme'.repeat(6), `${randomKey(16)}`.repeat(2)],
    ['TRUSTED_PROXIES', '10.0.0.0/33', '10.0.0', 'proxy.local', '0.0.0.0/0', '::/0', '10.0.0.1,,'],
    [
      'ADMIN_ADDRESSES',
      '10.0.0.0/33',
      'office',
      '::/0',
      '::ffff:0.0.0.0/96',
      ',',
      '10.0.0.1 10.0.0.2',
    ],
    ['ADMIN_API_TOKEN', 'short', `${'token'.repeat(8)} x`, 'ü'.repeat(40)],
    ['METRICS_TOKEN', 'x'.repeat(31)],
    ['SMTP_URL', 'mail.example.com', 'http://mail.example.com', 'smtp://', 'smtp:mail'],
    ['MAIL_FROM', 'Tollgate', 'a@b, c@d', 'A <a@b>\nBcc: c@d', '<a@b> x', 'a@b@c'],
    ['LOG_LEVEL', 'verbose', 'INFO'],
    ['BCRYPT_COST', '3', '16', 'high'],
    ['BCRYPT_THREADS', '0', '65'],
    ['TIME_ZONE', 'Mars/Olympus', '+08:00', 'Taipei'],
    ['WORKERS', '0', '65', 'all'],
  ];
  const rows = bad.flatMap(([key, ...texts]) => texts.map((text) => ({ key, text })));
  it.each(rows)('refuses $key=$text and says what to do', ({ key, text }) => {
    const { problems, message } = errorOf({ [key]: text });
    expect(problems).toEqual([{ key, state: expect.any(String), fix: expect.any(String) }]);
    expect(message).toContain(`\n  ${key} ${problems[0]?.state}: ${problems[0]?.fix}`);
  });

  it('lists all problems in one error', () => {
    expect(badKeys(Object.fromEntries(bad.map(([key, text]) => [key, text])))).toEqual([
      'NODE_ENV',
      ...['HOST', 'PORT', 'ISSUER', 'DATABASE_URL', 'SECRET_KEYS', 'TRUSTED_PROXIES'],
      ...[
        'ADMIN_ADDRESSES',
        'ADMIN_API_TOKEN',
        'METRICS_TOKEN',
        'SMTP_URL',
        'MAIL_FROM',
        'LOG_LEVEL',
      ],
      ...['BCRYPT_COST', 'BCRYPT_THREADS', 'TIME_ZONE', 'WORKERS'],
    ]);
  });

  it('refuses a key that is given twice', () => {
    const key = randomKey();
    expect(problemsOf({ SECRET_KEYS: `${randomKey()},${key},${key}` })[0]?.fix).toMatch(
      /^key 3 of 3 repeats another one/,
    );
  });

  it('refuses one token for two purposes', () => {
    const token = randomKey();
    expect(badKeys({ ADMIN_API_TOKEN: token, METRICS_TOKEN: token })).toEqual(['METRICS_TOKEN']);
  });

  it('refuses several workers on a database in memory, or on a port yet to be picked', () => {
    expect(badKeys({ WORKERS: '2', DATABASE_URL: 'sqlite::memory:' })).toEqual(['WORKERS']);
    expect(badKeys({ WORKERS: '2', PORT: '0' })).toEqual(['WORKERS']);
    expect(loadConfig({ WORKERS: '1', PORT: '0' })).toMatchObject({ workers: 1, port: 0 });
  });

  it('shows the value', () => {
    expect(problemsOf({ PORT: 'x' })[0]?.state).toBe('is "x"');
    expect(problemsOf({ MAIL_FROM: 'a\nb' })[0]?.state).toBe('is "a\\nb"');
  });
});

describe('loadConfig never shows a secret', () => {
  const secret = 'hunter2-7-swordfish';
  it.each([
    ['SECRET_KEYS', secret],
    ['SECRET_KEYS', `${randomKey()},${secret}`],
    ['ADMIN_API_TOKEN', secret],
    ['METRICS_TOKEN', secret],
    ['DATABASE_URL', secret],
    ['DATABASE_URL', `mongodb:user:${secret}`],
    ['DATABASE_URL', `postgres://user:${secret}@db.example.com/x`],
    ['DATABASE_URL', `mongodb://user:${secret}@ss/w@db.example.com/x?tls=${secret}`],
    ['DATABASE_URL', `mongodb://${secret}@a@b:1/x y`],
    ['SMTP_URL', `smtp://user:${secret}`],
    ['SMTP_URL', `http://user:${secret}@mail.example.com`],
    ['ISSUER', `https://user:${secret}@auth.example.com/`],
  ])('in %s=%s', (key, text) => {
    expect(errorOf({ [key]: text }).message).not.toContain(secret);
  });

  it('shows the harmless parts of a URL', () => {
    const [problem] = problemsOf({ DATABASE_URL: `postgres://user:${secret}@db:5432/x?ssl=1` });
    expect(problem?.state).toBe('is "postgres://…@db:5432/x"');
  });
});

describe('loadConfig in production', () => {
  it('accepts a complete configuration', () => {
    const SMTP_URL = 'smtp://mail.example.com';
    const config = loadConfig(production({ SMTP_URL, MAIL_FROM: 'auth@example.com' }));
    expect(config).toMatchObject({ nodeEnv: 'production', issuer: 'https://auth.example.com' });
  });

  it.each([
    ['ISSUER', 'http://auth.example.com'],
    ['PORT', '0'],
    ['DATABASE_URL', 'sqlite::memory:'],
    ['SECRET_KEYS', ''],
    ['ADMIN_API_TOKEN', 'a'.repeat(40)],
    ['ADMIN_API_TOKEN', 'changeme'.repeat(5)],
    ['METRICS_TOKEN', 'metrics-token-metrics-token-metrics-token'],
    ['BCRYPT_COST', '9'],
  ])('refuses %s=%s', (key, text) => {
    expect(badKeys(production({ [key]: text }))).toEqual([key]);
    if (text !== '') expect(() => loadConfig({ [key]: text })).not.toThrow();
  });

  it('wants a sender for its mail server', () => {
    expect(badKeys(production({ SMTP_URL: 'smtp://mail.example.com' }))).toEqual(['MAIL_FROM']);
  });

  it('lists values that do not parse and values that it refuses together', () => {
    const env = { NODE_ENV: 'production', PORT: 'x', BCRYPT_COST: '4', ISSUER: 'http://a' };
    expect(badKeys(env)).toEqual(['PORT', 'ISSUER', 'SECRET_KEYS', 'BCRYPT_COST']);
  });
});

describe('defaultIssuer', () => {
  it('names an address that one can open', () => {
    expect(defaultIssuer('::', 4000)).toBe('http://127.0.0.1:4000');
    expect(defaultIssuer('192.0.2.1', 80)).toBe('http://192.0.2.1:80');
  });
});
