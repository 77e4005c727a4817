/**
 * The table of everything that can be configured: one entry per environment variable. `load.ts`
 * reads it; README.md and .env.example are compared with it by a test. A new setting is one entry
 * here and one block in .env.example. It knows nothing of the rest of the server.
 */
import { availableParallelism } from 'node:os';
import {
  adminAddresses,
  bearerToken,
  database,
  HOW_TO_MAKE_A_SECRET,
  host,
  issuer,
  looksTyped,
  matching,
  oneOf,
  proxyAddresses,
  secretKeys,
  smtpUrl,
  timeZone,
  wholeNumber,
} from './parse.ts';

/** One environment variable. */
export interface Variable<T> {
  readonly key: string;
  /** What it means, in one or two sentences of Markdown without `|`. */
  readonly help: string;
  /** Unit of its value, where a number alone would not say it. */
  readonly unit?: string;
  /** Text that is parsed when the variable is not set; absent: the value is `undefined`. */
  readonly default?: string | (() => string);
  /** What documents say instead of the default, where code computes it. */
  readonly defaultText?: string;
  /** True: its value is never shown. `userinfo`: shown without user, password and query. */
  readonly secret?: true | 'userinfo';
  /** Throws `BadValue` with the fix. */
  parse(text: string): T;
  /** Why production refuses a value that parses, as a fix; `undefined` accepts it. */
  refuseInProduction?(value: T): string | undefined;
}

const required = <T>(variable: Variable<T> & { default: string | (() => string) }): Variable<T> =>
  variable;
const optional = <T>(
  variable: Variable<T | undefined> & { parse(text: string): T },
): Variable<T | undefined> => variable;

const weakToken = (token: string | undefined) =>
  token !== undefined && looksTyped(token)
    ? `use a random value; ${HOW_TO_MAKE_A_SECRET}`
    : undefined;

/** Every variable, under the name that its value has in `Config`. */
export const VARIABLES = {
  nodeEnv: required({
    key: 'NODE_ENV',
    help: '`development`, `test` or `production`; production refuses to start on missing or weak settings.',
    default: 'development',
    parse: oneOf('development', 'test', 'production'),
  }),
  environment: optional({
    key: 'ENVIRONMENT',
    help: 'What the badge on every page of the console says: `development`, `testing` or `production`.',
    defaultText: 'that of `NODE_ENV`',
    parse: oneOf('development', 'testing', 'production'),
  }),
  host: required({
    key: 'HOST',
    help: 'Address to listen on; `0.0.0.0` or `::` for every interface.',
    default: '127.0.0.1',
    parse: host,
  }),
  port: required({
    key: 'PORT',
    help: 'TCP port to listen on; outside production 0 picks a free one.',
    default: '3000',
    parse: wholeNumber(0, 65_535),
    refuseInProduction: (port) => (port === 0 ? 'use a fixed port from 1 to 65535' : undefined),
  }),
  issuer: optional({
    key: 'ISSUER',
    help: 'Public address of this server, as clients and their users reach it; required in production, where it must be https.',
    defaultText: '`http://HOST:PORT`',
    parse: issuer,
    refuseInProduction: (url) => {
      if (url === undefined)
        return 'set it to the public address, such as https://auth.example.com';
      return url.startsWith('https:') ? undefined : 'production needs https';
    },
  }),
  database: required({
    key: 'DATABASE_URL',
    help: '`sqlite:<path>`, `sqlite::memory:`, `mongodb://…` or `mongodb+srv://…`; a MongoDB URL that names no database means `tollgate`.',
    default: 'sqlite:./data/tollgate.db',
    secret: 'userinfo',
    parse: database,
    refuseInProduction: (db) =>
      db.kind === 'sqlite' && db.path === ':memory:'
        ? 'name a file: memory is lost at exit'
        : undefined,
  }),
  dataDir: required({
    key: 'DATA_DIR',
    help: 'Folder of generated keys and of mails that no mail server takes.',
    default: './data',
    parse: matching(/^[^\0]+$/, 'use the path of a folder'),
  }),
  secretKeys: optional({
    key: 'SECRET_KEYS',
    help: 'Comma-separated keys, each base64url of at least 32 random bytes: the first signs, all verify. Required in production; elsewhere one is generated into `DATA_DIR`.',
    secret: true,
    parse: secretKeys,
    refuseInProduction: (keys) =>
      keys === undefined ? `set it to at least one key; ${HOW_TO_MAKE_A_SECRET}` : undefined,
  }),
  trustedProxies: required({
    key: 'TRUSTED_PROXIES',
    help: 'Comma-separated addresses and CIDR ranges of proxies whose `X-Forwarded-For` and `Forwarded` are believed; `loopback` and `private` stand for theirs.',
    default: '',
    defaultText: 'none',
    parse: proxyAddresses,
  }),
  adminAddresses: required({
    key: 'ADMIN_ADDRESSES',
    help: 'Comma-separated addresses and CIDR ranges from which the console and the REST API answer; `loopback` and `private` stand for theirs.',
    default: '',
    defaultText: 'everywhere',
    parse: adminAddresses,
  }),
  adminApiToken: optional({
    key: 'ADMIN_API_TOKEN',
    help: 'Bearer token with the rights of an owner on the REST API, at least 32 characters; for the first set-up.',
    secret: true,
    parse: bearerToken,
    refuseInProduction: weakToken,
  }),
  metricsToken: optional({
    key: 'METRICS_TOKEN',
    help: 'Bearer token that reads `/metrics` from anywhere, at least 32 characters; without it only loopback addresses may.',
    secret: true,
    parse: bearerToken,
    refuseInProduction: weakToken,
  }),
  smtpUrl: optional({
    key: 'SMTP_URL',
    help: 'Mail server, `smtp://user:password@host:587` or `smtps://…`; without it mails go to the outbox in `DATA_DIR`.',
    secret: 'userinfo',
    parse: smtpUrl,
  }),
  mailFrom: required({
    key: 'MAIL_FROM',
    help: 'Sender of mails, as an address or `Name <address>`; required in production together with `SMTP_URL`.',
    default: 'Tollgate <tollgate@localhost>',
    parse: matching(
      /^(?:[^<>@,;\r\n]+ )?<[^<>@\s,;]+@[^<>@\s,;]+>$|^[^<>@\s,;]+@[^<>@\s,;]+$/,
      'use one address, as auth@example.com or Tollgate <auth@example.com>',
    ),
  }),
  logLevel: required({
    key: 'LOG_LEVEL',
    help: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`.',
    default: 'info',
    parse: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  }),
  bcryptCost: required({
    key: 'BCRYPT_COST',
    help: 'Cost of hashing passwords that people choose, 4 to 15; each step doubles the time. Production needs at least 10.',
    unit: 'power of two',
    default: '12',
    parse: wholeNumber(4, 15),
    refuseInProduction: (cost) => (cost < 10 ? 'use 10 to 15' : undefined),
  }),
  bcryptThreads: required({
    key: 'BCRYPT_THREADS',
    help: 'How many passwords each worker hashes at once, 1 to 64.',
    unit: 'threads',
    default: () => String(Math.min(64, Math.max(1, availableParallelism() - 1))),
    defaultText: 'cores - 1, at least 1',
    parse: wholeNumber(1, 64),
  }),
  timeZone: required({
    key: 'TIME_ZONE',
    help: 'IANA time zone of quotas and service hours where a client names none.',
    default: 'UTC',
    parse: timeZone,
  }),
  refusalsPerSecond: required({
    key: 'REFUSALS_PER_SECOND',
    help: 'Refusals whose trace each worker keeps a second in the long run, after a burst of 20000, 1 to 10000; what is beyond is counted, not kept. A record takes about 5 kB for 30 days.',
    unit: 'records a second',
    default: '50',
    parse: wholeNumber(1, 10_000),
  }),
  workers: required({
    key: 'WORKERS',
    help: 'How many threads of this one process serve requests, 1 to 64; more than 1 needs a fixed `PORT`.',
    unit: 'threads',
    default: '1',
    parse: wholeNumber(1, 64),
  }),
};

/** The configuration's values, before `load.ts` fills in what depends on other variables. */
export type Values = {
  readonly [N in keyof typeof VARIABLES]: ReturnType<(typeof VARIABLES)[N]['parse']>;
};
