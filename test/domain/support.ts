/** A world for the rules: real stores in memory, a clock that moves, bcrypt that is counted, mail that is kept. */
import bcrypt from 'bcrypt';
import { openSqliteStores } from '../../adapters/sqlite/index.ts';
import type { ApiKey } from '../../src/domain/api-keys/api-key.ts';
import type { Api } from '../../src/domain/apis/api.ts';
import type { ApiGroup } from '../../src/domain/apis/api-group.ts';
import type { ApiScope } from '../../src/domain/apis/api-scope.ts';
import { INITIAL_LEVELS, type SecurityLevel } from '../../src/domain/apis/security-level.ts';
import type { Actor } from '../../src/domain/audit/audit-event.ts';
import {
  CLIENT_DEFAULTS,
  type Client,
  type ClientSettings,
  clientSettings,
  UNLOCKED,
} from '../../src/domain/clients/client.ts';
import { plusSeconds } from '../../src/domain/clock.ts';
import { isDomainError } from '../../src/domain/errors.ts';
import type { Mailer, OutgoingMail } from '../../src/domain/mailer.ts';
import { type BcryptPort, Passwords } from '../../src/domain/secrets/passwords.ts';
import { SecretKeys } from '../../src/domain/secrets/secret-keys.ts';
import { createServices, type Services } from '../../src/domain/services.ts';
import type { AccessToken, RefreshFamily } from '../../src/domain/tokens/token.ts';
import type { User } from '../../src/domain/users/user.ts';

/** The moment at which the rules play: a Wednesday, 16:00:00.123 UTC. */
export const NOW = new Date('2027-03-31T16:00:00.123Z');

/** An instant some seconds from `NOW`. */
export function fromNow(seconds: number): Date {
  return plusSeconds(NOW, seconds);
}

export const ACTOR: Actor = { kind: 'admin', id: 'admin-1', address: '192.0.2.200' };

/** A key of 32 equal bytes. */
export function keyOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

/** bcrypt of the lowest cost, which counts its work. */
export class CountingBcrypt implements BcryptPort {
  hashes = 0;
  compares = 0;
  isFull = false;

  hash(text: string): Promise<string> {
    this.hashes += 1;
    return bcrypt.hash(text, 4);
  }

  compare(text: string, hash: string): Promise<boolean> {
    this.compares += 1;
    return bcrypt.compare(text, hash);
  }
}

/** Everything that a rule may touch. */
export interface World {
  services: Services;
  bcrypt: CountingBcrypt;
  mails: OutgoingMail[];
  /** Moves the clock on. */
  pass(seconds: number): void;
  close(): Promise<void>;
}

/** Opens a world with the initial security levels and nothing else. */
export async function openWorld(options: { levels?: boolean } = {}): Promise<World> {
  let now = NOW;
  const stores = await openSqliteStores({ path: ':memory:' });
  const keys = new SecretKeys([keyOf(7)]);
  const counting = new CountingBcrypt();
  const passwords = new Passwords(keys, counting);
  const mails: OutgoingMail[] = [];
  const services = createServices({
    clock: { now: () => now },
    issuer: 'https://auth.example.test',
    keys,
    mailer: keepingMailer(mails),
    passwords,
    stores,
    timeZone: 'UTC',
  });
  if (options.levels !== false) await insertLevels(services);
  return {
    services,
    bcrypt: counting,
    mails,
    pass(seconds) {
      now = plusSeconds(now, seconds);
    },
    close: () => stores.close(),
  };
}

/** Keeps what it is told to send. */
export function keepingMailer(mails: OutgoingMail[]): Mailer {
  return {
    send: (mail) => void mails.push(mail),
    canResend: async () => 'possible',
    resend: () => {},
  };
}

/** The link that a mail holds; empty when it holds none. */
export function linkIn(mail: OutgoingMail | undefined): string {
  return mail !== undefined && 'url' in mail.locals ? mail.locals.url : '';
}

async function insertLevels({ stores }: Services): Promise<void> {
  for (const record of levels()) {
    const object = { kind: 'security_level', id: record.name };
    const event = { eventId: record.name, at: NOW, actor: ACTOR, action: 'x.create', object };
    await stores.securityLevels.insert(record, { ...event, changes: [] });
  }
}

/** Two groups above SYSTEM, two of one audience, and a scope, in the database of a world. */
export async function insertGroups({ stores }: Services): Promise<void> {
  const groups = [
    group('plain'),
    group('level-b', { securityLevel: 'B' }),
    group('level-a', { securityLevel: 'A' }),
    group('inside', { audience: 'internal' }),
    group('outside', { audience: 'external' }),
  ];
  const event = (id: string) => ({
    eventId: `event-${id}`,
    at: NOW,
    actor: ACTOR,
    action: 'x.create',
    object: { kind: 'x', id },
    changes: [],
  });
  for (const one of groups) await stores.apiGroups.insert(one, event(one.name));
  for (const one of [scope('profile'), scope('secret-profile', { securityLevel: 'A' })]) {
    await stores.apiScopes.insert(one, event(one.name));
  }
}

const VERSION_1 = { version: 1, createdAt: NOW, updatedAt: NOW };

/** A record of each kind that is simply on. */
export function clientOf(changes: Partial<Client> = {}): Client {
  const required = { clientName: 'orders-batch', displayName: 'Orders batch', note: 'nightly' };
  const settings: ClientSettings = clientSettings.parse({ ...CLIENT_DEFAULTS, ...required });
  const own = { clientId: 'orders', secrets: [], lock: UNLOCKED, ...VERSION_1 };
  return { ...settings, ...own, ...changes };
}

export function userOf(changes: Partial<User> = {}): User {
  const names = { userId: 'user-1', userName: 'ada', displayName: 'Ada', email: null };
  const rest = { status: 'enabled' as const, passwordHash: '', lock: UNLOCKED };
  return { ...names, ...rest, ...VERSION_1, ...changes };
}

export function api(apiId: string, route: string): Api {
  const [method, path = ''] = route.split(' ');
  return { apiId, method: method as Api['method'], path, name: '', ...VERSION_1 };
}

export function group(name: string, changes: Partial<ApiGroup> = {}): ApiGroup {
  const level = { securityLevel: 'SYSTEM', audience: 'both' as const };
  return { name, displayName: '', description: '', ...level, apis: [], ...VERSION_1, ...changes };
}

export function scope(name: string, changes: Partial<ApiScope> = {}): ApiScope {
  const rest = { displayName: '', description: '', securityLevel: 'SYSTEM', apis: [] };
  return { name, ...rest, ...VERSION_1, ...changes };
}

export function levels(): SecurityLevel[] {
  return INITIAL_LEVELS.map((level) => ({ ...level, displayName: level.name, ...VERSION_1 }));
}

/** An access token with 10 uses for the client `orders`, live at `NOW`. */
export function accessTokenOf(changes: Partial<AccessToken> = {}): AccessToken {
  return { ...tokenBase(), kind: 'access_token', tokenId: 'access-1', familyId: null, ...changes };
}

/** A refresh-token family with 10 refreshes for the client `orders`, live at `NOW`. */
export function familyOf(changes: Partial<RefreshFamily> = {}): RefreshFamily {
  const own = {
    kind: 'refresh_token' as const,
    tokenId: 'family-1',
    grantType: 'password' as const,
  };
  const current = { currentDigest: 'digest-1', rotatedAt: null };
  return { ...tokenBase(), ...own, ...current, ...changes };
}

function tokenBase() {
  return {
    clientId: 'orders',
    userId: null,
    grantType: 'client_credentials' as const,
    scopes: ['orders.read'],
    issuedAt: fromNow(-60),
    expiresAt: fromNow(3600),
    revokedAt: null,
    maxUses: 10,
    uses: 0,
  };
}

/** An API key of the client `orders`, live at `NOW`. */
export function apiKeyOf(changes: Partial<ApiKey> = {}): ApiKey {
  const names = { apiKeyId: 'key-1', clientId: 'orders', alias: 'nightly' };
  const values = { current: { digest: 'key-digest-1', lastFour: 'abcd' }, previous: null };
  const period = { startsAt: null, expiresAt: fromNow(3600) };
  const rest = { apiGroups: ['orders.read'], status: 'enabled' as const };
  return { ...names, ...values, ...period, ...rest, ...VERSION_1, ...changes };
}

/** The bad fields that a call complains about, as `field code`; fails when it does not complain. */
export async function problemsOf(work: () => unknown): Promise<string[]> {
  try {
    await work();
  } catch (error) {
    if (!isDomainError(error) || error.code !== 'validation_failed') throw error;
    return error.problems.map(({ field, code }) => `${field} ${code}`);
  }
  throw new Error('nothing was refused');
}
