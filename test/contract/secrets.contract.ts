/** Nothing in the database lets its reader act as a client, a user or an admin. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { diff } from '../../src/domain/audit/audit-event.ts';
import type { Stores } from '../../src/domain/stores.ts';
import {
  accessKeyFixture,
  accessTokenFixture,
  adminFixture,
  apiKeyFixture,
  clientFixture,
  digestOf,
  eventOf,
  familyFixture,
  fromNow,
  NOW,
  userFixture,
} from '../support/contract-fixtures.ts';
import { type Open, useStores } from './contract.ts';

type Dump = (stores: Stores) => Promise<string>;

const NAMES = [
  'link',
  'token',
  'refresh',
  'artifact',
  'generated',
  'password',
  'pat',
  'apiKey',
  'oldApiKey',
] as const;
type Secrets = Record<(typeof NAMES)[number], string>;

/** Describes the contract. */
export function describeSecrets(open: Open, dump: Dump): void {
  describe('secrets at rest', () => {
    const stores = useStores(open);

    it('keeps no secret and no token readable anywhere in the database', async () => {
      const values = NAMES.map((name) => [name, randomBytes(24).toString('base64url')]);
      const secrets = Object.fromEntries(values) as Secrets;
      await writeEverywhere(stores(), secrets);
      const everything = await dump(stores());
      for (const secret of Object.values(secrets)) {
        // That its digest is there shows that the dump would show the secret.
        expect(everything).toContain(digestOf(secret));
        expect(everything).not.toContain(secret);
      }
    });

    it('keeps digests and hashes out of the audit trail', async () => {
      const { items } = await stores().audit.list({ limit: 100 });
      const trail = JSON.stringify(items);
      expect(items).toHaveLength(5);
      expect(trail).toContain('"changed"');
      expect(trail).not.toContain('hash-of-');
    });
  });
}

/** Writes a record of each kind that carries a digest, with the audit events that the domain makes. */
async function writeEverywhere(stores: Stores, secrets: Secrets): Promise<void> {
  const created = (action: string, id: string, record: object) => ({
    ...eventOf(action, id),
    changes: diff(null, record),
  });
  const hash = (secret: string) => `hash-of-${digestOf(secret)}`;
  const { secrets: stored, ...rest } = clientFixture();
  const hashes = [hash(secrets.password), hash(secrets.generated)];
  const client = { ...rest, secrets: stored.map((s, i) => ({ ...s, hash: hashes[i] ?? '' })) };
  await stores.clients.insert(client, created('client.create', client.clientId, client));
  const user = userFixture({ passwordHash: hash(secrets.password) });
  await stores.users.insert(user, created('user.create', user.userId, user));
  const admin = adminFixture({ passwordHash: hash(secrets.password) });
  await stores.admins.insert(admin, created('admin.create', admin.adminId, admin));
  const key = accessKeyFixture({ digest: hash(secrets.pat) });
  const keyEvent = created('access_token.create', key.accessTokenId, key);
  await stores.personalAccessTokens.insert(key, keyEvent);
  const apiKey = apiKeyFixture({
    current: { digest: hash(secrets.apiKey), lastFour: 'aB3_' },
    previous: { digest: hash(secrets.oldApiKey), lastFour: 'c-D4', expiresAt: fromNow(60) },
  });
  const apiKeyEvent = created('api_key.create', apiKey.apiKeyId, apiKey);
  await stores.apiKeys.insert(apiKey, apiKeyEvent);
  await writeTokens(stores, secrets);
}

async function writeTokens(stores: Stores, secrets: Secrets): Promise<void> {
  const expiresAt = fromNow(60);
  const link = { purpose: 'client_password', subjectId: 'x', expiresAt } as const;
  await stores.oneTimeLinks.insert({ ...link, digest: digestOf(secrets.link) });
  const artifact = { model: 'ReplayDetection', payload: {}, expiresAt };
  await stores.artifacts.insert({ ...artifact, digest: digestOf(secrets.artifact) }, NOW);
  const family = familyFixture();
  const familyId = family.tokenId;
  const access = accessTokenFixture({ tokenId: digestOf(secrets.token), familyId });
  await stores.tokens.issue(access, family);
  await stores.tokens.rotate({
    familyId,
    fromDigest: family.currentDigest ?? '',
    toDigest: digestOf(secrets.refresh),
    access: accessTokenFixture({ familyId }),
    now: NOW,
  });
}
