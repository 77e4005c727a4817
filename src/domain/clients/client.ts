/**
 * A client: an API account of a partner, or a resource server that asks about credentials. The fields
 * and their limits stand here once, for the REST API, the pages and the database alike.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { z } from 'zod';
import type { Versioned } from '../records.ts';
import { characterCount, instant, line, text, unique, whole } from '../validation.ts';
import { ipBinding } from './ip-binding.ts';
import { redirectUri } from './redirect-uri.ts';
import { serviceHours, timeZoneRule } from './service-hours.ts';

/** Grant types that a client can be given (RFC 6749). */
export const GRANT_TYPES = [
  'client_credentials',
  'password',
  'refresh_token',
  'authorization_code',
] as const;
export type GrantType = (typeof GRANT_TYPES)[number];

/** The longest lifetime of a token: 365 days. */
export const MAX_LIFETIME_SECONDS = 365 * 24 * 3600;
/** The largest limit of calls or uses. */
export const MAX_COUNT = 1_000_000_000;

const tokenSetting = z.strictObject({
  lifetimeSeconds: whole(1, MAX_LIFETIME_SECONDS).describe('Lifetime in seconds'),
  maxUses: whole(0, MAX_COUNT).describe('Uses allowed within the lifetime; 0 = unlimited'),
});

/** Name of an API group or API scope: an OAuth scope value (RFC 6749 §3.3). */
export const scopeName = z
  .string()
  .regex(/^[A-Za-z0-9_.:-]{1,50}$/, 'must be 1 to 50 of A-Z a-z 0-9 _ . : -');

/** What every id of a client looks like. */
export const CLIENT_ID = /^[A-Za-z0-9_-]{1,40}$/;

/** Id of a client. */
export const clientIdRule = z.string().regex(CLIENT_ID, 'must be 1 to 40 of A-Z a-z 0-9 _ -');

/** A secret that a person chose: 8 to 128 characters of any kind, counted as characters. */
export const passwordRule = z
  .string()
  // Half a character would be hashed as U+FFFD, and so equal any other half.
  .refine((p) => p.isWellFormed(), 'must be well-formed Unicode')
  .refine((p) => characterCount(p) >= 8, 'needs at least 8 characters')
  .refine((p) => characterCount(p) <= 128, 'may have at most 128 characters')
  .meta({ minLength: 8, maxLength: 128 });

/** A public JSON Web Key (RFC 7517) that can be read; private and symmetric members are refused. */
const publicJwk = z
  .looseObject({
    kty: z.enum(['RSA', 'EC', 'OKP']),
    use: z.string().optional(),
    alg: z.string().optional(),
    kid: z.string().optional(),
  })
  .refine(
    (jwk) => !['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth'].some((member) => member in jwk),
    'must be a public key: leave out its private members',
  )
  .superRefine((jwk, context) => {
    const message = unusableKey(jwk);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

/** RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used". */
const MIN_RSA_BITS = 2048;

/** Why nobody could authenticate with this key, or null. */
function unusableKey(jwk: JsonWebKey): string | null {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
    return bits < MIN_RSA_BITS
      ? `needs at least ${MIN_RSA_BITS} bits: make a larger RSA key`
      : null;
  } catch {
    return 'cannot be read: export it again as a public JWK (RSA: n, e; EC: crv, x, y; OKP: crv, x)';
  }
}

/** Every field that an admin can set. `clientId`, `password` and `version` are handled beside it. */
export const clientSettings = z.strictObject({
  clientName: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,50}$/, 'must be 1 to 50 of A-Z a-z 0-9 _ -')
    .describe('Code of the client; unique without regard to case'),
  applicationNo: line(0, 100),
  displayName: line(1, 100).describe('Name shown to people; unique'),
  description: text(500),
  ipBindings: z
    .array(ipBinding)
    .max(1000)
    .refine(
      (rows) => new Set(rows.map((r) => r.address)).size === rows.length,
      'names an address twice',
    )
    .describe('Addresses that the client may call from; empty = any'),
  startsAt: instant.nullable().describe('Not valid before; null = open'),
  expiresAt: instant.nullable().describe('Not valid from this instant on; null = open'),
  serviceHours: serviceHours.nullable().describe('Weekly windows in one time zone; null = always'),
  apiQuota: z.strictObject({
    calls: whole(0, MAX_COUNT).describe('Calls allowed in a period; 0 = unlimited'),
    period: z.enum(['day', 'week', 'month', 'total']),
  }),
  timeZone: timeZoneRule
    .nullable()
    .describe(
      "Time zone of the quota's periods; null = that of the service hours, else of the server",
    ),
  tps: whole(0, 1_000_000).describe('Calls a second on each node; 0 = unlimited'),
  priority: whole(0, 9).describe('0 = highest, 9 = lowest'),
  note: line(1, 200),
  status: z.enum(['enabled', 'disabled']),
  audience: z.enum(['internal', 'external', 'both']),
  emails: unique(z.email().max(254), 10).describe('Addresses that notifications go to'),
  remark: text(300),
  environment: z.enum(['development', 'testing', 'production']),
  userAllowlist: unique(z.string().min(1).max(40), 10_000).describe(
    'Ids of the users who may use this client in user grants; empty = any',
  ),
  securityLevel: z.string().min(1).max(50),
  apiGroups: unique(scopeName, 10_000),
  apiScopes: unique(scopeName, 10_000),
  grantTypes: unique(z.enum(GRANT_TYPES), GRANT_TYPES.length),
  accessToken: tokenSetting,
  refreshToken: tokenSetting.describe('maxUses counts refreshes'),
  redirectUris: unique(redirectUri, 100),
  failedLoginLimit: whole(1, 1000).describe('Failed secrets in a row that lock the client'),
  kind: z.enum(['partner', 'resource_server']),
  servedApiGroups: unique(scopeName, 10_000).describe(
    'API groups that a resource server serves; empty = all',
  ),
  jwks: z
    .strictObject({ keys: z.array(publicJwk).min(1).max(20) })
    .nullable()
    .describe('Public keys; when set, the client authenticates by private_key_jwt only (RFC 7523)'),
});

export type ClientSettings = z.output<typeof clientSettings>;

/** What a field holds when nobody names it. Fields missing here are required. */
export const CLIENT_DEFAULTS = {
  applicationNo: '',
  description: '',
  ipBindings: [],
  startsAt: null,
  expiresAt: null,
  serviceHours: null,
  apiQuota: { calls: 0, period: 'day' },
  timeZone: null,
  tps: 10,
  priority: 5,
  status: 'enabled',
  audience: 'internal',
  emails: [],
  remark: '',
  environment: 'production',
  userAllowlist: [],
  securityLevel: 'SYSTEM',
  apiGroups: [],
  apiScopes: [],
  grantTypes: ['client_credentials'],
  accessToken: { lifetimeSeconds: 3600, maxUses: 0 },
  refreshToken: { lifetimeSeconds: 86_400, maxUses: 0 },
  redirectUris: [],
  failedLoginLimit: 3,
  kind: 'partner',
  servedApiGroups: [],
  jwks: null,
} as const satisfies Partial<{ [K in keyof ClientSettings]: unknown }>;

/** One of the secrets that a client authenticates with; its value is never stored. */
export interface ClientSecret {
  secretId: string;
  label: string;
  /** `password`: a person chose it (pre-hash, then bcrypt). `generated`: 256 random bits (keyed digest). */
  kind: 'password' | 'generated';
  hash: string;
  createdAt: Date;
  /** When it stops working; null = never. */
  expiresAt: Date | null;
}

/** A failed secret, as the status page shows it. */
export interface FailedLogin {
  at: Date;
  address: string | null;
}

/** State of the lockout; changes without a new version. */
export interface Lock {
  /** Failed secrets since the last success. */
  failedLogins: number;
  /** Since when the record is locked; null = it is not. */
  lockedAt: Date | null;
  /** The latest failures, newest first, at most 20. */
  failures: FailedLogin[];
}

/** A lock that nothing has touched. */
export const UNLOCKED: Lock = Object.freeze({ failedLogins: 0, lockedAt: null, failures: [] });

/** Failures kept for the status page. */
export const KEPT_FAILURES = 20;

/** A stored client. */
export interface Client extends ClientSettings, Versioned {
  clientId: string;
  secrets: ClientSecret[];
  lock: Lock;
}
