/** Stored tokens that the contracts of tokens start from. */
import type { Stores } from '../../src/domain/stores.ts';
import type { AccessToken, RefreshFamily } from '../../src/domain/tokens/token.ts';
import type { Rotation } from '../../src/domain/tokens/token-store.ts';
import {
  accessTokenFixture,
  digestOf,
  familyFixture,
  fresh,
  NOW,
} from '../support/contract-fixtures.ts';

/** An access token without a family. */
export async function issued(
  stores: Stores,
  changes: Partial<AccessToken> = {},
): Promise<AccessToken> {
  const access = accessTokenFixture(changes);
  await stores.tokens.issue(access, null);
  return access;
}

/** An access token and its family. */
export async function issuedPair(
  stores: Stores,
  changes: { access?: Partial<AccessToken>; family?: Partial<RefreshFamily> } = {},
) {
  const family = familyFixture(changes.family);
  const access = accessTokenFixture({ familyId: family.tokenId, ...changes.access });
  await stores.tokens.issue(access, family);
  return { access, family };
}

/** The next refresh of a family. */
export function rotationOf(family: RefreshFamily, changes: Partial<Rotation> = {}): Rotation {
  return {
    familyId: family.tokenId,
    fromDigest: family.currentDigest ?? '',
    toDigest: digestOf(fresh('next')),
    access: accessTokenFixture({ familyId: family.tokenId }),
    now: NOW,
    ...changes,
  };
}
